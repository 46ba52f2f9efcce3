// LPIPS distances between all pairs of images, with bounded memory.
import type { ParameterValues } from '../../model/parameters.js';
import type { Lpips } from '../../perceptual/lpips.js';
import { type CapturedPrograms, capture } from '../../runtime/capture/capture.js';
import { writeChunked } from '../../runtime/capture/chunked.js';
import { isLinearPath, lpipsDistancePrograms, lpipsFeaturePrograms } from './feature-programs.js';

type Shape = readonly [count: number, height: number, width: number];

/** Maximum number of image sizes whose programs are kept. */
const MAX_SIZES = 2;

/**
 * Images in the batch of every program, so that a pair's distance has the same bits in any set of images. It is not 1,
 * for which oneDNN uses other algorithms.
 */
const BATCH = 2;

/**
 * Approximate memory of the features in a block, of which there are two. At 256 px, VGG-16 has 30 MiB for each image.
 */
const BLOCK_BYTES = 2 ** 29;

/** The programs for images of one size. */
interface Programs {
  features: CapturedPrograms<'features'>;
  distances: CapturedPrograms<'distances'>;
  /** Shape of one image's features in each layer. */
  layers: readonly (readonly number[])[];
}

export interface LpipsEvaluatorOptions {
  /** Maximum memory of the features in a block, bytes; a block has at least 2 images. */
  blockBytes?: number;
}

/**
 * Computes LPIPS between all pairs of images. The images are processed in blocks whose features fit into a memory
 * limit. If one block holds all images, their features are computed once; otherwise once more for each block before an
 * image's own.
 */
export class LpipsEvaluator {
  private readonly programs = new Map<string, Programs>();
  private readonly blockBytes: number;

  constructor(
    private readonly lpips: Lpips,
    private readonly values: ParameterValues,
    { blockBytes = BLOCK_BYTES }: LpipsEvaluatorOptions = {},
  ) {
    this.blockBytes = blockBytes;
  }

  /**
   * Computes all distances. A distance depends only on its two images, and is exactly 0 for equal ones.
   *
   * @param images `[n, height, width, 3]` in [-1, 1], n at least 2.
   * @returns the distances of all n (n - 1) / 2 pairs: 0 and 1, 0 and 2, ..., 1 and 2, ...
   */
  pairDistances(images: Float32Array, [count, height, width]: Shape): Float32Array {
    if (count < 2) throw new RangeError(`a distance needs at least two images, not ${count}`);
    const length = height * width * 3;
    if (images.length !== count * length)
      throw new RangeError(
        `expected ${count} images of ${height} x ${width} x 3 numbers, not ${images.length} numbers`,
      );
    const programs = this.programsFor(height, width);
    const block = Math.min(this.blockLength(programs), count + (count % BATCH));
    const distances = new Float32Array((count * (count - 1)) / 2);
    // The pair of image i and a later image j is at offsetOf(i) + j.
    const offsetOf = (image: number): number => image * count - (image * (image + 1)) / 2 - image - 1;
    const left = new FeatureBlock(programs, block);
    const right = count > block ? new FeatureBlock(programs, block) : left;
    for (let start = 0; start < count; start += block) {
      left.fill(images, length, start, Math.min(count, start + block));
      for (let i = start; i < left.end; i++) left.distances(i, left, i + 1, distances, offsetOf(i));
      for (let other = start + block; other < count; other += block) {
        right.fill(images, length, other, Math.min(count, other + block));
        for (let i = start; i < left.end; i++) left.distances(i, right, other, distances, offsetOf(i));
      }
    }
    return distances;
  }

  dispose(): void {
    for (const { features, distances } of this.programs.values()) {
      features.dispose();
      distances.dispose();
    }
    this.programs.clear();
  }

  /** Images in a block: a multiple of BATCH. */
  private blockLength({ layers }: Programs): number {
    const bytes = 4 * layers.reduce((sum, shape) => sum + elementsOf(shape), 0);
    return BATCH * Math.max(1, Math.floor(this.blockBytes / bytes / BATCH));
  }

  private programsFor(height: number, width: number): Programs {
    const key = `${height}x${width}`;
    const known = this.programs.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.programs;
    if (this.programs.size >= MAX_SIZES && oldest !== undefined) {
      oldest[1].features.dispose();
      oldest[1].distances.dispose();
      this.programs.delete(oldest[0]);
    }
    const programs = this.capturePrograms(height, width);
    this.programs.set(key, programs);
    return programs;
  }

  private capturePrograms(height: number, width: number): Programs {
    const { lpips } = this;
    const { programs, variables, layers } = lpipsFeaturePrograms(lpips, [BATCH, height, width]);
    const features = capture(programs, variables);
    writeChunked(features, this.valuesOf(false));
    const pairs = lpipsDistancePrograms(lpips, BATCH, layers);
    const distances = capture(pairs.programs, pairs.variables);
    writeChunked(distances, this.valuesOf(true));
    return { features, distances, layers };
  }

  /** Parameters of the linear layers or of the trunk. */
  private valuesOf(isLinear: boolean): [string, Float32Array][] {
    return Object.entries(this.values).filter(([path]) => isLinearPath(path) === isLinear);
  }
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Features of consecutive images, on the host. */
class FeatureBlock {
  /** Index after the last image in the block. */
  end = 0;
  private start = 0;
  private readonly layers: Float32Array[];
  private readonly sizes: number[];

  /** @param capacity maximum number of images, a multiple of BATCH. */
  constructor(
    private readonly programs: Programs,
    private readonly capacity: number,
  ) {
    this.sizes = programs.layers.map(elementsOf);
    this.layers = this.sizes.map((size) => new Float32Array(capacity * size));
  }

  /** Computes the features of the images from `start` to `end - 1`. @param images of `length` numbers each. */
  fill(images: Float32Array, length: number, start: number, end: number): void {
    [this.start, this.end] = [start, end];
    const batch = new Float32Array(BATCH * length);
    for (let from = start; from < end; from += BATCH) {
      // An incomplete last batch keeps an earlier image as its second.
      batch.set(images.subarray(from * length, Math.min(end, from + BATCH) * length));
      const features = this.programs.features.run('features', { images: batch });
      for (const [k, layer] of this.layers.entries())
        layer.set(features[`layer${k}`] as Float32Array, (from - start) * this.sizes[k]!);
    }
  }

  /**
   * Writes the distances between image `i` and all images of another block from `first` on into `out`, at `offset` plus
   * their index.
   */
  distances(i: number, others: FeatureBlock, first: number, out: Float32Array, offset: number): void {
    for (let j = first; j < others.end; j += BATCH) {
      // The last batch of a block may repeat images, to be complete.
      const from = Math.min(j - others.start, others.capacity - BATCH);
      const inputs: Record<string, Float32Array> = {};
      for (const [k, size] of this.sizes.entries()) {
        inputs[`left${k}`] = this.rows(k, size, i - this.start, 1);
        inputs[`right${k}`] = others.rows(k, size, from, BATCH);
      }
      const distances = this.programs.distances.run('distances', inputs).distances as Float32Array;
      const skipped = j - others.start - from;
      const count = Math.min(BATCH - skipped, others.end - j);
      out.set(distances.subarray(skipped, skipped + count), offset + j);
    }
  }

  private rows(layer: number, size: number, from: number, count: number): Float32Array {
    return this.layers[layer]!.subarray(from * size, (from + count) * size);
  }
}
