// Named styles: drawn at random, taken from references, given as codes, or interpolated.
import { basename } from 'node:path';
import { InputError } from '../base/errors.js';
import { UniqueNames } from '../base/unique-name.js';
import { decodeImage, toFloat } from '../data/decode.js';
import type { InputImage } from '../data/image-arrays.js';
import { joinFloats } from '../data/image-arrays.js';
import { slerp, truncateStyle } from './style-math.js';
import { type Direction, randomStyleCodes, type Translator } from './translator.js';

/** References that are encoded together. */
const REFERENCE_BATCH = 8;

/** One style for all images, with its name in file names and labels. */
export interface NamedStyle {
  label: string;
  /** `latentDim` numbers. */
  code: Float32Array;
  /** How the style was made: seed and index, the file name of a reference, the ends of an interpolation. */
  origin?: Readonly<Record<string, string | number>>;
}

/** Adds labels and origins to the codes of `randomStyleCodes`. */
export function randomStyles(count: number, seed: number, latentDim: number, truncation = 1): NamedStyle[] {
  return randomStyleCodes(count, seed, latentDim, truncation).map((code, i) => ({
    label: `style-${i + 1}`,
    code,
    origin: { seed, index: i },
  }));
}

/**
 * Encodes the styles of images of the target domain, labelled by their names.
 *
 * @throws InputError for an image that cannot be read.
 */
async function referenceStyles(
  translator: Translator,
  direction: Direction,
  references: readonly InputImage[],
): Promise<NamedStyle[]> {
  const { size, latentDim } = translator.architecture;
  const styles: NamedStyle[] = [];
  for (let from = 0; from < references.length; from += REFERENCE_BATCH) {
    const batch = references.slice(from, from + REFERENCE_BATCH);
    const decoded = await Promise.all(batch.map(({ file }) => decodeImage(file, { size })));
    const codes = translator.styleOf(direction, joinFloats(decoded.map(toFloat)));
    for (const [i, { file, name }] of batch.entries())
      styles.push({
        label: name,
        code: codes.slice(i * latentDim, (i + 1) * latentDim),
        origin: { reference: basename(file) },
      });
  }
  return styles;
}

/** Interpolates between two styles in equal steps. @param count styles to return, the two ends included; at least 2. */
export function interpolateStyles(from: NamedStyle, to: NamedStyle, count: number): NamedStyle[] {
  return Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    return {
      label: `mix-${i + 1}`,
      code: slerp(from.code, to.code, share),
      origin: { from: from.label, to: to.label, share },
    };
  });
}

/** The styles that a user asks for, checked as far as possible without the model. */
export interface StyleChoice {
  /** Explicit codes. */
  codes: readonly Float32Array[];
  /** Styles that earlier translations recorded. */
  recorded: readonly NamedStyle[];
  /** Images whose styles are encoded. */
  references: readonly InputImage[];
  /** Number of random styles to add. */
  random: number;
  seed: number;
  /** 1 keeps all styles as they are, 0 makes each the mean style. */
  truncation: number;
  /** Replaces the styles with this many between the first and the second. */
  interpolate?: number | undefined;
}

/**
 * Makes the styles of a choice, in the order of its fields, each with a label of its own.
 *
 * @throws InputError for codes whose length differs from the model's, for a reference that cannot be read, and for an
 *   interpolation with fewer than two styles.
 */
export async function makeStyles(
  choice: StyleChoice,
  translator: Translator,
  direction: Direction,
): Promise<NamedStyle[]> {
  const { latentDim } = translator.architecture;
  const { truncation, random, seed, interpolate } = choice;
  const explicit: NamedStyle[] = [
    ...choice.codes.map((code, i) => ({ label: `code-${i + 1}`, code })),
    ...choice.recorded,
  ];
  for (const { label, code } of explicit)
    if (code.length !== latentDim)
      throw new InputError({
        expected: `a style of ${latentDim} numbers for this model`,
        found: `${code.length} (${label})`,
        remedy: 'give one of that many, or name the model that the style belongs to',
      });
  const encoded = await referenceStyles(translator, direction, choice.references);
  const truncated = [...explicit, ...encoded].map((style) => ({
    ...style,
    code: truncateStyle(style.code, truncation),
  }));
  const styles = uniqueLabels([...truncated, ...randomStyles(random, seed, latentDim, truncation)]);
  if (interpolate === undefined) return styles;
  const [from, to] = styles;
  if (from === undefined || to === undefined)
    throw new InputError({
      expected: 'two styles to interpolate between',
      found: `${styles.length}`,
      remedy: 'add --styles, --style-image or --style-code',
    });
  return interpolateStyles(from, to, interpolate);
}

function uniqueLabels(styles: readonly NamedStyle[]): NamedStyle[] {
  const labels = new UniqueNames();
  return styles.map((style) => ({ ...style, label: labels.take(style.label) }));
}
