import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { type DecodedImage, decodeImage, encodeImage, toFloat } from '../data/decode.js';
import { joinPictures, splitPictures } from '../data/pictures.js';
import { InputError } from '../errors.js';
import { Rng } from '../runtime/rng.js';
import { composeGrid } from './grid.js';
import type { InputPicture } from './inputs.js';
import { type Direction, drawStyles, type Translator } from './translator.js';

/** Pictures translated together. */
export const TRANSLATED_TOGETHER = 8;
/** Rows of one grid file; more pictures make more files. */
const GRID_ROWS = 32;
const GRID_GAP_PX = 4;

/** One style for all pictures, and what it is called in file names and labels. */
export interface NamedStyle {
  label: string;
  /** `latentDim` numbers. */
  code: Float32Array;
}

/**
 * `count` styles drawn from a seed, pulled towards the mean style, which is zero, by `truncation` (1 leaves them as
 * drawn, 0 makes all of them the mean).
 */
export function randomStyles(count: number, seed: number, latentDim: number, truncation = 1): NamedStyle[] {
  const rng = new Rng(seed, 'styles');
  return Array.from({ length: count }, (_, i) => ({
    label: `style-${i + 1}`,
    code: drawStyles(rng, 1, latentDim).map((value) => value * truncation),
  }));
}

/** The style of a reference picture of the domain that is translated to. @throws InputError for a bad picture. */
export async function referenceStyle(
  translator: Translator,
  direction: Direction,
  file: string,
): Promise<NamedStyle> {
  const picture = toFloat(await decodeImage(file, { size: translator.architecture.size }));
  return { label: 'reference', code: translator.styleOf(direction, picture) };
}

export interface TranslateOptions {
  translator: Translator;
  direction: Direction;
  inputs: readonly InputPicture[];
  styles: readonly NamedStyle[];
  outDir: string;
  /** Grids with the input first, in place of single files. */
  grid: boolean;
}

export type TranslateEvent =
  /** A picture is done; its files, where single files are written. */
  | { type: 'picture'; file: string; outputs: string[] }
  /** A picture could not be read and was passed over. */
  | { type: 'failed'; file: string; error: InputError }
  | { type: 'grid'; path: string };

interface Translated {
  input: InputPicture;
  source: DecodedImage;
  results: DecodedImage[];
}

type Decoded = { input: InputPicture; source: DecodedImage } | { input: InputPicture; error: InputError };

async function decodeAll(inputs: readonly InputPicture[], size: number): Promise<Decoded[]> {
  return Promise.all(
    inputs.map(async (input) => {
      try {
        return { input, source: await decodeImage(input.file, { size }) };
      } catch (error) {
        if (error instanceof InputError) return { input, error };
        throw error;
      }
    }),
  );
}

function translateBatch({ translator, direction, styles }: TranslateOptions, batch: Translated[]): void {
  const pictures = joinPictures(batch.map(({ source }) => toFloat(source)));
  const content = translator.encode(direction, pictures);
  for (const { code } of styles) {
    const repeated = joinPictures(Array<Float32Array>(batch.length).fill(code));
    const results = splitPictures(translator.decode(content, repeated), translator.architecture.size);
    for (const [i, result] of results.entries()) batch[i]!.results.push(result);
  }
}

/**
 * Translates pictures into files of `outDir`, batch after batch, reading the next while one is computed. A picture that
 * cannot be read is told and passed over.
 */
export async function* translateImages(options: TranslateOptions): AsyncGenerator<TranslateEvent> {
  const { inputs, translator, styles, outDir, grid } = options;
  const { size } = translator.architecture;
  const batches = Array.from({ length: Math.ceil(inputs.length / TRANSLATED_TOGETHER) }, (_, i) =>
    inputs.slice(i * TRANSLATED_TOGETHER, (i + 1) * TRANSLATED_TOGETHER),
  );
  let rows: Translated[] = [];
  let grids = 0;
  const several = inputs.length > GRID_ROWS;
  let ahead = batches[0] && decodeAll(batches[0], size);
  for (let i = 0; i < batches.length; i++) {
    const decoded = await ahead!;
    ahead = batches[i + 1] && decodeAll(batches[i + 1]!, size);
    const batch: Translated[] = [];
    for (const entry of decoded) {
      if ('error' in entry) yield { type: 'failed', file: entry.input.file, error: entry.error };
      else batch.push({ ...entry, results: [] });
    }
    if (batch.length > 0) translateBatch(options, batch);
    for (const { input, results } of batch) {
      const outputs = grid
        ? []
        : results.map((_, k) => join(outDir, `${input.name}_${styles[k]!.label}.png`));
      await Promise.all(outputs.map((path, k) => encodeImage(results[k]!, path)));
      yield { type: 'picture', file: input.file, outputs };
    }
    if (!grid) continue;
    rows.push(...batch);
    while (rows.length >= GRID_ROWS || (rows.length > 0 && i === batches.length - 1)) {
      const path = join(outDir, several ? `grid-${String(++grids).padStart(3, '0')}.png` : 'grid.png');
      await writeGrid(path, rows.slice(0, GRID_ROWS), styles, size);
      rows = rows.slice(GRID_ROWS);
      yield { type: 'grid', path };
    }
  }
}

async function writeGrid(
  path: string,
  rows: Translated[],
  styles: readonly NamedStyle[],
  size: number,
): Promise<void> {
  const { png } = await composeGrid({
    rows: rows.map(({ source, results }) => [source, ...results]),
    columnLabels: ['input', ...styles.map(({ label }) => label.replace('-', ' '))],
    cellSize: Math.max(96, size),
    gap: GRID_GAP_PX,
  });
  await writeFileAtomic(path, png);
}
