import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { type DecodedImage, decodeImage, encodeImage, toFloat } from '../data/decode.js';
import { descriptionExif } from '../data/description.js';
import { joinPictures, splitPictures } from '../data/pictures.js';
import { InputError } from '../errors.js';
import { composeGrid } from './grid.js';
import type { InputPicture } from './inputs.js';
import { describeRecord } from './record.js';
import type { NamedStyle } from './styles.js';
import type { Direction, Translator } from './translator.js';

/** Pictures translated together. */
export const TRANSLATED_TOGETHER = 8;
/** Rows of one grid file; more pictures make more files. */
const GRID_ROWS = 32;
const GRID_GAP_PX = 4;

export interface TranslateOptions {
  translator: Translator;
  direction: Direction;
  inputs: readonly InputPicture[];
  styles: readonly NamedStyle[];
  outDir: string;
  /** Grids with the input first, in place of single files. */
  grid: boolean;
  /** SHA-256 of the model's weights, for the record in every file. */
  model?: string | undefined;
  /** Aborting ends the work with the batch under way, which is still written and told. */
  signal?: AbortSignal | undefined;
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
        return { input, source: await decodeImage(input.bytes ?? input.file, { size, name: input.file }) };
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

/** A batch whose files are being written: single files while the network works on the next batch. */
interface Written {
  failed: TranslateEvent[];
  batch: Translated[];
  events: Promise<TranslateEvent[]>;
}

async function writePictures(options: TranslateOptions, batch: Translated[]): Promise<TranslateEvent[]> {
  const { styles, outDir, grid, direction, model } = options;
  return Promise.all(
    batch.map(async ({ input, results }) => {
      const outputs = grid ? [] : styles.map(({ label }) => join(outDir, `${input.name}_${label}.png`));
      await Promise.all(
        outputs.map((path, k) => {
          const record = describeRecord({ model, direction, styles: [styles[k]!] });
          return encodeImage(results[k]!, path, record);
        }),
      );
      return { type: 'picture', file: input.file, outputs };
    }),
  );
}

/** Batches as they are read, translated and written, each of the three beside the other two. */
async function* translateBatches(options: TranslateOptions): AsyncGenerator<Written> {
  const { inputs, translator, signal } = options;
  const { size } = translator.architecture;
  const batches = Array.from({ length: Math.ceil(inputs.length / TRANSLATED_TOGETHER) }, (_, i) =>
    inputs.slice(i * TRANSLATED_TOGETHER, (i + 1) * TRANSLATED_TOGETHER),
  );
  let ahead = batches[0] && decodeAll(batches[0], size);
  let writing: Written | undefined;
  try {
    for (let i = 0; i < batches.length && !signal?.aborted; i++) {
      const decoded = await ahead!;
      ahead = batches[i + 1] && decodeAll(batches[i + 1]!, size);
      const failed: TranslateEvent[] = [];
      const batch: Translated[] = [];
      for (const entry of decoded) {
        if ('error' in entry) failed.push({ type: 'failed', file: entry.input.file, error: entry.error });
        else batch.push({ ...entry, results: [] });
      }
      if (batch.length > 0) translateBatch(options, batch);
      if (writing !== undefined) {
        await writing.events;
        yield writing;
      }
      writing = { failed, batch, events: writePictures(options, batch) };
      // It is awaited one batch later.
      writing.events.catch(() => undefined);
    }
    if (writing !== undefined) yield writing;
  } finally {
    await writing?.events.catch(() => undefined);
  }
}

/**
 * Translates pictures into files of `outDir`, batch after batch, reading the next and writing the one before while one is
 * computed. A picture that cannot be read is told and passed over. Every file holds the record of `describeRecord`.
 */
export async function* translateImages(options: TranslateOptions): AsyncGenerator<TranslateEvent> {
  const { inputs, outDir, grid } = options;
  const several = inputs.length > GRID_ROWS;
  const nextPath = (): string =>
    join(outDir, several ? `grid-${String(++grids).padStart(3, '0')}.png` : 'grid.png');
  let rows: Translated[] = [];
  let grids = 0;
  for await (const { failed, batch, events } of translateBatches(options)) {
    yield* failed;
    yield* await events;
    if (!grid) continue;
    rows.push(...batch);
    if (rows.length < GRID_ROWS) continue;
    const path = nextPath();
    await writeGrid(path, rows.slice(0, GRID_ROWS), options);
    rows = rows.slice(GRID_ROWS);
    yield { type: 'grid', path };
  }
  if (rows.length === 0) return;
  const path = nextPath();
  await writeGrid(path, rows, options);
  yield { type: 'grid', path };
}

async function writeGrid(
  path: string,
  rows: Translated[],
  { styles, translator, direction, model }: TranslateOptions,
): Promise<void> {
  const { png } = await composeGrid({
    rows: rows.map(({ source, results }) => [source, ...results]),
    columnLabels: ['input', ...styles.map(({ label }) => label.replace('-', ' '))],
    cellSize: Math.max(96, translator.architecture.size),
    gap: GRID_GAP_PX,
    exif: descriptionExif(describeRecord({ model, direction, styles: [...styles] })),
  });
  await writeFileAtomic(path, png);
}
