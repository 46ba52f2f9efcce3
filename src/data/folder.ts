// Lists the image files of folders and datasets.
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { bytesOfName, fsPath, nameOfBytes, shownPath } from '../base/file-names.js';
import { imageKindOf } from './image-kinds.js';

/** Names that are taken for images without a look inside. The first frame of a .gif and the first page of a .tif are used. */
const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set(
  'jpg jpeg jpe jfif jif pjpeg pjp png apng webp avif avifs gif tif tiff bmp dib'
    .split(' ')
    .map((name) => `.${name}`),
);
/** Raw files of cameras, most of which start like TIFF files. */
const RAW_EXTENSIONS: ReadonlySet<string> = new Set(
  '3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f'
    .split(' ')
    .map((name) => `.${name}`),
);
/** What file managers leave behind, by its name in lower case. */
const UNSEEN: ReadonlySet<string> = new Set([
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  'icon\r',
  '__macosx',
  '$recycle.bin',
]);
/** Bytes that tell the kind of a file. */
const HEAD_BYTES = 512;
const LOOKED_AT_ONCE = 32;
/** Links may lead to one folder in 2^n ways. */
const MAX_VISITS = 64;

const FOLDERS = ['trainA', 'trainB', 'testA', 'testB'] as const;
export type DatasetFolder = (typeof FOLDERS)[number];

/** The image files of an unpaired dataset: domain A (photos) and domain B (anime). */
export type Dataset = { root: string } & Record<DatasetFolder, string[]>;

/** Number of files that are no images, by their extension in lower case; '' is for names without one. */
export type FileCounts = Record<string, number>;

const PUT_IMAGES = 'put .jpg, .png or .webp files there';

interface Listing {
  /** Paths relative to the listed folder, with `/` as separator on every system. */
  images: string[];
  /** Relative paths of files whose content has to be looked at. */
  unclear: string[];
  /** Number of files of every other extension. */
  otherFiles: Map<string, number>;
  /** How often each folder was listed, by its real path. */
  visits: Map<string, number>;
}

/** Returns true for folders and links to folders. A dangling link counts as a file, so decoding reports it. */
async function isFolder(path: string): Promise<boolean> {
  return (await stat(fsPath(path)).catch(() => undefined))?.isDirectory() ?? false;
}

type EntryKind = 'folder' | 'file' | 'other';

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): EntryKind {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'other';
}

/** What a link leads to; a dangling link counts as a file, so decoding reports it. */
async function targetOf(path: string): Promise<EntryKind> {
  const info = await stat(fsPath(path)).catch(() => undefined);
  return info === undefined ? 'file' : kindOf(info);
}

function countVisit(visits: Map<string, number>, real: string): void {
  const times = (visits.get(real) ?? 0) + 1;
  visits.set(real, times);
  if (times > MAX_VISITS)
    throw new InputError({
      expected: `links that lead to the folder ${shownPath(real)} in at most ${MAX_VISITS} ways`,
      found: 'more',
      remedy: 'remove the links that lead to it again and again',
    });
}

function countOther({ otherFiles }: Listing, name: string): void {
  const extension = extname(name).toLowerCase();
  otherFiles.set(extension, (otherFiles.get(extension) ?? 0) + 1);
}

