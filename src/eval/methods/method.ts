import type { DecodedImage } from '../../data/decode.js';
import type { Direction, Translator } from '../../translate/translator.js';
import type { MeasuredImage } from '../measured-image.js';

/** What a method made of one input. */
export interface OutputGroup {
  /** Which input, counted from 0; undefined where a folder of outputs does not say. */
  input: number | undefined;
  /** The input as the method saw it; undefined where a folder of outputs does not say. */
  source?: DecodedImage;
  outputs: readonly MeasuredImage[];
}

/** Something that makes images of the target domain: a model, a folder of another method's outputs, a baseline. */
export interface Method {
  name: string;
  kind: 'model' | 'folder' | 'baseline';
  /** How many groups there are. */
  inputs: number;
  /** Outputs of each input, where all have as many; undefined where they differ. */
  outputsPerInput: number | undefined;
  /** Different images in all groups together, at least. */
  outputs: number;
  /** False where every seed gives the same images. */
  isRandom: boolean;
  /** Every input once, some at a time. */
  groups(seed: number): AsyncIterable<OutputGroup[]>;
  /** Outputs of one input in random styles, some at a time; undefined where only those of `groups` exist. */
  outputsOf?(input: number, count: number, seed: number): AsyncIterable<MeasuredImage[]>;
  /** The model itself, for metrics that look into it. */
  model?: { translator: Translator; direction: Direction };
  /** Real images to compare with, in place of the evaluation's. */
  real?: readonly MeasuredImage[];
}
