// Lists the image files of folders and datasets.
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { InputError, messageOf, systemCode } from '../base/errors.js';

/** The first frame of a .gif and the first page of a .tif are used. */
const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  '.jpg',
  '.jpeg',
  '.png',
  '.webp',
  '.avif',
  '.gif',
  '.tif',
  '.tiff',
]);

const FOLDERS = ['trainA', 'trainB', 'testA', 'testB'] as const;
export type DatasetFolder = (typeof FOLDERS)[number];

/** The image files of an unpaired dataset: domain A (photos) and domain B (anime). */
export type Dataset = { root: string } & Record<DatasetFolder, string[]>;

const PUT_IMAGES = 'put .jpg, .png or .webp files there';

interface Listing {
  /** Paths relative to the listed folder, with `/` as separator on every system. */
  images: string[];
  /** Number of files of every other extension. */
  otherFiles: Map<string, number>;
}

/** Returns true for folders and links to folders. A dangling link counts as a file, so decoding reports it. */
async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function walk(
  folder: string,
  prefix: string,
  parents: readonly string[],
  found: Listing,
): Promise<void> {
  const real = await realpath(folder);
  // A link to an enclosing folder would recurse forever.
  if (parents.includes(real)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const isUsable = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
    if (!isUsable || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const relative = prefix + entry.name;
    const extension = extname(entry.name).toLowerCase();
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) {
      await walk(path, `${relative}/`, [...parents, real], found);
    } else if (IMAGE_EXTENSIONS.has(extension)) {
      found.images.push(relative);
    } else {
      found.otherFiles.set(extension, (found.otherFiles.get(extension) ?? 0) + 1);
    }
  }
}

async function find(dir: string): Promise<Listing> {
  const found: Listing = { images: [], otherFiles: new Map() };
  try {
    await walk(dir, '', [], found);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const expected = `a folder with images at ${dir}`;
    const what = { ENOENT: 'nothing', ENOTDIR: 'a file' }[code] ?? messageOf(error);
    throw new InputError(
      { expected, found: what, remedy: 'check the path and its permissions' },
      { cause: error },
    );
  }
  const keyed = found.images.map((name) => ({ name, key: Buffer.from(name) }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  return { ...found, images: keyed.map(({ name }) => join(dir, name)) };
}

/**
 * Lists the image files in a folder and the folders below it, following links: .jpg .jpeg .png .webp .avif .gif .tif .tiff
 * in any case. Names that start with a dot are skipped. The order is that of the bytes of the path below `dir` (UTF-8, `/` as
 * separator), so it is the same on every machine, in every language and file system.
 *
 * @returns paths; an empty list is not an error here.
 * @throws InputError if `dir` is not a folder or cannot be read.
 */
export async function listImages(dir: string): Promise<string[]> {
  return (await find(dir)).images;
}

/** Says "none", and which other files the folder has. */
function insteadOfImages(otherFiles: ReadonlyMap<string, number>): string {
  if (otherFiles.size === 0) return 'none';
  const mostFrequent = [...otherFiles].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 5);
  const counts = mostFrequent.map(([extension, count]) => `${count} ${extension || 'without extension'}`);
  return `none (other files: ${counts.join(', ')})`;
}

async function openFolder(root: string, name: DatasetFolder, required: boolean): Promise<string[]> {
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
  return images;
}

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
  /** Number of files of every other extension (`.heic`, `.txt`), which training ignores. */
  otherFiles: Record<string, number>;
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
    listings.push({ name, images, otherFiles: Object.fromEntries([...otherFiles].sort()) });
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
 * @throws InputError that names the folder if it is missing or has no images.
 */
export async function openDataset(root: string, options: { requireTest?: boolean } = {}): Promise<Dataset> {
  await assertRoot(root);
  const dataset: Dataset = { root, trainA: [], trainB: [], testA: [], testB: [] };
  for (const name of FOLDERS) {
    const required = name.startsWith('train') || (options.requireTest ?? true);
    dataset[name] = await openFolder(root, name, required);
  }
  return dataset;
}
