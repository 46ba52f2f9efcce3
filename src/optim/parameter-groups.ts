import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type NetworkValues, type ParameterSpecs, type Params, sizeOf } from '../model/parameters.js';
import { kernels } from '../runtime/kernels.js';

/**
 * Small parameters lie together in flat buckets: one optimizer update and one averaging are then a few kernels for
 * hundreds of them. Large ones have a bucket each, where nothing has to be cut and joined, and the gain is a number.
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
  /** Factor on the learning rate; 0 for parameters that are not trained. */
  rate: number;
}

interface Bucket {
  entries: Entry[];
  size: number;
}

export interface ParameterGroupOptions {
  /** Largest bucket of small parameters, elements. */
  bucketElements?: number;
  /** Parameters of so many elements have a bucket of their own. */
  largeElements?: number;
  /** A parameter's factor on the learning rate, 1 where left out; 0 freezes it. */
  multiplierOf?: (network: string, path: string) => number;
}

/** One number for a whole bucket, or one for each element. */
export type BucketScale = number | Tensor;

/** The networks that one optimizer trains together, and where each parameter lies. */
export class ParameterGroup {
  /** Those of frozen parameters come last. */
  readonly buckets: readonly Bucket[];
  /** Buckets that are trained: the first so many. */
  readonly trainedBuckets: number;
  private readonly scales = new Map<string, Tensor>();

  /** @param networks specs by network name; the order decides the layout. */
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
        return { network, path, shape, size: sizeOf(shape), gain, rate: multiplierOf(network, path) };
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
    const trained = fill(entries.filter(({ rate }) => rate > 0));
    this.buckets = [...trained, ...fill(entries.filter(({ rate }) => rate === 0))];
    this.trainedBuckets = trained.length;
  }

  /** Numbers in all parameters. */
  get parameterCount(): number {
    return this.buckets.reduce((total, bucket) => total + bucket.size, 0);
  }

  /** Values into one vector for each bucket. @throws RangeError where a parameter is missing or of another size. */
  pack(values: NetworkValues): Float32Array[] {
    return this.buckets.map((_, i) => this.packBucket(values, i));
  }

  /** One bucket of `pack`; a parameter that has a bucket of its own is not copied. */
  packBucket(values: NetworkValues, index: number): Float32Array {
    const { entries, size: bucketSize } = this.buckets[index]!;
    const vectors = entries.map(({ network, path, size }) => {
      const stored = values[network]?.[path];
      if (stored?.length !== size)
        throw new RangeError(
          `${network}/${path} has ${stored?.length ?? 'no'} values where ${size} are needed`,
        );
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

  /** The reverse of `packBucket`: views of the vector, no copies. */
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

  /** The parameters of every network, cut out of the buckets. */
  parameters(buckets: readonly Tensor[]): Record<string, Params> {
    const networks: Record<string, Record<string, Tensor>> = {};
    this.buckets.forEach(({ entries }, i) => {
      const sizes = entries.map(({ size }) => size);
      const pieces = entries.length === 1 ? [buckets[i]!] : kernels().split(buckets[i]!, sizes);
      entries.forEach(({ network, path, shape }, k) => {
        networks[network] ??= {};
        // A vector that is a bucket is copied all the same: the parameter is the caller's, the bucket is not.
        networks[network][path] =
          shape.length === 1 && entries.length > 1 ? pieces[k]! : kernels().reshape(pieces[k]!, shape);
      });
    });
    return networks;
  }

  /** The parameters of fixed weights, kept on the device until the caller disposes them. */
  keepParameters(values: NetworkValues): Record<string, Params> {
    const flat = this.pack(values);
    return tf.tidy(() => {
      const networks = this.parameters(flat.map((bucket) => tf.tensor1d(bucket)));
      for (const params of Object.values(networks))
        for (const tensor of Object.values(params)) tf.keep(tensor);
      return networks as Record<string, Record<string, Tensor>>;
    });
  }

  /** The trained parameters in bucket order, as `gradientBuckets` wants their gradients. */
  inOrder(networks: Record<string, Params>): Tensor[] {
    return this.buckets
      .slice(0, this.trainedBuckets)
      .flatMap(({ entries }) => entries.map(({ network, path }) => networks[network]![path]!));
  }

  /** Gradients with respect to the trained buckets, from those with respect to the parameters in order. */
  gradientBuckets(gradients: readonly Tensor[]): Tensor[] {
    let next = 0;
    return this.buckets.slice(0, this.trainedBuckets).map((bucket) => {
      const pieces = bucket.entries.map(() => {
        const gradient = gradients[next++]!;
        return gradient.rank === 1 ? gradient : kernels().reshape(gradient, [gradient.size]);
      });
      return pieces.length === 1 ? pieces[0]! : kernels().concat(pieces, 0);
    });
  }

  /** The gains of a bucket's parameters. A tensor is the group's. */
  gainOf(index: number): BucketScale {
    return this.scaleOf('gain', index, ({ gain }) => gain);
  }

  /** What the steps of a bucket's parameters are multiplied by: gain times rate. A tensor is the group's. */
  stepScaleOf(index: number): BucketScale {
    return this.scaleOf('step', index, ({ gain, rate }) => gain * rate);
  }

  /** Frees the constants that the group holds. */
  dispose(): void {
    for (const tensor of this.scales.values()) tensor.dispose();
    this.scales.clear();
  }

  private scaleOf(kind: string, index: number, scale: (entry: Entry) => number): BucketScale {
    const { entries, size } = this.buckets[index]!;
    const first = scale(entries[0]!);
    if (entries.every((entry) => scale(entry) === first)) return first;
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
