import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { InputError, messageOf } from '../base/errors.js';
import { uniqueName } from '../base/unique-name.js';
import { decodeImage, toFloat } from '../data/decode.js';
import type { InputPicture } from '../data/pictures.js';
import { joinPictures } from '../data/pictures.js';
import { type Direction, randomStyleCodes, type Translator } from './translator.js';

/** References that are encoded together. */
const ENCODED_TOGETHER = 8;
/** Below this, an angle between styles (in radians, to 0 or to pi) says nothing of a way between them. */
const MIN_ANGLE = 1e-4;

/** One style for all pictures, and what it is called in file names and labels. */
export interface NamedStyle {
  label: string;
  /** `latentDim` numbers. */
  code: Float32Array;
  /** What it was made from: seed and index, a reference's file name, the ends of an interpolation. */
  origin?: Readonly<Record<string, string | number>>;
}

/** `randomStyleCodes` with labels and origins. */
export function randomStyles(count: number, seed: number, latentDim: number, truncation = 1): NamedStyle[] {
  return randomStyleCodes(count, seed, latentDim, truncation).map((code, i) => ({
    label: `style-${i + 1}`,
    code,
    origin: { seed, index: i },
  }));
}

/** The style of each of several pictures of the domain that is translated to, labelled by their names. @throws InputError for a bad picture. */
async function referenceStyles(
  translator: Translator,
  direction: Direction,
  pictures: readonly InputPicture[],
): Promise<NamedStyle[]> {
  const { size, latentDim } = translator.architecture;
  const styles: NamedStyle[] = [];
  for (let from = 0; from < pictures.length; from += ENCODED_TOGETHER) {
    const some = pictures.slice(from, from + ENCODED_TOGETHER);
    const decoded = await Promise.all(some.map(({ file }) => decodeImage(file, { size })));
    const codes = translator.styleOf(direction, joinPictures(decoded.map(toFloat)));
    for (const [i, { file, name }] of some.entries())
      styles.push({
        label: name,
        code: codes.slice(i * latentDim, (i + 1) * latentDim),
        origin: { reference: basename(file) },
      });
  }
  return styles;
}

function norm(code: Float32Array): number {
  return Math.sqrt(code.reduce((sum, value) => sum + value * value, 0));
}

/**
 * The style at `share` of the way from one to another, 0 the first and 1 the second: direction along the great circle,
 * length linear. Styles are drawn from a normal distribution, whose numbers lie near a sphere; the straight way between
 * two of them leads through its inside, towards the mean style, and styles would fade in the middle (to 0.71 of the
 * length, for two that stand at right angles). Where no circle is determined (a style of zeros, opposite or equal
 * directions), the way is straight.
 */
export function between(from: Float32Array, to: Float32Array, share: number): Float32Array {
  const [fromNorm, toNorm] = [norm(from), norm(to)];
  const cosine = from.reduce((sum, value, i) => sum + value * to[i]!, 0) / (fromNorm * toNorm || 1);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const isStraight =
    fromNorm === 0 || toNorm === 0 || angle < MIN_ANGLE || Math.PI - angle < MIN_ANGLE || share === 0;
  if (isStraight || share === 1) return from.map((value, i) => value * (1 - share) + to[i]! * share);
  const length = fromNorm + (toNorm - fromNorm) * share;
  const first = (Math.sin((1 - share) * angle) / Math.sin(angle)) * (length / fromNorm);
  const second = (Math.sin(share * angle) / Math.sin(angle)) * (length / toNorm);
  return from.map((value, i) => value * first + to[i]! * second);
}

/** `count` styles from one to another, both among them, in equal steps. `count` is 2 or more. */
export function interpolateStyles(from: NamedStyle, to: NamedStyle, count: number): NamedStyle[] {
  return Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    return {
      label: `mix-${i + 1}`,
      code: between(from.code, to.code, share),
      origin: { from: from.label, to: to.label, share },
    };
  });
}

/**
 * Style codes as a user gives them: numbers separated by commas, or the path of a JSON file with an array of numbers or
 * an array of such arrays.
 * @returns codes of any length; `makeStyles` compares it with the model's.
 * @throws InputError for anything else, and for numbers beyond float32.
 */
export async function readStyleCodes(text: string): Promise<Float32Array[]> {
  const refuse = (found: string, cause?: unknown): InputError =>
    new InputError(
      {
        expected: 'a style code: numbers separated by commas, or a JSON file with an array of numbers',
        found,
        remedy: 'give as many numbers as the model has style dimensions',
      },
      { cause },
    );
  let lists: unknown;
  // What starts as a list of numbers does is none of a file's: 1,2,x is a typing error.
  if (/^[\s+\-.\d]*\d[^/]*,/.test(text) || Number.isFinite(Number(text)))
    lists = text.split(',').map(toNumber);
  else {
    try {
      lists = JSON.parse(await readFile(text, 'utf8'));
    } catch (error) {
      throw refuse(`${text} (${messageOf(error)})`, error);
    }
  }
  if (!Array.isArray(lists) || lists.length === 0) throw refuse(`none in ${text}`);
  const codes = (Array.isArray(lists[0]) ? lists : [lists]) as unknown[];
  return codes.map((code) => {
    const isRight =
      Array.isArray(code) &&
      code.length > 0 &&
      code.every((value) => typeof value === 'number' && Number.isFinite(Math.fround(value)));
    if (!isRight) throw refuse(`something else in ${text}`);
    return Float32Array.from(code as number[]);
  });
}

function toNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** Which styles somebody wants, checked as far as that goes without the model. */
export interface StyleChoice {
  /** Explicit codes. */
  codes: readonly Float32Array[];
  /** Styles of pictures that were made before. */
  recorded: readonly NamedStyle[];
  /** References. */
  pictures: readonly InputPicture[];
  /** Random styles after these. */
  random: number;
  seed: number;
  /** 1 leaves all styles as they are, 0 makes them the mean. */
  truncation: number;
  /** In place of all: so many from the first to the second. */
  interpolate?: number | undefined;
}

/**
 * The styles of a choice, in the order of its fields, each under a label of its own.
 * @throws InputError for codes of another length than the model's, a bad reference, and an interpolation with fewer
 *   than two styles.
 */
export async function makeStyles(
  choice: StyleChoice,
  translator: Translator,
  direction: Direction,
): Promise<NamedStyle[]> {
  const { latentDim } = translator.architecture;
  const { truncation, random, seed, interpolate } = choice;
  const given: NamedStyle[] = [
    ...choice.codes.map((code, i) => ({ label: `code-${i + 1}`, code })),
    ...choice.recorded,
  ];
  for (const { label, code } of given)
    if (code.length !== latentDim)
      throw new InputError({
        expected: `a style of ${latentDim} numbers for this model`,
        found: `${code.length} (${label})`,
        remedy: 'give one of that many, or name the model that the style belongs to',
      });
  given.push(...(await referenceStyles(translator, direction, choice.pictures)));
  const pulled = given.map((style) => ({ ...style, code: style.code.map((value) => value * truncation) }));
  const styles = uniqueLabels([...pulled, ...randomStyles(random, seed, latentDim, truncation)]);
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
  const taken = new Set<string>();
  return styles.map((style) => ({ ...style, label: uniqueName(style.label, taken) }));
}
