import type { ParameterValues } from '../../model/parameters.js';
import type { Lpips } from '../../perceptual/lpips.js';
import { type CapturedPrograms, capture } from '../../runtime/capture/capture.js';
import { writeInPieces } from '../../runtime/capture/chunked.js';
import { isLinearPath, lpipsDistancePrograms, lpipsFeaturePrograms } from './feature-programs.js';

type Shape = readonly [count: number, height: number, width: number];

/** Sizes of images whose programs are kept at a time: more only where images of several sizes take turns. */
const MAX_SIZES = 2;

/**
 * Images that each program takes, whatever their number, so that a pair's distance has the same bits among any others.
 * Not 1, for which oneDNN has other algorithms.
 */
const BATCH = 2;

/** Features of one block of images take about so much memory; there are two such blocks. At 256 px VGG-16 has 30 MiB each. */
const BLOCK_BYTES = 2 ** 29;

/** The programs for images of one size. */
interface Programs {
  features: CapturedPrograms<'features'>;
  distances: CapturedPrograms<'distances'>;
  /** Shape of an image's features in each of the layers. */
  layers: readonly (readonly number[])[];
}

export interface LpipsEvaluatorOptions {
  /** What the features of a block may take, bytes; a block has 2 images at least. */
  blockBytes?: number;
}

/**
 * LPIPS between all pairs of some images. Images are taken in blocks whose features fit the memory that is set for
 * them: computed once where one block holds all, else once more for each block before an image's own.
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
   * A distance depends on its two images alone, not on the others, and is exactly 0 where they are equal.
   *
   * @param images `[n, height, width, 3]` in [-1, 1], n at least 2.
   * @returns the distances of all n (n - 1) / 2 pairs: 0 and 1, 0 and 2, ..., 1 and 2, ...
   */
  pairDistances(images: Float32Array, [count, height, width]: Shape): Float32Array {
    if (count < 2) throw new RangeError(`a distance needs two images, not ${count}`);
    const length = height * width * 3;
    if (images.length !== count * length)
      throw new RangeError(
        `expected ${count} images of ${height} x ${width} x 3 numbers, not ${images.length} numbers`,
      );
    const programs = this.programsFor(height, width);
    const block = Math.min(this.blockLength(programs), count + (count % BATCH));
    const distances = new Float32Array((count * (count - 1)) / 2);
    // Where the pairs of an image and the ones after it begin, less the place of the first of these.
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

  /** Images of a block: a multiple of BATCH. */
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
    writeInPieces(features, this.valuesOf(false));
    const pairs = lpipsDistancePrograms(lpips, BATCH, layers);
    const distances = capture(pairs.programs, pairs.variables);
    writeInPieces(distances, this.valuesOf(true));
    return { features, distances, layers };
  }

  /** Values of the linear layers or of the trunk. */
  private valuesOf(isLinear: boolean): [string, Float32Array][] {
    return Object.entries(this.values).filter(([path]) => isLinearPath(path) === isLinear);
  }
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Features of successive images, on the host. */
class FeatureBlock {
  /** Behind the last image that it holds. */
  end = 0;
  private start = 0;
  private readonly layers: Float32Array[];
  private readonly sizes: number[];

  /** @param capacity images that it can hold, a multiple of BATCH. */
  constructor(
    private readonly programs: Programs,
    private readonly capacity: number,
  ) {
    this.sizes = programs.layers.map(elementsOf);
    this.layers = this.sizes.map((size) => new Float32Array(capacity * size));
  }

  /** @param images of `length` numbers each, of which those from `start` up to `end` are taken. */
  fill(images: Float32Array, length: number, start: number, end: number): void {
    [this.start, this.end] = [start, end];
    const batch = new Float32Array(BATCH * length);
    for (let from = start; from < end; from += BATCH) {
      // A batch that the last image does not fill keeps another beside it.
      batch.set(images.subarray(from * length, Math.min(end, from + BATCH) * length));
      const found = this.programs.features.run('features', { images: batch });
      for (const [k, layer] of this.layers.entries())
        layer.set(found[`layer${k}`] as Float32Array, (from - start) * this.sizes[k]!);
    }
  }

  /** Puts the distances of image `i` and all of another block from `first` on into `out`, at their places from `offset`. */
  distances(i: number, others: FeatureBlock, first: number, out: Float32Array, offset: number): void {
    for (let j = first; j < others.end; j += BATCH) {
      // At its end a block has nothing more: some are computed again.
      const from = Math.min(j - others.start, others.capacity - BATCH);
      const inputs: Record<string, Float32Array> = {};
      for (const [k, size] of this.sizes.entries()) {
        inputs[`left${k}`] = this.rows(k, size, i - this.start, 1);
        inputs[`right${k}`] = others.rows(k, size, from, BATCH);
      }
      const found = this.programs.distances.run('distances', inputs).distances as Float32Array;
      const skipped = j - others.start - from;
      const count = Math.min(BATCH - skipped, others.end - j);
      out.set(found.subarray(skipped, skipped + count), offset + j);
    }
  }

  private rows(layer: number, size: number, from: number, count: number): Float32Array {
    return this.layers[layer]!.subarray(from * size, (from + count) * size);
  }
}
