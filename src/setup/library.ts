// Downloads and unpacks TensorFlow's library into the cache.
import fs from 'node:fs/promises';
import path from 'node:path';
import { InputError, systemCode } from '../base/errors.js';
import { formatBytes } from '../base/format-bytes.js';
import { sha256 } from '../base/hash.js';
import { checkPython, downloadWheel, type FetchOptions, unpackWheel } from './download.js';
import { type Architecture, type Device, spaceNeeded, TENSORFLOW_VERSION, type Wheel } from './wheels.js';

export const LIBRARY_FILES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;
const RECORD = 'complete.json';

/** The place of libtensorflow in the cache, whether it is complete or not. */
export interface LibraryPlace {
  /** A folder with the layout of Python's site-packages: tensorflow beside nvidia. */
  root: string;
  /** The folder of libtensorflow_cc and libtensorflow_framework. */
  libraries: string;
  include: string;
}

export function libraryPlace(cache: string, device: Device, architecture: Architecture): LibraryPlace {
  const root = path.join(cache, `tensorflow-${TENSORFLOW_VERSION}-${device}-${architecture}`);
  return {
    root,
    libraries: path.join(root, 'tensorflow'),
    include: path.join(root, 'tensorflow', 'include'),
  };
}

/** The record beside a complete library: ids of its wheels' content, and the sizes of its files in bytes. */
interface LibraryRecord {
  wheels: string[];
  files: Record<string, number>;
}

/** Identifies a wheel and the files kept from it: a later version may need more files of the same wheel. */
function contentId(wheel: Wheel): string {
  return sha256(JSON.stringify([wheel.sha256, wheel.keep]));
}

async function readRecord(file: string): Promise<Partial<LibraryRecord> | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as Partial<LibraryRecord>;
  } catch {
    return undefined;
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await fs.stat(file)).size;
  } catch {
    return undefined;
  }
}

/** Whether the library under its final name is complete: every unpacked file exists with its size. */
export async function libraryIsComplete(place: LibraryPlace, wheels: readonly Wheel[]): Promise<boolean> {
  const record = await readRecord(path.join(place.root, RECORD));
  if (!record?.files || !wheels.every((wheel) => record.wheels?.includes(contentId(wheel)))) return false;
  for (const [name, bytes] of Object.entries(record.files)) {
    if ((await sizeOf(path.join(place.root, name))) !== bytes) return false;
  }
  return true;
}

/** Free bytes on the disk of a folder, which need not exist yet. */
export async function freeSpace(folder: string): Promise<number> {
  let at = path.resolve(folder);
  for (;;) {
    try {
      const { bavail, bsize } = await fs.statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || at === path.dirname(at)) throw error;
      at = path.dirname(at);
    }
  }
}

/** @throws InputError if fewer bytes are free than needed. */
export function checkSpace(folder: string, needed: number, free: number): void {
  if (free >= needed) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new InputError({
    expected: `${gigabytes(needed)} free under ${folder} for TensorFlow's library`,
    found: gigabytes(free),
    remedy: 'free space, or name a cache folder on a larger disk in GNR_CACHE_DIR',
  });
}

async function recordFiles(root: string): Promise<Record<string, number>> {
  const files: Record<string, number> = {};
  for (const entry of await fs.readdir(root, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name.includes('.so')) {
      files[path.relative(root, file)] = (await fs.stat(file)).size;
    }
  }
  return files;
}

export interface ProvideOptions extends FetchOptions {
  wheels: readonly Wheel[];
  /** Free bytes on the disk; by default those that the system reports. */
  freeBytes?: number | undefined;
}

/**
 * Downloads and unpacks libtensorflow into its place in the cache. The caller holds the cache's lock. The work happens in a
 * folder beside it, which is renamed at the end. Wheels that an interrupted set-up has unpacked are not downloaded again.
 * @throws InputError for a missing Python or pip, a full disk, or a failed download.
 */
export async function provideLibrary(place: LibraryPlace, options: ProvideOptions): Promise<void> {
  const { wheels, env, onEvent } = options;
  const cache = path.dirname(place.root);
  await fs.mkdir(cache, { recursive: true });
  const pip = await checkPython(env);
  const partial = `${place.root}.partial`;
  const work = `${place.root}.download`;
  const unpacked = new Set((await readRecord(path.join(partial, RECORD)))?.wheels ?? []);
  const missing = wheels.filter((wheel) => !unpacked.has(contentId(wheel)));
  await fs.rm(work, { recursive: true, force: true });
  checkSpace(cache, spaceNeeded(missing), options.freeBytes ?? (await freeSpace(place.root)));
  const sum = (of: (wheel: Wheel) => number) =>
    formatBytes(missing.reduce((bytes, wheel) => bytes + of(wheel), 0));
  const sizes = `${sum((wheel) => wheel.bytes)} from the Python package index, ${sum((wheel) => wheel.keptBytes)} unpacked`;
  onEvent({
    kind: 'step',
    text: `downloading TensorFlow ${TENSORFLOW_VERSION} once: ${sizes}, kept in ${place.root} for the next time`,
  });
  await fs.mkdir(partial, { recursive: true });
  for (const wheel of missing) {
    try {
      const file = await downloadWheel(wheel, work, { ...options, pip });
      await unpackWheel(file, wheel, partial, options);
    } finally {
      await fs.rm(work, { recursive: true, force: true });
    }
    unpacked.add(contentId(wheel));
    const record: LibraryRecord = { wheels: [...unpacked], files: {} };
    await fs.writeFile(path.join(partial, RECORD), JSON.stringify(record));
  }
  const record: LibraryRecord = { wheels: [...unpacked], files: await recordFiles(partial) };
  await fs.writeFile(path.join(partial, RECORD), JSON.stringify(record, null, 2));
  await fs.rm(place.root, { recursive: true, force: true });
  await fs.rename(partial, place.root);
}
