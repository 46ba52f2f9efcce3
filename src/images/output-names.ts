import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import type { InputImage } from '../data/image-arrays.js';
import type { NamedStyle } from '../translate/styles.js';

/** Rows of one grid file; more images make more files. */
export const GRID_ROWS = 32;

/** What the results of one face are called; `*` for one of any number. */
export function faceName(name: string, number: number | '*'): string {
  return `${name}_face-${number}`;
}

/** The file of one result: an image's name, or a face's in it, and a style's. */
export function resultPath(outDir: string, name: string, { label }: NamedStyle): string {
  return join(outDir, `${name}_${label}.png`);
}

/** Files of so many grids; a single one has no number. */
export function gridPath(outDir: string, index: number, isOnly: boolean): string {
  return join(outDir, isOnly ? 'grid.png' : `grid-${String(index + 1).padStart(3, '0')}.png`);
}

const GRID_NAME = /^grid(-\d+)?\.png$/;

interface PlannedOutputs {
  inputs: readonly InputImage[];
  styles: readonly NamedStyle[];
  outDir: string;
  grid: boolean;
  /** Whether each face of an image has results of its own. */
  isByFace: boolean;
}

const refuse = (expected: string, found: string, remedy: string): InputError =>
  new InputError({ expected, found, remedy });

/** Tells paths that are one file. */
class Paths {
  private readonly folders = new Map<string, string>();

  async keyOf(path: string): Promise<string> {
    const folder = dirname(resolve(path));
    if (!this.folders.has(folder)) this.folders.set(folder, await realpath(folder).catch(() => folder));
    return join(this.folders.get(folder)!, basename(path));
  }
}

/** What results of faces may be called that a file takes the name of: its path, with each number of a face left open. */
function openPaths(path: string): string[] {
  return Array.from(
    path.matchAll(/_face-\d+(?=_)/g),
    ({ index, 0: { length } }) => faceName(path.slice(0, index), '*') + path.slice(index + length),
  );
}

/** @throws InputError where two results would have one name, or a result that of an input. */
export async function checkOutputs(planned: PlannedOutputs): Promise<void> {
  const { inputs, styles, outDir, grid, isByFace } = planned;
  const paths = new Paths();
  const sources = new Set<string>();
  for (const { file, bytes } of inputs) {
    if (bytes !== undefined) continue;
    const key = await paths.keyOf(file);
    for (const path of [key, ...openPaths(key)]) sources.add(path);
  }
  const taken = new Map<string, string>();
  const takenIfOpen = new Map<string, string>();
  const check = async (path: string, of: string): Promise<void> => {
    const key = await paths.keyOf(path);
    if (sources.has(key))
      throw refuse('results beside the inputs', `${path} for both`, 'name another folder with --out');
    const open = openPaths(key);
    const others = [taken.get(key), takenIfOpen.get(key), ...open.map((one) => taken.get(one))];
    const other = others.find((one) => one !== undefined);
    if (other !== undefined)
      throw refuse(
        'a name of its own for every result',
        `${path} for ${other} and ${of}`,
        'rename one of them, or translate them into two folders',
      );
    taken.set(key, of);
    for (const one of open) takenIfOpen.set(one, of);
  };
  if (grid) {
    // How many grids there will be nobody knows yet.
    const own = [...sources].find((source) => GRID_NAME.test(basename(source)));
    if (own !== undefined) await check(join(outDir, basename(own)), 'a grid');
    return;
  }
  for (const { name, file } of inputs)
    for (const style of styles) {
      await check(resultPath(outDir, name, style), file);
      // How many faces there are nobody knows yet.
      if (isByFace) await check(resultPath(outDir, faceName(name, '*'), style), file);
    }
}
