// Extracts Inception features of images with captured programs.
import os from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InputError, InterruptedError, messageOf, RunError } from '../../base/errors.js';
import { sha256 } from '../../base/hash.js';
import { DECODER } from '../../data/decode.js';
import type { ParameterValues } from '../../model/parameters.js';
import { buildInception, INCEPTION_DIMS, INCEPTION_PX, type Inception } from '../../perceptual/inception.js';
import { type CapturedPrograms, capture } from '../../runtime/capture/capture.js';
import { writeChunked } from '../../runtime/capture/chunked.js';
import { computeFacts } from '../../runtime/compute-facts.js';
import { loadEngine } from '../../runtime/node.js';
import type { MeasuredImage } from '../measured-image.js';
import type { FeatureKind } from './feature-kind.js';
import { inceptionProgramName, inceptionPrograms } from './feature-programs.js';
import { foldInception, type StateDict } from './inception-weights.js';
import { type NetworkInput, type NetworkInputOptions, networkInput } from './network-input.js';
import { orderedMap } from './ordered-map.js';

/** Increase with every change that changes features by more than rounding. */
const IMPLEMENTATION_VERSION = 1;

/** Images that are read ahead of the network: they keep their own size, so only a few are held in memory. */
const READ_AHEAD = 8;

/**
 * Images in a batch. The rest go in pairs, an odd last one with a copy of itself. An image's features have the same
 * bits in every batch but a batch of one, for which oneDNN uses another algorithm.
 */
export const BATCH = 16;
const PAIR = 2;

const IMAGE_LENGTH = INCEPTION_PX * INCEPTION_PX * 3;

/** The networks' names in error messages. */
const NETWORKS = { fid: "pytorch-fid's Inception", imagenet: "torchvision's Inception" } as const;

export interface ExtractOptions {
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

/** Extracts the features that FID, KID, precision and similar metrics compare. */
export interface FeatureExtractor {
  /** SHA-256, as hex digits, over everything besides the image that features depend on: the key of caches. */
  readonly id: string;
  readonly kind: FeatureKind;
  /** Network, resizing and range, for receipts. */
  readonly description: string;
  /** Number of features of an image. */
  readonly dims: number;
  /**
   * Extracts features `[n, dims]` in the order of the images.
   *
   * @throws InputError for the first image that cannot be read; InterruptedError if the signal aborts; RunError if
   *   features are not finite.
   */
  extract(images: readonly MeasuredImage[], options?: ExtractOptions): Promise<Float32Array>;
  /** Frees the network. Afterwards only `dispose` may be called. */
  dispose(): void;
}

/** Weights of a network, with the names and the layout of PyTorch. */
export interface FeatureWeights {
  tensors: StateDict;
  /** SHA-256 of the file that they come from, hex digits. */
  sha256: string;
}

export interface FeatureExtractorOptions extends NetworkInputOptions {
  /** Images in a batch; features do not depend on it. */
  batch?: number;
}

/**
 * Opens an extractor, which runs as captured programs, and loads the engine if needed. The caller disposes it.
 *
 * @param weights pytorch-fid's for `inception` and `inception-clean`, torchvision's for `inception-imagenet`.
 * @throws InputError if the weights belong to another network.
 */
export async function openFeatureExtractor(
  kind: FeatureKind,
  weights: FeatureWeights,
  { batch = BATCH, ...options }: FeatureExtractorOptions = {},
): Promise<FeatureExtractor> {
  const input = networkInput(kind, options);
  const inception = buildInception(input.variant);
  const values = foldWeights(inception, weights, input);
  const engine = computeFacts(await loadEngine());
  const id = sha256(
    JSON.stringify({
      version: IMPLEMENTATION_VERSION,
      kind,
      input: input.description,
      weights: weights.sha256,
      decoder: DECODER,
      engine,
      fpmath: process.env.ONEDNN_DEFAULT_FPMATH_MODE ?? '',
      processor: os.cpus()[0]?.model ?? '',
    }),
  );
  const batches = batch > PAIR ? [batch, PAIR] : [PAIR];
  return new CapturedExtractor(kind, id, input, batches, () => capturePrograms(inception, values, batches));
}

function capturePrograms(
  inception: Inception,
  values: ParameterValues,
  batches: readonly number[],
): CapturedPrograms {
  const { programs: recorded, variables } = inceptionPrograms(inception, batches);
  const programs = capture(recorded, variables);
  writeChunked(programs, Object.entries(values));
  return programs;
}

function foldWeights(
  inception: Inception,
  { tensors }: FeatureWeights,
  { variant }: NetworkInput,
): ParameterValues {
  try {
    return foldInception(inception, tensors);
  } catch (error) {
    throw new InputError(
      {
        expected: `the weights of ${NETWORKS[variant]}`,
        found: messageOf(error),
        remedy: 'import its file again with gnr weights import',
      },
      { cause: error },
    );
  }
}

class CapturedExtractor implements FeatureExtractor {
  readonly kind: FeatureKind;
  readonly id: string;
  readonly description: string;
  readonly dims = INCEPTION_DIMS;
  private readonly input: NetworkInput;
  private network: (() => CapturedPrograms) | undefined;
  /** The largest first. */
  private readonly batches: readonly number[];
  /** Captured with the first images: a cache may know the features of all. */
  private programs: CapturedPrograms | undefined;
  private isDisposed = false;

