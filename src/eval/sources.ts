// Lists the image files of an evaluation by their role.
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { type FileCounts, listImages } from '../data/folder.js';
import type { Protocol } from './protocol.js';

/** A folder with the outputs of a method. */
export interface NamedFolder {
  /** Name of the method. */
  name: string;
  /** The folder. */
  folder: string;
}

/** Paths to the images of an evaluation. */
export interface SourcePaths {
  /** A dataset with trainA, trainB, testA, testB. */
  data?: string | undefined;
  /** Images of the source domain, in place of the dataset's. */
  inputs?: string | undefined;
  /** Images of the target domain, in place of the dataset's. */
  real?: string | undefined;
  fakes: readonly NamedFolder[];
  /** Takes the number of files in a folder that are no images, by extension, if there are any. */
  onOtherFiles?: ((folder: string, counts: FileCounts) => void) | undefined;
}

export interface FolderFiles {
  folder: string;
  files: string[];
}

/** Files by role; roles without images have empty lists. */
export interface Sources {
  inputs: FolderFiles;
  /** All files of the inputs' folder; `inputs` may be only the first of them. */
  allInputs: FolderFiles;
  real: FolderFiles;
  /** Images of the target domain that are not in `real`. */
  otherReal: FolderFiles;
  /** Images of the target domain whose styles the model takes; none for random styles. */
  references: FolderFiles;
  /** Images of the target domain that the model was trained on. */
  training: FolderFiles;
  fakes: (NamedFolder & { files: string[] })[];
}

const NONE: FolderFiles = { folder: '', files: [] };

async function listOf(
  folder: string,
  what: string,
  { onOtherFiles }: Pick<SourcePaths, 'onOtherFiles'>,
  count: number | null = null,
): Promise<FolderFiles> {
  const files = await listImages(folder, (counts) => onOtherFiles?.(folder, counts));
  if (files.length === 0)
    throw new InputError({
      expected: `${what} in ${folder}`,
      found: 'no images',
      remedy: 'put .jpg, .png or .webp files there, or name another folder',
    });
  return { folder, files: count === null ? files : files.slice(0, count) };
}

async function listIfPresent(folder: string): Promise<FolderFiles> {
  try {
    return { folder, files: await listImages(folder) };
  } catch (error) {
    if (error instanceof InputError) return NONE;
    throw error;
  }
}

/**
 * Lists the images that a protocol asks for.
 *
 * @throws InputError for a folder that is missing or has no images.
 */
export async function listSources(protocol: Protocol, paths: SourcePaths): Promise<Sources> {
  const { data } = paths;
  // The protocol names the folders for A2B.
  const side = (folder: string): string =>
    protocol.direction === 'A2B' ? folder : folder.replace(/.$/, (letter) => (letter === 'A' ? 'B' : 'A'));
  const inDataset = (folder: string): string | undefined =>
    data === undefined ? undefined : join(data, side(folder));
  const realFolder = paths.real ?? inDataset(protocol.real.folder);
  if (realFolder === undefined)
    throw new InputError({
      expected: 'real images to compare with',
      found: 'neither --data nor --real',
      remedy: 'name a dataset with --data DIR, or a folder with --real DIR',
    });
  const inputsFolder = paths.inputs ?? inDataset(protocol.inputs.folder);
  const otherFolder = inDataset(protocol.real.folder === 'testB' ? 'trainB' : 'testB');
  const trainingFolder = inDataset('trainB');
  const referencesFolder =
    protocol.styles.source === 'reference'
      ? (inDataset(protocol.styles.references) ?? realFolder)
      : undefined;
  const allInputs = inputsFolder === undefined ? NONE : await listOf(inputsFolder, 'input images', paths);
  const { count } = protocol.inputs;
  return {
    inputs: { ...allInputs, files: count === null ? allInputs.files : allInputs.files.slice(0, count) },
    allInputs,
    references:
      referencesFolder === undefined ? NONE : await listOf(referencesFolder, 'reference images', paths),
    real: await listOf(realFolder, 'real images', paths, protocol.real.count),
    otherReal:
      otherFolder === undefined || paths.real !== undefined ? NONE : await listIfPresent(otherFolder),
    training: trainingFolder === undefined ? NONE : await listIfPresent(trainingFolder),
    fakes: await Promise.all(
      paths.fakes.map(async ({ name, folder }) => ({
        name,
        ...(await listOf(folder, `the images of ${name}`, paths)),
      })),
    ),
  };
}
