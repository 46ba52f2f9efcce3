// Draws the thumbnails of a dataset check's page.
import { join } from 'node:path';
import { InterruptedError } from '../../base/errors.js';
import { Rng } from '../../base/rng.js';
import { type DatasetFolder, listFolders } from '../folder.js';
import { openImage } from '../image-file.js';
import type { DatasetCheck } from './dataset-check.js';
import { FINDING_KINDS, type Finding } from './findings.js';

/** Twice the size on the page, for high-resolution screens. */
const THUMBNAIL_PX = 192;
const QUALITY = 75;
const SHEET_IMAGES = 24;
const IMAGES_PER_KIND = 12;
const AT_ONCE = 8;

/** A small image for the page. */
export interface Thumbnail {
  /** Path relative to the dataset. */
  file: string;
  webp: Uint8Array;
}

export interface CheckThumbnails {
  /** Images of each folder, spread evenly over it. */
  sheets: Partial<Record<DatasetFolder, Thumbnail[]>>;
  /** For the first findings of each kind: the image, and the one it resembles. */
  findings: Map<Finding, Thumbnail[]>;
}

export interface CheckThumbnailsOptions {
  /** Seed of the choice of images for the contact sheets. */
  seed: number;
  signal?: AbortSignal;
}

/** Makes the thumbnails of a check's page, without those of unreadable files. @throws InterruptedError after `signal`. */
export async function drawCheckThumbnails(
  check: DatasetCheck,
  { seed, signal }: CheckThumbnailsOptions,
): Promise<CheckThumbnails> {
  const { dir } = check;
  const sheets: CheckThumbnails['sheets'] = {};
  const draw = (paths: readonly string[], fit: 'cover' | 'inside') => drawAll(dir, paths, fit, signal);
  const unreadable = new Set(
    check.findings.filter(({ kind }) => kind === 'unreadable').map(({ file }) => file),
  );
  for (const { name, images } of await listFolders(dir)) {
    const files = images.map((path) => `${name}${path.slice(join(dir, name).length).replaceAll('\\', '/')}`);
    const readable = files.filter((file) => !unreadable.has(file));
    const chosen = spreadEvenly(readable, SHEET_IMAGES, new Rng(seed, 'contact sheet').fork(name));
    sheets[name] = await draw(chosen, 'cover');
  }
  const findings: CheckThumbnails['findings'] = new Map();
  for (const kind of FINDING_KINDS) {
    if (kind === 'unreadable') continue;
    const shown = check.findings.filter((entry) => entry.kind === kind).slice(0, IMAGES_PER_KIND);
    for (const entry of shown) {
      const files = entry.other === undefined ? [entry.file] : [entry.file, entry.other];
      findings.set(entry, await draw(files, 'inside'));
    }
  }
  return { sheets, findings };
}

/** Chooses at most `count` items, one at random from each of `count` equal parts of the list. */
export function spreadEvenly<T>(items: readonly T[], count: number, rng: Rng): T[] {
  if (items.length <= count) return [...items];
  const start = (part: number) => Math.floor((part * items.length) / count);
  return Array.from({ length: count }, (_, i) => items[start(i) + rng.integer(start(i + 1) - start(i))]!);
}

async function drawAll(
  dir: string,
  files: readonly string[],
  fit: 'cover' | 'inside',
  signal: AbortSignal | undefined,
): Promise<Thumbnail[]> {
  const out: Thumbnail[] = [];
  for (let i = 0; i < files.length; i += AT_ONCE) {
    if (signal?.aborted) throw new InterruptedError('The page of the dataset check was not written.');
    const drawn = files.slice(i, i + AT_ONCE).map(async (file) => {
      const webp = await thumbnail(join(dir, file), fit).catch(() => undefined);
      return webp === undefined ? [] : [{ file, webp }];
    });
    out.push(...(await Promise.all(drawn)).flat());
  }
  return out;
}

async function thumbnail(path: string, fit: 'cover' | 'inside'): Promise<Uint8Array> {
  const file = await openImage(path);
  return file.read((upright) =>
    upright
      .resize(THUMBNAIL_PX, THUMBNAIL_PX, { fit, withoutEnlargement: fit === 'inside' })
      .toColourspace('srgb')
      .webp({ quality: QUALITY })
      .toBuffer(),
  );
}
