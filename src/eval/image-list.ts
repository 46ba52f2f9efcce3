// Lists of image files with their hashes: what a receipt says of them, their files beside it, and what changed since.

import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { sha256 } from '../base/hash.js';
import { readImageBytes } from '../data/image-file.js';
import { shareWork } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';

/** Files of one role with their hashes. */
export interface ImageList {
  role: string;
  folder: string;
  files: readonly string[];
  /** Hex digits, one for each file. */
  hashes: string[];
}

/** Files that are read at a time. */
const READS = 8;

export interface HashOptions {
  onProgress?: (done: number) => void;
  signal?: AbortSignal | undefined;
  /** Ranks that share the files, and all get the hashes; one by default. */
  world?: World | undefined;
}

/**
 * Hashes files.
 *
 * @throws InputError for one that cannot be read.
 */
export async function hashImages(
  role: string,
  folder: string,
  files: readonly string[],
  { onProgress, signal, world = SOLO }: HashOptions = {},
): Promise<ImageList> {
  const hashes: string[] = [];
  const hashBatch = (i: number): Promise<string[]> => {
    const batch = files.slice(i * READS, (i + 1) * READS);
    return Promise.all(batch.map(async (file) => sha256(await readImageBytes(file))));
  };
  for await (const some of shareWork(world, Math.ceil(files.length / READS), hashBatch, signal)) {
    hashes.push(...some);
    onProgress?.(hashes.length);
  }
  return { role, folder, files, hashes };
}

/** A list as `sha256sum -c` reads it from within the folder: a line `HASH  NAME` for each file. */
export function formatImageList({ folder, files, hashes }: ImageList): string {
  return files.map((file, i) => `${hashes[i]}  ${relative(folder, file).split(sep).join('/')}\n`).join('');
}

function parseImageList(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** A list's entry in a receipt. */
export function imageListFacts(list: ImageList) {
  const { role, folder, files } = list;
  return { role, folder, count: files.length, sha256: sha256(formatImageList(list)) };
}

/** The name of a list's file beside the receipt. */
export function listFileName(role: string): string {
  const plain = role.replace(/[^\w.-]+/g, '-');
  // Users name the methods: two names may have the same plain form.
  return role.startsWith('fake ') ? `${plain}-${sha256(role).slice(0, 8)}.sha256` : `${plain}.sha256`;
}

/**
 * Compares a list with its file beside the receipt.
 *
 * @returns the names of changed, missing and new images, at most `max` of them; none if that file does not exist.
 */
export async function changedImages(receiptPath: string, list: ImageList, max = 5): Promise<string[]> {
  const path = join(dirname(receiptPath), listFileName(list.role));
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const before = parseImageList(text);
  const now = parseImageList(formatImageList(list));
  const changes: string[] = [];
  for (const [name, hash] of before) {
    const current = now.get(name);
    if (current === undefined) changes.push(`${name} is gone`);
    else if (current !== hash) changes.push(`${name} has changed`);
  }
  for (const name of now.keys()) if (!before.has(name)) changes.push(`${name} is new`);
  const more = changes.length - max;
  return more > 0 ? [...changes.slice(0, max), `and ${more} more in ${basename(path)}`] : changes;
}
