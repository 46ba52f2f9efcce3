// The interface of everything that an evaluation can measure.
import type { DecodedImage } from '../../data/decode.js';
import type { Share } from '../../distributed/share.js';
import type { Direction, Translator } from '../../translate/translator.js';
import type { MeasuredImage } from '../measured-image.js';

/** Inputs in a batch. */
export const BATCH = 8;

/** A method's outputs for one input. */
export interface OutputGroup {
  /** Index of the input; undefined if a folder of outputs does not say. */
  input: number | undefined;
  /** The input as the method saw it; undefined if a folder of outputs does not say. */
  source?: DecodedImage;
  outputs: readonly MeasuredImage[];
}

/** A source of images in the target domain: a model, a folder of another method's outputs, or a baseline. */
export interface Method {
  name: string;
  kind: 'model' | 'folder' | 'baseline';
  /** Number of groups. */
  inputs: number;
  /** Outputs of each input; undefined if the inputs differ in this. */
  outputsPerInput: number | undefined;
  /** Minimum number of different images in all groups together. */
  outputs: number;
  /** False if every seed gives the same images. */
  isRandom: boolean;
  /** Size of the first output, px. */
  firstSize(): Promise<Pick<DecodedImage, 'width' | 'height'>>;
  /**
   * Yields every input once, in batches.
   * @param share whose batches to yield: those that `isOwn`; all by default. They are the same, whoever makes them.
   */
  groups(seed: number, share?: Share): AsyncIterable<OutputGroup[]>;
  /** Yields outputs of one input in random styles, in batches; undefined if only those of `groups` exist. */
  outputsOf?(input: number, count: number, seed: number): AsyncIterable<MeasuredImage[]>;
  /** The model, for metrics that look inside. */
  model?: {
    translator: Translator;
    direction: Direction;
    /** Reads inputs, by their indices, as `groups` has them. */
    readInputs(inputs: readonly number[]): Promise<DecodedImage[]>;
  };
  /** Real images to compare with, in place of the evaluation's. */
  real?: readonly MeasuredImage[];
}
