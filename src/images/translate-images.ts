// Translates image files into files, reading, computing and writing in parallel.
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import { removeLeftovers } from '../base/leftovers.js';
import {
  type DecodedImage,
  decodeImageFile,
  decodeWithAlpha,
  encodeImage,
  type ImageWithAlpha,
  overWhite,
  toFloat,
} from '../data/decode.js';
import { type Description, descriptionExif, hasRoomFor } from '../data/description.js';
import type { InputImage } from '../data/image-arrays.js';
import { joinFloats, splitImages } from '../data/image-arrays.js';
import type { ImageFile } from '../data/image-file.js';
import { isOwn } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';
import { pasteIntoPart } from '../faces/paste.js';
import { inverseTurns, turnImage } from '../faces/turn-pixels.js';
import type { NamedStyle } from '../translate/styles.js';
import type { Direction, Translator } from '../translate/translator.js';
import { type Crop, type DecodedInput, decodeInput, type FaceOptions } from './face-crops.js';
import { gatherBatches } from './gather-batches.js';
import { composeGrid, scaleInto } from './grid.js';
import { checkOutputs, GRID_ROWS, gridPath, resultPath } from './output-names.js';
import { describeRecord } from './record.js';

/** Images that are translated together. */
export const TRANSLATED_TOGETHER = 8;
const GRID_GAP_PX = 4;
/** Smaller images are enlarged, so that a grid can be looked at. */
const MIN_CELL_PX = 128;

export interface TranslateOptions {
  translator: Translator;
  direction: Direction;
  inputs: readonly InputImage[];
  styles: readonly NamedStyle[];
  outDir: string;
  /** Writes grids with the input first, instead of single files. */
  grid: boolean;
  /** SHA-256 of the model's weights, recorded in every file. */
  model?: string | undefined;
  /** How faces are cropped; by default the centres of the images are translated. */
  faces?: FaceOptions | undefined;
  /** Aborting stops after the current batch, which is still written and reported. */
  signal?: AbortSignal | undefined;
  /** Ranks that share the images, all with the same options, and all get all events; one by default. */
  world?: World | undefined;
}

export type TranslateEvent =
  /** An image is done: its files, unless grids are written, and whether no face was found. */
  | { type: 'image'; file: string; outputs: string[]; isFaceless: boolean }
  /** An image could not be read and was skipped. */
  | { type: 'failed'; file: string; error: InputError }
  | { type: 'grid'; path: string }
  /** A file was written without its record, which is too long for it. */
  | { type: 'unrecorded'; path: string };

type TranslatedCrop = Crop & { results: DecodedImage[] };
type Translated = Omit<DecodedInput, 'crops'> & { crops: TranslatedCrop[] };
type Decoded = DecodedInput | { input: InputImage; error: InputError };

/** One row of a grid: the input and its results. */
type Row = readonly DecodedImage[];

async function decodeAll(inputs: readonly InputImage[], options: TranslateOptions): Promise<Decoded[]> {
  const { size } = options.translator.architecture;
  return Promise.all(
    inputs.map(async (input) => {
      if (input.error !== undefined) return { input, error: input.error };
      try {
        return await decodeInput(input, size, options.faces);
      } catch (error) {
        if (error instanceof InputError) return { input, error };
        throw error;
      }
    }),
  );
}

function translateCrops({ translator, direction, styles }: TranslateOptions, crops: TranslatedCrop[]): void {
  for (let from = 0; from < crops.length; from += TRANSLATED_TOGETHER) {
    const batch = crops.slice(from, from + TRANSLATED_TOGETHER);
    const images = joinFloats(batch.map(({ source }) => toFloat(source)));
    const content = translator.encode(direction, images);
    for (const { code } of styles) {
      const repeated = joinFloats(Array<Float32Array>(batch.length).fill(code));
      const results = splitImages(translator.decode(content, repeated), translator.architecture.size);
      for (const [i, result] of results.entries()) batch[i]!.results.push(result);
    }
  }
}

/** The outcome of writing a batch. */
export interface Written {
  events: TranslateEvent[];
  /** Rows for grids. */
  rows: Row[];
}

