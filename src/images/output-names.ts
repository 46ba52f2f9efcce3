// Names the files of translations, and checks that no two results share a name.
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { fsPath } from '../base/file-names.js';
import { sha256 } from '../base/hash.js';
import type { InputImage } from '../data/image-arrays.js';
import type { NamedStyle } from '../translate/styles.js';

/** Rows of one grid file; further rows go into further files. */
export const GRID_ROWS = 32;

/** Returns the name of the results of one face; `*` stands for any number. */
export function faceName(name: string, number: number | '*'): string {
  return `${name}_face-${number}`;
}

/** Most file systems allow 255; temporary files have longer names than their results. */
const MAX_NAME_BYTES = 230;
/** A longer label of a style is shortened before the name of its image is. */
const MAX_LABEL_BYTES = 120;
const HASH_DIGITS = 8;

/** Cuts a text to so many bytes, and marks it by the start of its hash, so that different texts stay different. */
function shortened(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const hash = sha256(Buffer.from(text)).slice(0, HASH_DIGITS);
  let kept = '';
  let bytes = Buffer.byteLength(`~${hash}`);
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return `${kept}~${hash}`;
}

/**
 * Returns the name that the results of an image start with: without control characters, which would break lists of paths, with `%XX`
 * for bytes that are no UTF-8, and not hidden by a dot.
 */
export function resultStem(stem: string): string {
  const plain = stem
    .replace(/[\udc80-\udcff]/gu, (byte) => `%${(byte.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are to be removed
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '_')
    .replace(/^\.+/, (dots) => '_'.repeat(dots.length));
  return plain === '' ? 'image' : plain;
}

/** Returns what two names have in common that are one name on disks that ignore case or the composition of accents. */
export function foldedName(name: string): string {
  return name.normalize('NFC').toUpperCase().toLowerCase();
}

/** Returns the path of one result, named after its image or face and its style. Names that are too long end in a hash. */
export function resultPath(outDir: string, name: string, { label }: NamedStyle): string {
  const ending = `_${shortened(label, MAX_LABEL_BYTES)}.png`;
  return join(outDir, shortened(name, MAX_NAME_BYTES - Buffer.byteLength(ending)) + ending);
}

/** Returns the path of a grid; a single grid has no number. */
export function gridPath(outDir: string, index: number, isOnly: boolean): string {
  return join(outDir, isOnly ? 'grid.png' : `grid-${String(index + 1).padStart(3, '0')}.png`);
}

const GRID_NAME = /^grid(-\d+)?\.png$/;

interface PlannedOutputs {
  inputs: readonly InputImage[];
  styles: readonly NamedStyle[];
  outDir: string;
  grid: boolean;
  /** Whether each face of an image has its own results. */
  isByFace: boolean;
}

/** Each result's path is kept, to find two of one path before anything is translated. */
const MAX_RESULTS = 2 ** 20;

const reject = (expected: string, found: string, remedy: string): InputError =>
  new InputError({ expected, found, remedy });

/** Recognises paths of the same file, on disks that ignore case too. */
class Paths {
  private readonly folders = new Map<string, string>();

  async keyOf(path: string): Promise<string> {
    const folder = dirname(resolve(path));
    if (!this.folders.has(folder))
      this.folders.set(folder, await realpath(fsPath(folder)).catch(() => folder));
    return join(this.folders.get(folder)!, foldedName(basename(path)));
  }
}

/** Returns the patterns of face results that a path matches: the path with each face number replaced by `*`. */
function facePatterns(path: string): string[] {
  return Array.from(
    path.matchAll(/_face-\d+(?=_)/g),
    ({ index, 0: { length } }) => faceName(path.slice(0, index), '*') + path.slice(index + length),
  );
}

/** @throws InputError if there are more than a million results, two results have the same path, or a result has the path of an input. */
export async function checkOutputs(planned: PlannedOutputs): Promise<void> {
  const { inputs, styles, outDir, grid, isByFace } = planned;
  const results = inputs.length * styles.length;
  if (!grid && results > MAX_RESULTS)
    throw reject(
      `at most ${MAX_RESULTS} results at a time`,
      `${results} (${inputs.length} images in ${styles.length} styles)`,
      'translate a part of the images, or in fewer styles, at a time',
    );
  const paths = new Paths();
  const sources = new Set<string>();
  for (const { file, bytes, error } of inputs) {
    if (bytes !== undefined || error !== undefined) continue;
    const key = await paths.keyOf(file);
    for (const path of [key, ...facePatterns(key)]) sources.add(path);
  }
  const taken = new Map<string, string>();
  const takenByPattern = new Map<string, string>();
  const check = async (path: string, source: string): Promise<void> => {
    const key = await paths.keyOf(path);
    if (sources.has(key))
      throw reject('results beside the inputs', `${path} for both`, 'name another folder with --out');
    const patterns = facePatterns(key);
    const owners = [
      taken.get(key),
      takenByPattern.get(key),
      ...patterns.map((pattern) => taken.get(pattern)),
    ];
    const owner = owners.find((entry) => entry !== undefined);
    if (owner !== undefined)
      throw reject(
        'a name of its own for every result',
        `${path} for ${owner} and ${source}`,
        'rename one of them, or translate them into two folders',
      );
    taken.set(key, source);
    for (const pattern of patterns) takenByPattern.set(pattern, source);
  };
  if (grid) {
    // The number of grids is unknown yet, so any grid name among the inputs is a conflict.
    const gridInput = [...sources].find((source) => GRID_NAME.test(basename(source)));
    if (gridInput !== undefined) await check(join(outDir, basename(gridInput)), 'a grid');
    return;
  }
  for (const { name, file } of inputs)
    for (const style of styles) {
      await check(resultPath(outDir, name, style), file);
      // The number of faces is unknown yet.
      if (isByFace) await check(resultPath(outDir, faceName(name, '*'), style), file);
    }
}
