import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { parseJson } from '../base/json-text.js';
import { formatImageList, type ImageList } from './image-list.js';
import { sha256 } from './measured-image.js';
import { type Receipt, receiptSchema } from './receipt.js';

/** Reads a receipt. @throws InputError where it is missing, no JSON, or no receipt; it names the key. */
export async function readReceipt(path: string): Promise<Receipt> {
  const remedy = 'name the receipt.json that gnr evaluate wrote';
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const found = systemCode(error) === 'ENOENT' ? 'nothing' : messageOf(error);
    throw new InputError({ expected: `a receipt at ${path}`, found, remedy }, { cause: error });
  }
  const parsed = receiptSchema.safeParse(parseJson(text, path));
  if (parsed.success) return parsed.data;
  const found = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new InputError({ expected: `a receipt of version 1 at ${path}`, found, remedy });
}

/** What a repeated evaluation gives differently. */
export interface Difference {
  /** What differs: `fid of model`, `the images of real`. */
  what: string;
  before: string;
  now: string;
}

/** What is different in what an evaluation was made from and in what it gave; nothing where it was reproduced. */
export function compareReceipts(before: Receipt, now: Receipt): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, a: string | number | undefined, b: string | number | undefined) => {
    if (a !== b) differences.push({ what, before: String(a ?? 'none'), now: String(b ?? 'none') });
  };
  for (const list of unionBy(before.images, now.images, ({ role }) => role)) {
    compare(`the number of images of ${list.key}`, list.a?.count, list.b?.count);
    compare(`the images of ${list.key}`, list.a?.sha256, list.b?.sha256);
  }
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

/** What else was different: versions and machine, which may explain differences. */
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

/** The name of the file of hashes that lies beside a receipt. */
export function listFileName(role: string): string {
  const plain = role.replace(/[^\w.-]+/g, '-');
  // Names of methods are anybody's: what is left of two of them may be the same.
  return role.startsWith('fake ') ? `${plain}-${sha256(role).slice(0, 8)}.sha256` : `${plain}.sha256`;
}

/**
 * Names images of a list that are not what they were, by the file of hashes beside the receipt.
 *
 * @returns at most `most` names with what happened to each; none where that file is gone.
 */
export async function changedImages(receiptPath: string, list: ImageList, most = 5): Promise<string[]> {
  const path = join(dirname(receiptPath), listFileName(list.role));
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const before = parseList(text);
  const now = parseList(formatImageList(list));
  const changes: string[] = [];
  for (const [name, hash] of before) {
    const current = now.get(name);
    if (current === undefined) changes.push(`${name} is gone`);
    else if (current !== hash) changes.push(`${name} has changed`);
  }
  for (const name of now.keys()) if (!before.has(name)) changes.push(`${name} is new`);
  const more = changes.length - most;
  return more > 0 ? [...changes.slice(0, most), `and ${more} more in ${basename(path)}`] : changes;
}

function parseList(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}