/** Returns the record of styles; undefined if it is too long for a file. */
function recordOf(
  { direction, model }: TranslateOptions,
  styles: readonly NamedStyle[],
  squares: readonly Square[] = [],
): Description | undefined {
  const record = describeRecord({ model, direction, styles: [...styles], squares });
  return hasRoomFor(record) ? record : undefined;
}

/** Writes one result, and returns its events. */
async function writeResult(
  options: TranslateOptions,
  result: DecodedImage | ImageWithAlpha,
  path: string,
  style: NamedStyle,
  squares: readonly (Square | undefined)[],
): Promise<TranslateEvent[]> {
  const known = squares.filter((square) => square !== undefined);
  const record = recordOf(options, [style], known);
  await encodeImage(result, path, record);
  return record === undefined ? [{ type: 'unrecorded', path }] : [];
}

/** Decodes a whole image: with its alpha, which stays as it is, if some pixels are not opaque. */
async function decodeForPaste(file: ImageFile): Promise<DecodedImage | ImageWithAlpha> {
  if (!file.facts.hasAlpha) return decodeImageFile(file);
  const image = await decodeWithAlpha(file);
  const isOpaque = image.data.every((level, i) => i % 4 !== 3 || level === 255);
  return isOpaque ? overWhite(image) : image;
}

/** Pastes faces back into their image, one style at a time because whole images can be large. */
async function writePasted(
  options: TranslateOptions,
  { input, crops, isFaceless }: Translated,
  file: ImageFile,
): Promise<Written> {
  const { styles, outDir, grid, translator } = options;
  const events: TranslateEvent[] = [];
  const outputs: string[] = [];
  const whole = await decodeForPaste(file);
  const channels = whole.data.length === whole.width * whole.height * 4 ? 4 : 3;
  const cell = cellSize(translator);
  const row: DecodedImage[] = grid ? [await scaleInto(overWhite(whole), cell)] : [];
  const squares = crops.map(({ square }) => square!);
  for (const [k, style] of styles.entries()) {
    const pasted = { ...whole, data: whole.data.slice() };
    // The largest is pasted last: of overlapping faces it is the nearest.
    for (const { square, results, turns = 0 } of crops.toReversed())
      pasteIntoPart(
        { ...pasted, left: 0, top: 0, channels },
        whole,
        turnImage(results[k]!, inverseTurns(turns)),
        square!,
      );
    if (grid) row.push(await scaleInto(overWhite(pasted), cell));
    else {
      const path = resultPath(outDir, input.name, style);
      events.push(...(await writeResult(options, pasted, path, style, squares)));
      outputs.push(path);
    }
  }
  events.unshift({ type: 'image', file: input.file, outputs, isFaceless });
  return { events, rows: grid ? [row] : [] };
}

async function writeCrops(options: TranslateOptions, translated: Translated): Promise<Written> {
  const { styles, outDir, grid } = options;
  const { input, crops, isFaceless } = translated;
  const results = crops.flatMap(({ name, square, results }) =>
    styles.map((style, k) => ({ path: resultPath(outDir, name, style), square, style, result: results[k]! })),
  );
  const written = grid ? [] : results;
  const notes = await Promise.all(
    written.map(({ path, square, style, result }) => writeResult(options, result, path, style, [square])),
  );
  const outputs = written.map(({ path }) => path);
  const rows = grid ? crops.map(({ source, results }) => [source, ...results]) : [];
  return { events: [{ type: 'image', file: input.file, outputs, isFaceless }, ...notes.flat()], rows };
}

async function writeBatch(options: TranslateOptions, batch: readonly Translated[]): Promise<Written> {
  const all = await Promise.all(
    batch.flatMap((translated) => (translated.file === undefined ? [writeCrops(options, translated)] : [])),
  );
  for (const translated of batch)
    if (translated.file !== undefined) all.push(await writePasted(options, translated, translated.file));
  return { events: all.flatMap(({ events }) => events), rows: all.flatMap(({ rows }) => rows) };
}

/**
 * This rank's batches of images. Whole batches are shared, because the bits of a result depend on how many images are
 * translated together.
 */
