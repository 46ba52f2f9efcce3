import { relative, sep } from 'node:path';
import { readImageBytes } from '../data/decode.js';
import { sha256 } from './measured-image.js';

/** Files of one role with their hashes. */
export interface ImageList {
  role: string;
  folder: string;
  files: readonly string[];
  /** Hex digits, one for each file. */
  hashes: string[];
}

/** Files that are read together. */
const TOGETHER = 8;

/**
 * Hashes files.
 *
 * @throws InputError for one that cannot be read.
 */
export async function hashImages(
  role: string,
  folder: string,
  files: readonly string[],
  { onProgress, signal }: { onProgress?: (done: number) => void; signal?: AbortSignal | undefined } = {},
): Promise<ImageList> {
  const hashes: string[] = [];
  for (let from = 0; from < files.length; from += TOGETHER) {
    signal?.throwIfAborted();
    const some = files.slice(from, from + TOGETHER);
    hashes.push(...(await Promise.all(some.map(async (file) => sha256(await readImageBytes(file))))));
    onProgress?.(hashes.length);
  }
  return { role, folder, files, hashes };
}

/** A list as `sha256sum -c` reads it from within the folder: a line `HASH  NAME` for each file. */
export function formatImageList({ folder, files, hashes }: ImageList): string {
  return files.map((file, i) => `${hashes[i]}  ${relative(folder, file).split(sep).join('/')}\n`).join('');
}

/** What a receipt says of a list. */
export function imageListFacts(list: ImageList) {
  const { role, folder, files } = list;
  return { role, folder, count: files.length, sha256: sha256(formatImageList(list)) };
}
