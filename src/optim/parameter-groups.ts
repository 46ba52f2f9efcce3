// The parameters that one optimizer trains, packed into flat buckets.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type NetworkValues, type ParameterSpecs, type Params, sizeOf } from '../model/parameters.js';
import { kernels } from '../runtime/kernels.js';

/**
 * Small parameters share flat buckets, so that an optimizer update and an EMA update are a few kernels for hundreds of them.
 * Each large parameter has its own bucket, where nothing has to be split and joined and the gain is a number.
 */
const BUCKET_ELEMENTS = 1024 * 1024;
const LARGE_ELEMENTS = 64 * 1024;

/** A parameter's place in its bucket. */
interface Entry {
  network: string;
  path: string;
  shape: number[];
  size: number;
  gain: number;
  /** Factor on the learning rate; 0 for frozen parameters. */
  lrMultiplier: number;
}

interface Bucket {
  entries: Entry[];
  size: number;
}

export interface ParameterGroupOptions {
  /** Largest size of a bucket of small parameters, elements. */
  bucketElements?: number;
  /** Parameters with at least this many elements have their own bucket. */
  largeElements?: number;
  /** A parameter's factor on the learning rate; 1 by default, 0 freezes it. */
  multiplierOf?: (network: string, path: string) => number;
}

/**
 * The order in which the gradients of buckets are ready: that of a network's last layers first. The networks of a group stand
 * side by side in a step, so those at the same depth come together; a bucket waits for the first of its layers.
 */
function backwardOrder(
  buckets: readonly Bucket[],
  networks: Readonly<Record<string, ParameterSpecs>>,
): number[] {
  const depths = new Map<string, number>();
  for (const [network, specs] of Object.entries(networks)) {
    const paths = Object.keys(specs);
    for (const [i, path] of paths.entries()) depths.set(`${network}/${path}`, i / paths.length);
  }
  const depthOf = ({ entries }: Bucket): number =>
    Math.min(...entries.map(({ network, path }) => depths.get(`${network}/${path}`)!));
  return [...buckets.keys()].sort((a, b) => depthOf(buckets[b]!) - depthOf(buckets[a]!) || b - a);
}

/** One number for a whole bucket, or one for each element. */
export type BucketScale = number | Tensor;

/** The networks that one optimizer trains together, and the place of each parameter in the buckets. */
export class ParameterGroup {
  /** Buckets of frozen parameters come last. */
  readonly buckets: readonly Bucket[];
  /** How many buckets are trained: they come first. */
  readonly trainedBuckets: number;
  /** The trained buckets in about the order in which their gradients are ready. */
  readonly backwardOrder: readonly number[];
  private readonly scales = new Map<string, Tensor>();

  /** @param networks specs by network name; their order decides the layout. */
  constructor(
    networks: Readonly<Record<string, ParameterSpecs>>,
    {
      bucketElements = BUCKET_ELEMENTS,
      largeElements = LARGE_ELEMENTS,
      multiplierOf = () => 1,
    }: ParameterGroupOptions = {},
  ) {
    const entries = Object.entries(networks).flatMap(([network, specs]) =>
      Object.entries(specs).map(([path, { shape, gain }]): Entry => {
        return { network, path, shape, size: sizeOf(shape), gain, lrMultiplier: multiplierOf(network, path) };
      }),
    );
    const fill = (chosen: Entry[]): Bucket[] => {
      const buckets: Bucket[] = [];
      let open: Bucket | undefined;
      for (const entry of chosen) {
        if (entry.size >= largeElements) {
          buckets.push({ entries: [entry], size: entry.size });
          continue;
        }
        if (open === undefined || open.size + entry.size > bucketElements) {
          open = { entries: [], size: 0 };
          buckets.push(open);
        }
        open.entries.push(entry);
        open.size += entry.size;
      }
      return buckets;
    };
    const trained = fill(entries.filter(({ lrMultiplier }) => lrMultiplier > 0));
    this.buckets = [...trained, ...fill(entries.filter(({ lrMultiplier }) => lrMultiplier === 0))];
    this.trainedBuckets = trained.length;
    this.backwardOrder = backwardOrder(trained, networks);
  }

  /** Number of elements of all parameters. */
  get parameterCount(): number {
    return this.buckets.reduce((total, bucket) => total + bucket.size, 0);
  }

  /** Packs values into one vector for each bucket. @throws RangeError if a parameter is missing or has another size. */
  pack(values: NetworkValues): Float32Array[] {
    return this.buckets.map((_, i) => this.packBucket(values, i));
  }