function batchesOf({ inputs, world = SOLO }: TranslateOptions): (readonly InputImage[])[] {
  const batches = Array.from({ length: Math.ceil(inputs.length / TRANSLATED_TOGETHER) }, (_, i) =>
    inputs.slice(i * TRANSLATED_TOGETHER, (i + 1) * TRANSLATED_TOGETHER),
  );
  return batches.filter((_, i) => isOwn(world, i));
}

/** Yields the batches of all ranks in the order of the images. */
function translateShared(options: TranslateOptions): AsyncGenerator<Written> {
  const { world = SOLO, signal } = options;
  if (world.size === 1) return translateBatches(options);
  return gatherBatches((either) => translateBatches({ ...options, signal: either }), world, signal);
}

/** Pipelines this rank's batches: reads one, translates another and writes a third at the same time. */
async function* translateBatches(options: TranslateOptions): AsyncGenerator<Written, void> {
  const { signal } = options;
  const batches = batchesOf(options);
  const decode = (i: number): Promise<Decoded[]> | undefined => {
    const decoding = batches[i] && decodeAll(batches[i], options);
    // Awaited one batch later, or never.
    decoding?.catch(() => undefined);
    return decoding;
  };
  let ahead = decode(0);
  let writing: { failed: TranslateEvent[]; done: Promise<Written> } | undefined;
  const finished = async ({ failed, done }: NonNullable<typeof writing>): Promise<Written> => {
    const { events, rows } = await done;
    return { events: [...failed, ...events], rows };
  };
  try {
    for (let i = 0; i < batches.length && !signal?.aborted; i++) {
      const decoded = await ahead!;
      ahead = decode(i + 1);
      const failed: TranslateEvent[] = [];
      const batch: Translated[] = [];
      for (const entry of decoded) {
        if ('error' in entry) failed.push({ type: 'failed', file: entry.input.file, error: entry.error });
        else batch.push({ ...entry, crops: entry.crops.map((crop) => ({ ...crop, results: [] })) });
      }
      translateCrops(
        options,
        batch.flatMap(({ crops }) => crops),
      );
      if (writing !== undefined) yield await finished(writing);
      writing = { failed, done: writeBatch(options, batch) };
      // Awaited one batch later.
      writing.done.catch(() => undefined);
    }
    if (writing !== undefined) yield await finished(writing);
  } finally {
    await writing?.done.catch(() => undefined);
  }
}

/**
 * Translates images into files of `outDir`, batch by batch: it reads the next batch and writes the previous one while it
 * computes. It reports and skips images that cannot be read. Every file holds the record of `describeRecord` if that fits.
 *
 * @throws InputError, before anything is written, if two results have the same path, or a result has the path of an input.
 */
export async function* translateImages(options: TranslateOptions): AsyncGenerator<TranslateEvent> {
  const { faces, outDir, world = SOLO } = options;
  await checkOutputs({ ...options, isByFace: faces?.mode === 'all' && !faces.paste });
  if (world.isFirst) await removeLeftovers(outDir, { kind: 'tmp' });
  let rows: Row[] = [];
  let grids = 0;
  for await (const { events, rows: more } of translateShared(options)) {
    yield* events;
    // Rank 0 makes the grids.
    if (world.isFirst) rows.push(...more);
    for (; rows.length > GRID_ROWS; rows = rows.slice(GRID_ROWS))
      yield* await writeGrid(gridPath(outDir, grids++, false), rows.slice(0, GRID_ROWS), options);
  }
  if (rows.length > 0) yield* await writeGrid(gridPath(outDir, grids, grids === 0), rows, options);
}

/** Returns the side of a grid's cells, px. */
function cellSize({ architecture }: Translator): number {
  return Math.max(MIN_CELL_PX, architecture.size);
}

async function writeGrid(
  path: string,
  rows: readonly Row[],
  options: TranslateOptions,
): Promise<TranslateEvent[]> {
  const { styles, translator } = options;
  const record = recordOf(options, styles);
  const { png } = await composeGrid({
    rows,
    columnLabels: ['input', ...styles.map(({ label }) => label.replace('-', ' '))],
    cellSize: cellSize(translator),
    gap: GRID_GAP_PX,
    ...(record && { exif: descriptionExif(record) }),
  });
  await writeFileAtomic(path, png);
  return [{ type: 'grid', path }, ...(record ? [] : [{ type: 'unrecorded', path } as const])];
}
