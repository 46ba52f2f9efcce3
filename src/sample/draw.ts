// Draws the sample dataset into a folder.
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { endOfLinks, makeFolders, toWriteError } from '../base/atomic-files.js';
import { InputError, InterruptedError, messageOf, RunError, systemCode } from '../base/errors.js';
import { removeLeftoversOf } from '../base/leftovers.js';
import { Rng } from '../base/rng.js';
import { withTemporary } from '../base/temporary-names.js';
import {
  drawAnimeStyle,
  drawContent,
  drawPhotoStyle,
  FAMILIES,
  type Family,
  type PortraitFactors,
} from './factors.js';
import { FACTORS_FILE, type FactorsFile, SAMPLE_FOLDERS, type SampleFolder } from './factors-file.js';
import { rasterise } from './raster.js';

/** Number of images drawn at once; sharp spreads them over its own threads. */
const AT_ONCE = 8;

export interface SampleDatasetOptions {
  /** The folder to create; it must not exist, or be empty. */
  dir: string;
  /** Number of images in each of trainA and trainB. */
  images?: number;
  /** Number of images in each of testA and testB. */
  testImages?: number;
  /** Width and height of an image, px, 16 to 1024. */
  size?: number;
  /** An integer from 0 to 2^32 - 1. */
  seed?: number;
  /**
   * The anime style family of trainB and testB, one of `FAMILIES` (`vivid` by default), or several with commas between
   * them, of which each image draws one; it does not change trainA and testA.
   */
  family?: string;
  onProgress?: (done: number, total: number) => void;
  /** Aborting stops the drawing and leaves nothing behind. */
  signal?: AbortSignal;
}

type Settings = Required<Pick<SampleDatasetOptions, 'images' | 'testImages' | 'size' | 'seed'>> & {
  families: readonly Family[];
};

/**
 * Draws the factors of one image. They depend only on seed, name and families, so the number of images does not change
 * them. An image of a family is the same whether the family is drawn alone or among others.
 * @param name folder and file: "trainA/00012".
 */
export function sampleFactors(
  seed: number,
  folder: SampleFolder,
  name: string,
  families: Family | readonly Family[],
): PortraitFactors {
  const rng = new Rng(seed, name);
  const content = drawContent(rng);
  if (folder.endsWith('A')) return { content, style: drawPhotoStyle(rng) };
  // From numbers of its own, so that an image of a family is the same in every list.
  const family = typeof families === 'string' ? families : new Rng(seed, `${name}/family`).pick(families);
  return { content, style: drawAnimeStyle(rng, family) };
}

/**
 * Draws an unpaired dataset of portraits: photographs in trainA and testA, anime in trainB and testB, and factors.json
 * with the factors of each. The folder gets its name when it is complete.
 * @throws InputError for options out of range and for a folder that is not empty; RunError if writing fails;
 *   InterruptedError after `signal`.
 */
export async function drawSampleDataset(options: SampleDatasetOptions): Promise<FactorsFile> {
  const settings = checkedSettings(options);
  const shown = resolve(options.dir);
  await rejectUsedFolder(shown);
  try {
    const dir = await endOfLinks(shown);
    await makeFolders(dirname(dir));
    // A drawing that was killed leaves a temporary folder behind.
    await removeLeftoversOf(dir);
    return await withTemporary(dir, 'tmp', async (partial) => {
      try {
        await mkdir(partial);
        const file = await drawInto(partial, settings, options);
        // The caller may have created the folder; it is empty.
        await rmdir(dir).catch(ignoreMissing);
        await rename(partial, dir);
        return file;
      } catch (error) {
        await rm(partial, { recursive: true, force: true });
        throw error;
      }
    });
  } catch (error) {
    throw explained(error, shown);
  }
}

async function drawInto(
  root: string,
  settings: Settings,
  options: SampleDatasetOptions,
): Promise<FactorsFile> {
  const { seed, size, families } = settings;
  const family = families.length === 1 ? families[0]! : [...families];
  const file: FactorsFile = { format: 'gnr-sample-factors', version: 1, seed, size, family, images: {} };
  for (const folder of SAMPLE_FOLDERS) {
    await mkdir(join(root, folder));
    const count = folder.startsWith('train') ? settings.images : settings.testImages;
    for (let i = 0; i < count; i++) {
      const name = `${folder}/${String(i).padStart(5, '0')}`;
      file.images[`${name}.png`] = sampleFactors(seed, folder, name, families);
    }
  }
  const names = Object.keys(file.images);
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < names.length) {
      if (options.signal?.aborted)
        throw new InterruptedError('The drawing of the sample dataset was stopped.');
      const name = names[next++]!;
      await writeFile(join(root, name), await rasterise(file.images[name]!, size));
      options.onProgress?.(++done, names.length);
    }
  };
  // All workers must end before the folder is removed or renamed.
  const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  await writeFile(join(root, FACTORS_FILE), `${JSON.stringify(file, null, 1)}\n`);
  return file;
}

function checkedSettings(options: SampleDatasetOptions): Settings {
  const { images = 400, testImages = 64, size = 128, seed = 0, family = 'vivid' } = options;
  checkInteger('--images', images, 1, 99_999);
  checkInteger('--test-images', testImages, 0, 99_999);
  checkInteger('--size', size, 16, 1024);
  checkInteger('--seed', seed, 0, 0xffffffff);
  return { images, testImages, size, seed, families: checkedFamilies(family) };
}

/** The families of a list with commas, in the order of `FAMILIES`, so that the order of the list does not matter. */
function checkedFamilies(list: string): Family[] {
  const names = list.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isFamily(name));
  if (wrong !== undefined) {
    throw new InputError({
      expected: `a style family for --family (${FAMILIES.join(', ')}), or several with commas between them`,
      found: `"${wrong}"`,
      remedy: `pass --family ${FAMILIES.join(' or --family ')}, or --family ${FAMILIES.join(',')}`,
    });
  }
  return FAMILIES.filter((family) => names.includes(family));
}

function isFamily(name: string): name is Family {
  return (FAMILIES as readonly string[]).includes(name);
}

function checkInteger(flag: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new InputError({
    expected: `an integer from ${low} to ${high} for ${flag}`,
    found: String(value),
    remedy: `pass ${flag} with a value in that range`,
  });
}

async function rejectUsedFolder(dir: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(dir);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    const found = systemCode(error) === 'ENOTDIR' ? 'a file' : messageOf(error);
    throw new InputError({
      expected: `a new or empty folder at ${dir}`,
      found,
      remedy: 'choose another folder',
    });
  }
  if (entries.length === 0) return;
  throw new InputError({
    expected: `a new or empty folder at ${dir}`,
    found: `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'} in it`,
    remedy: 'choose another folder, or empty this one',
  });
}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error;
}

function explained(error: unknown, dir: string): unknown {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new RunError(
      `The disk is full, so ${dir} was not created; free some space, or pass fewer --images.`,
      {
        cause: error,
      },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    const details = {
      expected: `a place to write at ${dir}`,
      found: messageOf(error),
      remedy: 'choose another folder',
    };
    return new InputError(details, { cause: error });
  }
  return toWriteError(error, dir);
}