  /** One vector of `pack`; a parameter with its own bucket is not copied. */
  packBucket(values: NetworkValues, index: number): Float32Array {
    const { entries, size: bucketSize } = this.buckets[index]!;
    const vectors = entries.map(({ network, path, size }) => {
      const stored = values[network]?.[path];
      if (stored?.length !== size)
        throw new RangeError(`${network}/${path} has ${stored?.length ?? 'no'} values but needs ${size}`);
      return stored;
    });
    if (vectors.length === 1) return vectors[0]!;
    const flat = new Float32Array(bucketSize);
    let offset = 0;
    for (const vector of vectors) {
      flat.set(vector, offset);
      offset += vector.length;
    }
    return flat;
  }

  /** The reverse of `pack`. */
  unpack(flat: readonly Float32Array[]): NetworkValues {
    const values: NetworkValues = {};
    flat.forEach((vector, i) => {
      for (const { network, path, data } of this.unpackBucket(vector, i)) {
        values[network] ??= {};
        values[network][path] = data.slice();
      }
    });
    return values;
  }

  /** The reverse of `packBucket`; yields views of the vector, no copies. */
  *unpackBucket(
    vector: Float32Array,
    index: number,
  ): Generator<{ network: string; path: string; data: Float32Array }> {
    let offset = 0;
    for (const { network, path, size } of this.buckets[index]!.entries) {
      yield { network, path, data: vector.subarray(offset, offset + size) };
      offset += size;
    }
  }

  /** The parameters of every network, split off the buckets. */
  parameters(buckets: readonly Tensor[]): Record<string, Params> {
    const networks: Record<string, Record<string, Tensor>> = {};
    this.buckets.forEach(({ entries }, i) => {
      const sizes = entries.map(({ size }) => size);
      const flat = entries.length === 1 ? [buckets[i]!] : kernels().split(buckets[i]!, sizes);
      entries.forEach(({ network, path, shape }, k) => {
        networks[network] ??= {};
        // The reshape also copies a vector that fills its bucket: the caller owns the parameter, but not the bucket.
        networks[network][path] =
          shape.length === 1 && entries.length > 1 ? flat[k]! : kernels().reshape(flat[k]!, shape);
      });
    });
    return networks;
  }

  /** Uploads fixed weights; the parameters stay on the device until the caller disposes them. */
  keepParameters(values: NetworkValues): Record<string, Params> {
    const flat = this.pack(values);
    return tf.tidy(() => {
      const networks = this.parameters(flat.map((bucket) => tf.tensor1d(bucket)));
      for (const params of Object.values(networks))
        for (const tensor of Object.values(params)) tf.keep(tensor);
      return networks as Record<string, Record<string, Tensor>>;
    });
  }

  /** The trained parameters in bucket order, in which `gradientBuckets` expects their gradients. */
  inOrder(networks: Record<string, Params>): Tensor[] {
    return this.buckets
      .slice(0, this.trainedBuckets)
      .flatMap(({ entries }) => entries.map(({ network, path }) => networks[network]![path]!));
  }

  /** Gradients with respect to the trained buckets, from those with respect to the parameters of `inOrder`. */
  gradientBuckets(gradients: readonly Tensor[]): Tensor[] {
    let next = 0;
    return this.buckets.slice(0, this.trainedBuckets).map((bucket) => {
      const flat = bucket.entries.map(() => {
        const gradient = gradients[next++]!;
        return gradient.rank === 1 ? gradient : kernels().reshape(gradient, [gradient.size]);
      });
      return flat.length === 1 ? flat[0]! : kernels().concat(flat, 0);
    });
  }

  /** The gains of a bucket's parameters. The group owns a tensor that it returns. */
  gainOf(index: number): BucketScale {
    return this.scaleOf('gain', index, ({ gain }) => gain);
  }

  /** The factors on the steps of a bucket's parameters: gain times learning-rate multiplier. The group owns the tensor. */
  stepScaleOf(index: number): BucketScale {
    return this.scaleOf('step', index, ({ gain, lrMultiplier }) => gain * lrMultiplier);
  }

  /** Frees the constants that the group holds. */
  dispose(): void {
    for (const tensor of this.scales.values()) tensor.dispose();
    this.scales.clear();
  }

  private scaleOf(kind: string, index: number, scale: (entry: Entry) => number): BucketScale {
    const { entries, size } = this.buckets[index]!;
    const common = scale(entries[0]!);
    if (entries.every((entry) => scale(entry) === common)) return common;
    const key = `${kind}/${index}`;
    let scales = this.scales.get(key);
    if (scales === undefined) {
      const values = new Float32Array(size);
      let offset = 0;
      for (const entry of entries) {
        values.fill(scale(entry), offset, offset + entry.size);
        offset += entry.size;
      }
      scales = tf.keep(tf.tensor1d(values));
      this.scales.set(key, scales);
    }
    return scales;
  }
}