  /** @param network captures a program for each of the batches; called once. */
  constructor(
    kind: FeatureKind,
    id: string,
    input: NetworkInput,
    batches: readonly number[],
    network: () => CapturedPrograms,
  ) {
    this.kind = kind;
    this.id = id;
    this.description = input.description;
    this.input = input;
    this.batches = batches;
    this.network = network;
  }

  async extract(
    images: readonly MeasuredImage[],
    { onProgress, signal }: ExtractOptions = {},
  ): Promise<Float32Array> {
    const features = new Float32Array(images.length * this.dims);
    const prepared = orderedMap(images, READ_AHEAD, async (image) => this.input.prepare(await image.read()));
    const pixels = new Float32Array(this.batches[0]! * IMAGE_LENGTH);
    for (let done = 0; done < images.length; ) {
      const remaining = images.length - done;
      const batch = this.batches.find((size) => size <= remaining) ?? PAIR;
      const count = Math.min(batch, remaining);
      for (let i = 0; i < count; i++) {
        if (signal?.aborted) throw new InterruptedError('The extraction of features was interrupted.');
        const { value } = await prepared.next();
        pixels.set(value!, i * IMAGE_LENGTH);
      }
      if (count < batch) pixels.copyWithin(IMAGE_LENGTH, 0, IMAGE_LENGTH);
      const rows = this.run(batch, pixels.subarray(0, batch * IMAGE_LENGTH));
      for (let i = 0; i < count; i++) {
        const row = rows.subarray(i * this.dims, (i + 1) * this.dims);
        assertFinite(row, images[done + i]!.name);
        features.set(row, (done + i) * this.dims);
      }
      done += count;
      onProgress?.(done, images.length);
      // Signals and timers run here, even if no image is read from a disk.
      await nextTurn();
    }
    return features;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.programs?.dispose();
  }

  private run(batch: number, images: Float32Array): Float32Array {
    if (this.isDisposed) throw new RangeError('the feature extractor was disposed');
    this.programs ??= this.network!();
    // The function holds the host's copy of the weights.
    this.network = undefined;
    return this.programs.run(inceptionProgramName(batch), { images }).features as Float32Array;
  }
}

function assertFinite(features: Float32Array, name: string): void {
  if (features.every(Number.isFinite)) return;
  throw new RunError(
    `The features of ${name} are not finite because the network's weights are damaged: import them again with gnr weights import.`,
  );
}