async function walk(
  folder: string,
  prefix: string,
  parents: readonly string[],
  found: Listing,
): Promise<void> {
  const real = nameOfBytes(await realpath(fsPath(folder), { encoding: 'buffer' }));
  // A link to an enclosing folder would recurse forever.
  if (parents.includes(real)) return;
  countVisit(found.visits, real);
  for (const entry of await readdir(fsPath(folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = nameOfBytes(entry.name);
    if (name.startsWith('.') || UNSEEN.has(name.toLowerCase())) continue;
    const path = join(folder, name);
    const relative = prefix + name;
    const extension = extname(name).toLowerCase();
    const kind = entry.isSymbolicLink() ? await targetOf(path) : kindOf(entry);
    if (kind === 'folder') await walk(path, `${relative}/`, [...parents, real], found);
    if (kind !== 'file') continue;
    if (IMAGE_EXTENSIONS.has(extension)) found.images.push(relative);
    else if (RAW_EXTENSIONS.has(extension)) countOther(found, name);
    else found.unclear.push(relative);
  }
}

/** Returns whether a file starts as an image does that is read. */
async function startsAsImage(path: string): Promise<boolean> {
  try {
    const handle = await open(fsPath(path));
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return typeof imageKindOf(buffer.subarray(0, bytesRead)) === 'string';
    } finally {
      await handle.close();
    }
  } catch (error) {
    // A file that cannot be read is none of the images.
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

/** Sorts files without a telling name into images and others. */
async function lookInside(dir: string, found: Listing): Promise<void> {
  for (let from = 0; from < found.unclear.length; from += LOOKED_AT_ONCE) {
    const batch = found.unclear.slice(from, from + LOOKED_AT_ONCE);
    const areImages = await Promise.all(batch.map((name) => startsAsImage(join(dir, name))));
    for (const [i, name] of batch.entries()) {
      if (areImages[i]) found.images.push(name);
      else countOther(found, name);
    }
  }
}

async function find(dir: string): Promise<{ images: string[]; otherFiles: FileCounts }> {
  const found: Listing = { images: [], unclear: [], otherFiles: new Map(), visits: new Map() };
  try {
    await walk(dir, '', [], found);
    await lookInside(dir, found);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const expected = `a folder with images at ${shownPath(dir)}`;
    const what = { ENOENT: 'nothing', ENOTDIR: 'a file' }[code] ?? messageOf(error);
    throw new InputError(
      { expected, found: what, remedy: 'check the path and its permissions' },
      { cause: error },
    );
  }
  const keyed = found.images.map((name) => ({ name, key: bytesOfName(name) }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  return {
    images: keyed.map(({ name }) => join(dir, name)),
    otherFiles: Object.fromEntries([...found.otherFiles].sort()),
  };
}

/** Counts of files in words, the most frequent first: "2 .heic, 1 without extension". */
export function countsText(otherFiles: Readonly<FileCounts>, most = 5): string {
  const sorted = Object.entries(otherFiles).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const shown = sorted
    .slice(0, most)
    .map(([extension, count]) => `${count} ${shownPath(extension) || 'without extension'}`);
  const rest = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(rest > 0 ? [`${rest} of other kinds`] : [])].join(', ');
}

/**
 * Lists the image files in a folder and the folders below it, following links: those whose name ends in .jpg .jpeg .jpe .jfif .png
 * .webp .avif .gif .tif .tiff .bmp and the like, in any case, and those of any other name whose content is such an image. Names that start with
 * a dot are skipped, and so is what file managers leave behind. The order is that of the bytes of the path below `dir` (`/` as separator),
 * so it is the same on every machine, in every language and file system. Names need not be UTF-8: `fsPath` turns such a path into bytes.
 *
 * @param onOtherFiles takes the number of files that are no images, if there are any.
 * @returns paths; an empty list is not an error here.
 * @throws InputError if `dir` is not a folder or cannot be read, and for links that lead to one folder again and again.
 */
export async function listImages(
  dir: string,
  onOtherFiles?: (counts: FileCounts) => void,
): Promise<string[]> {
  const { images, otherFiles } = await find(dir);
  if (Object.keys(otherFiles).length > 0) onOtherFiles?.(otherFiles);
  return images;
}

/** Says "none", and which other files the folder has. */
function insteadOfImages(otherFiles: FileCounts): string {
  return Object.keys(otherFiles).length === 0 ? 'none' : `none (other files: ${countsText(otherFiles)})`;
}

async function openFolder(
  root: string,
  name: DatasetFolder,
  required: boolean,
  onOtherFiles?: OnOtherFiles,
): Promise<string[]> {
  const dir = join(root, name);
  if (!(await isFolder(dir))) {
    if (!required) return [];
    const siblings = (await readdir(root)).filter((sibling) => !sibling.startsWith('.')).sort();
    const found = siblings.length === 0 ? 'an empty folder' : `only ${siblings.slice(0, 8).join(', ')}`;
    throw new InputError({
      expected: `a folder ${name} in ${root}`,
      found,
      remedy: `make ${dir} and ${PUT_IMAGES}`,
    });
  }
  const { images, otherFiles } = await find(dir);
  if (images.length === 0 && required) {
    throw new InputError({
      expected: `an image in ${dir}`,
      found: insteadOfImages(otherFiles),
      remedy: PUT_IMAGES,
    });
  }
  if (Object.keys(otherFiles).length > 0) onOtherFiles?.(name, otherFiles);
  return images;
}

/** Takes the number of files of a folder that are no images. */
type OnOtherFiles = (folder: DatasetFolder, counts: FileCounts) => void;

/** @throws InputError if there is no folder at `root`. */
async function assertRoot(root: string): Promise<void> {
  if (await isFolder(root)) return;
  const exists = await stat(root).then(
    () => true,
    () => false,
  );
  throw new InputError({
    expected: `a dataset folder at ${root}`,
    found: exists ? 'a file' : 'nothing',
    remedy: `make it with the folders ${FOLDERS.join(', ')}, or run "gnr dataset sample ${root}" to draw an example`,
  });
}

/** The content of one folder of a dataset. */
export interface FolderListing {
  name: DatasetFolder;
  images: string[];
  /** Number of files that are no images (`.heic`, `.txt`), by extension; training ignores them. */
  otherFiles: FileCounts;
}

/**
 * Lists those of trainA, trainB, testA and testB that exist in `root`, usable for training or not.
 *
 * @throws InputError if there is no such root or none of the folders.
 */
export async function listFolders(root: string): Promise<FolderListing[]> {
  await assertRoot(root);
  const listings: FolderListing[] = [];
  for (const name of FOLDERS) {
    if (!(await isFolder(join(root, name)))) continue;
    const { images, otherFiles } = await find(join(root, name));
    listings.push({ name, images, otherFiles });
  }
  if (listings.length > 0) return listings;
  throw new InputError({
    expected: `one of the folders ${FOLDERS.join(', ')} in ${root}`,
    found: 'none',
    remedy: `name the folder that holds them, or make ${join(root, FOLDERS[0])} and ${PUT_IMAGES}`,
  });
}

/**
 * Lists the images of a dataset: trainA, trainB, testA and testB in `root`, each as `listImages` does.
 *
 * @param options.requireTest `false` allows test folders to be missing or empty.
 * @param options.onOtherFiles takes the number of files that are no images, for each folder that has some.
 * @throws InputError that names the folder if it is missing or has no images.
 */
export async function openDataset(
  root: string,
  options: { requireTest?: boolean; onOtherFiles?: OnOtherFiles } = {},
): Promise<Dataset> {
  await assertRoot(root);
  const dataset: Dataset = { root, trainA: [], trainB: [], testA: [], testB: [] };
  for (const name of FOLDERS) {
    const required = name.startsWith('train') || (options.requireTest ?? true);
    dataset[name] = await openFolder(root, name, required, options.onOtherFiles);
  }
  return dataset;
}
