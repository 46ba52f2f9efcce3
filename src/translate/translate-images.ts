import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { type DecodedImage, decodeImage, encodeImage, toFloat } from '../data/decode.js';
import { type Description, descriptionExif, hasRoomFor } from '../data/description.js';
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
  | { type: 'grid'; path: string }
  /** A file was written without its record, which is longer than a file can hold. */
  | { type: 'unrecorded'; path: string };

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

/** The single files of a picture, one a style. */
function picturePaths({ styles, outDir }: TranslateOptions, { name }: InputPicture): string[] {
  return styles.map(({ label }) => join(outDir, `${name}_${label}.png`));
}

/** The record of some styles; undefined where it is longer than a file can hold. */
function recordOf(
  { direction, model }: TranslateOptions,
  styles: readonly NamedStyle[],
): Description | undefined {
  const record = describeRecord({ model, direction, styles: [...styles] });
  return hasRoomFor(record) ? record : undefined;
}

async function writePictures(options: TranslateOptions, batch: Translated[]): Promise<TranslateEvent[]> {
  const events = batch.map(async ({ input, results }): Promise<TranslateEvent[]> => {
    const outputs = options.grid ? [] : picturePaths(options, input);
    const unrecorded: TranslateEvent[] = [];
    await Promise.all(
      outputs.map((path, k) => {
        const record = recordOf(options, [options.styles[k]!]);
        if (record === undefined) unrecorded.push({ type: 'unrecorded', path });
        return encodeImage(results[k]!, path, record);
      }),
    );
    return [{ type: 'picture', file: input.file, outputs }, ...unrecorded];
  });
  return (await Promise.all(events)).flat();
}

/** Batches as they are read, translated and written, each of the three beside the other two. */
async function* translateBatches(options: TranslateOptions): AsyncGenerator<Written> {
  const { inputs, translator, signal } = options;
  const { size } = translator.architecture;
  const batches = Array.from({ length: Math.ceil(inputs.length / TRANSLATED_TOGETHER) }, (_, i) =>
    inputs.slice(i * TRANSLATED_TOGETHER, (i + 1) * TRANSLATED_TOGETHER),
  );
  const decode = (i: number): Promise<Decoded[]> | undefined => {
    const decoding = batches[i] && decodeAll(batches[i], size);
    // It is awaited one batch later, or never.
    decoding?.catch(() => undefined);
    return decoding;
  };
  let ahead = decode(0);
  let writing: Written | undefined;
  try {
    for (let i = 0; i < batches.length && !signal?.aborted; i++) {
      const decoded = await ahead!;
      ahead = decode(i + 1);
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

function gridPaths({ inputs, outDir }: TranslateOptions): string[] {
  const count = Math.ceil(inputs.length / GRID_ROWS);
  const name = (i: number): string => (count > 1 ? `grid-${String(i + 1).padStart(3, '0')}.png` : 'grid.png');
  return Array.from({ length: count }, (_, i) => join(outDir, name(i)));
}

/** @throws InputError where two results would have one name, or a result that of an input. */
async function checkOutputs(options: TranslateOptions): Promise<void> {
  const refuse = (expected: string, found: string, remedy: string) =>
    new InputError({ expected, found, remedy });
  const folders = new Map<string, string>();
  const keyOf = async (path: string): Promise<string> => {
    const folder = dirname(resolve(path));
    if (!folders.has(folder)) folders.set(folder, await realpath(folder).catch(() => folder));
    return join(folders.get(folder)!, basename(path));
  };
  const inputs = new Set<string>();
  for (const { file, bytes } of options.inputs) if (bytes === undefined) inputs.add(await keyOf(file));
  const taken = new Map<string, string>();
  const check = async (path: string, of: string): Promise<void> => {
    const key = await keyOf(path);
    if (inputs.has(key))
      throw refuse('results beside the inputs', `${path} for both`, 'name another folder with --out');
    const other = taken.get(key);
    if (other !== undefined)
      throw refuse(
        'a name of its own for every result',
        `${path} for ${other} and ${of}`,
        'rename one of them, or translate them into two folders',
      );
    taken.set(key, of);
  };
  if (options.grid) for (const path of gridPaths(options)) await check(path, 'a grid');
  else
    for (const input of options.inputs)
      for (const path of picturePaths(options, input)) await check(path, input.file);
}

/**
 * Translates pictures into files of `outDir`, batch after batch, reading the next and writing the one before while one is
 * computed. A picture that cannot be read is told and passed over. Every file holds the record of `describeRecord`, where
 * it has room for that.
 *
 * @throws InputError, before anything is written, where two results would have one name, or a result that of an input.
 */
export async function* translateImages(options: TranslateOptions): AsyncGenerator<TranslateEvent> {
  await checkOutputs(options);
  const { grid } = options;
  const paths = gridPaths(options);
  let rows: Translated[] = [];
  for await (const { failed, batch, events } of translateBatches(options)) {
    yield* failed;
    yield* await events;
    if (!grid) continue;
    rows.push(...batch);
    if (rows.length < GRID_ROWS) continue;
    yield* await writeGrid(paths.shift()!, rows.slice(0, GRID_ROWS), options);
    rows = rows.slice(GRID_ROWS);
  }
  if (rows.length === 0) return;
  yield* await writeGrid(paths.shift()!, rows, options);
}

async function writeGrid(
  path: string,
  rows: Translated[],
  options: TranslateOptions,
): Promise<TranslateEvent[]> {
  const { styles, translator } = options;
  const record = recordOf(options, styles);
  const { png } = await composeGrid({
    rows: rows.map(({ source, results }) => [source, ...results]),
    columnLabels: ['input', ...styles.map(({ label }) => label.replace('-', ' '))],
    cellSize: Math.max(96, translator.architecture.size),
    gap: GRID_GAP_PX,
    ...(record && { exif: descriptionExif(record) }),
  });
  await writeFileAtomic(path, png);
  return [{ type: 'grid', path }, ...(record ? [] : [{ type: 'unrecorded', path } as const])];
}
