// Published figures of papers, and which of them are comparable with a receipt's.
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { parseJson } from '../base/json-text.js';
import { chosenMetrics } from './metrics/chosen.js';
import type { Receipt } from './receipt.js';

const BASELINES = fileURLToPath(new URL('../../configs/baselines.json', import.meta.url));
const TITLE_SCALE = /[×x*]\s*100\b/i;

/** Figures from a paper or repository: one measurement of several methods. */
const tableSchema = z.strictObject({
  dataset: z.string().min(1),
  direction: z.enum(['A2B', 'B2A']),
  /** Metric and key of the receipt's figure that they are comparable with. */
  metric: z.string().min(1),
  figure: z.string().min(1),
  title: z.string().min(1),
  /** Factor by which the values are multiplied. */
  scale: z.number().positive(),
  better: z.enum(['lower', 'higher', 'neither']),
  protocol: z.strictObject({
    /** Name of our protocol that measures the same. */
    name: z.string().min(1),
    /** Network and resizing, by that protocol's names. */
    features: z.string().min(1),
    /** Number of images on both sides. */
    inputs: z.int().positive(),
    real: z.int().positive(),
    description: z.string().min(1),
  }),
  source: z.strictObject({
    title: z.string().min(1),
    url: z.url({ protocol: /^https?$/ }),
    place: z.string(),
  }),
  /** Note that a reader needs before comparing. */
  note: z.string(),
  figures: z
    .array(
      z.strictObject({
        method: z.string().min(1),
        value: z.number(),
        deviation: z.number().nonnegative().nullable(),
        /** Whether the value was read in the source itself. None of them was measured again. */
        verified: z.boolean(),
      }),
    )
    .min(1),
});
export type PublishedTable = z.infer<typeof tableSchema>;

const publishedSchema = z.strictObject({ tables: z.array(tableSchema) });

/**
 * Reads published figures from a file, by default the package's `configs/baselines.json`.
 *
 * @throws InputError naming the file and the wrong key.
 */
export async function readPublished(path = BASELINES): Promise<PublishedTable[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(
      {
        expected: `published figures at ${path}`,
        found: systemCode(error) === 'ENOENT' ? 'none' : messageOf(error),
        remedy: 'install the package again, or name another file',
      },
      { cause: error },
    );
  });
  const result = publishedSchema.safeParse(parseJson(text, path));
  if (result.success) return result.data.tables;
  const [issue] = result.error.issues;
  throw new InputError({
    expected: `published figures in ${path}`,
    found: `${issue!.path.join('.') || 'the file'}: ${issue!.message}`,
    remedy: 'correct that key',
  });
}

/** Published values in the unit of a receipt's figure. */
export interface PublishedContext {
  table: PublishedTable;
  figures: { method: string; value: number; deviation: number | null; verified: boolean }[];
}

/**
 * Finds the published tables that are comparable with a receipt's figures: those of the same dataset, direction,
 * protocol (by name, network and number of images) and metric.
 *
 * @param dataset its name; by default that of the data folder.
 * @returns at most one table for each key of a figure.
 */
export function publishedBeside(
  receipt: Receipt,
  tables: readonly PublishedTable[],
  dataset = datasetName(receipt),
): Map<string, PublishedContext> {
  const comparable = new Map<string, PublishedContext>();
  for (const table of tables) {
    const figure = receipt.methods
      .flatMap(({ figures }) => figures)
      .find(({ metric, key }) => metric === table.metric && key === table.figure);
    if (figure === undefined || comparable.has(figure.key)) continue;
    if (dataset?.toLowerCase() !== table.dataset.toLowerCase() || !isSameProtocol(receipt, table)) continue;
    const unit = (TITLE_SCALE.test(figure.title) ? 100 : 1) / table.scale;
    const figures = table.figures.map(({ value, deviation, ...rest }) => ({
      ...rest,
      value: value * unit,
      deviation: deviation === null ? null : deviation * unit,
    }));
    comparable.set(figure.key, { table, figures });
  }
  return comparable;
}

/** Base name of the folder that holds testA, testB, trainA and trainB; undefined if it is unknown. */
function datasetName({ sources }: Receipt): string | undefined {
  if (sources.data !== null) return basename(sources.data);
  const real = sources.real ?? '';
  return /^(test|train)[AB]$/.test(basename(real)) ? basename(dirname(real)) : undefined;
}

function isSameProtocol({ protocol, images }: Receipt, table: PublishedTable): boolean {
  const { name, features, inputs, real } = table.protocol;
  const metric = chosenMetrics(protocol.metrics).find((chosen) => chosen.name === table.metric);
  const used = metric?.requires.features;
  if (used !== undefined && used !== features) return false;
  const counts = (role: string, count: number) =>
    images.every((list) => list.role !== role || list.count === count);
  return (
    protocol.name === name &&
    protocol.direction === table.direction &&
    counts('inputs', inputs) &&
    counts('real', real)
  );
}
