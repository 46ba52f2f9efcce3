// Verifies a receipt: makes its evaluation again and compares every figure, image, weight and model.
import { readFile } from 'node:fs/promises';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { parseJson } from '../base/json-text.js';
import { parseOrThrow } from '../base/parse-or-throw.js';
import { SOLO } from '../distributed/world.js';
import { loadEngine } from '../runtime/node.js';
import { type EvaluationRequest, runEvaluation } from './evaluation.js';
import { changedImages } from './image-list.js';
import type { BaselineName } from './methods/baselines.js';
import { type Receipt, receiptSchema } from './receipt.js';
import type { SourcePaths } from './sources.js';

/** Reads a receipt. @throws InputError if it is missing, not JSON or not a receipt; the message names the key. */
export async function readReceipt(path: string): Promise<Receipt> {
  const remedy = 'name the receipt.json that gnr evaluate wrote';
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const found = systemCode(error) === 'ENOENT' ? 'nothing' : messageOf(error);
    throw new InputError({ expected: `a receipt at ${path}`, found, remedy }, { cause: error });
  }
  const expected = `a receipt of version 1 at ${path}`;
  return parseOrThrow(receiptSchema, parseJson(text, path), { expected, remedy });
}

/** Where files have moved to since the receipt was written, and what `runEvaluation` takes beside its sources. */
export interface VerifyOptions
  extends Partial<SourcePaths>,
    Pick<EvaluationRequest, 'checkpoint' | 'onEvent' | 'signal' | 'world'> {}

/** How a repeated evaluation compares with its receipt. */
export interface Verification {
  /** How many figures were compared. */
  figures: number;
  /** Everything that differs; empty if the evaluation was reproduced. */
  differences: Difference[];
  /** Versions and machine that differ, which may explain differences. */
  software: Difference[];
  /** Single images that changed, for each list that differs. */
  images: { role: string; change: string }[];
}

/**
 * Makes the evaluation of a receipt again and compares. Paths in `options` replace those of the receipt.
 *
 * @throws InputError for a damaged receipt, and like `runEvaluation`.
 */
export async function verifyReceipt(path: string, options: VerifyOptions = {}): Promise<Verification> {
  const { world = SOLO } = options;
  const before = await world.broadcastValue(world.isFirst ? await readReceipt(path) : (undefined as never));
  const { receipt, lists, resources } = await runEvaluation(await repeatedRequest(before, options));
  await resources.close();
  const differences = compareReceipts(before, receipt);
  const differing = lists.filter(({ role }) => differences.some(({ what }) => what === imagesOf(role)));
  const images: Verification['images'] = [];
  for (const list of differing)
    for (const change of await changedImages(path, list)) images.push({ role: list.role, change });
  return {
    figures: receipt.methods.reduce((sum, method) => sum + method.figures.length, 0),
    differences,
    software: compareSoftware(before, receipt),
    images,
  };
}

async function repeatedRequest(
  { protocol, sources, model }: Receipt,
  options: VerifyOptions,
): Promise<EvaluationRequest> {
  const { onEvent, signal, world = SOLO } = options;
  return {
    protocol,
    checkpoint: options.checkpoint ?? model?.path,
    data: options.data ?? sources.data ?? undefined,
    inputs: options.inputs ?? sources.inputs ?? undefined,
    real: options.real ?? sources.real ?? undefined,
    fakes: options.fakes?.length ? options.fakes : sources.fakes,
    baselines: sources.baselines as BaselineName[],
    engine: await loadEngine({ world }),
    signal,
    world,
    ...(onEvent && { onEvent }),
  };
}

/** One thing that a repeated evaluation gives differently. */
export interface Difference {
  /** The thing that differs: `fid of model`, `the images of real`. */
  what: string;
  before: string;
  now: string;
}

const imagesOf = (role: string): string => `the images of ${role}`;

/** Differences in the sources and the figures of two evaluations; none if the second reproduced the first. */
export function compareReceipts(before: Receipt, now: Receipt): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, a: string | number | undefined, b: string | number | undefined) => {
    if (a !== b) differences.push({ what, before: String(a ?? 'none'), now: String(b ?? 'none') });
  };
  for (const list of unionBy(before.images, now.images, ({ role }) => role)) {
    compare(`the number of images of ${list.key}`, list.a?.count, list.b?.count);
    compare(imagesOf(list.key), list.a?.sha256, list.b?.sha256);
  }
  // A receipt without factors did not need them, or is older.
  if (before.factors !== undefined)
    compare(
      now.factors ? 'factors.json' : 'factors.json (missing, or no longer that of the sample dataset)',
      before.factors.sha256,
      now.factors?.sha256,
    );
  compare('the model', before.model?.sha256, now.model?.sha256);
  for (const { key, a, b } of unionBy(before.weights, now.weights, ({ name }) => name))
    compare(`the weights ${key}`, a?.sha256, b?.sha256);
  for (const { key, a, b } of unionBy(before.methods, now.methods, ({ name }) => name)) {
    if (a === undefined || b === undefined) {
      compare(`the method ${key}`, a && 'measured', b && 'measured');
      continue;
    }
    for (const figure of unionBy(a.figures, b.figures, (entry) => entry.key)) {
      const what = `${figure.key} of ${key}`;
      compare(what, figure.a?.values.join(', '), figure.b?.values.join(', '));
      compare(`the deviation of ${what}`, figure.a?.deviation ?? undefined, figure.b?.deviation ?? undefined);
    }
  }
  return differences;
}

/** Differences in versions and machine. */
export function compareSoftware(before: Receipt, now: Receipt): Difference[] {
  return unionBy(Object.entries(before.software), Object.entries(now.software), ([name]) => name).flatMap(
    ({ key, a, b }) =>
      a?.[1] === b?.[1] ? [] : [{ what: key, before: a?.[1] ?? 'none', now: b?.[1] ?? 'none' }],
  );
}

function unionBy<T>(before: readonly T[], now: readonly T[], keyOf: (item: T) => string) {
  const keys = new Set([...before, ...now].map(keyOf));
  return [...keys].map((key) => ({
    key,
    a: before.find((item) => keyOf(item) === key),
    b: now.find((item) => keyOf(item) === key),
  }));
}
