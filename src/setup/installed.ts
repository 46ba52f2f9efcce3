// Installs addons in the npm package, with a record of them.
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { replaceFile } from '../base/atomic-files.js';
import { whoElseWrites } from '../base/cache-directory.js';
import { InputError, systemCode } from '../base/errors.js';
import { sha256OfFile } from '../base/hash.js';
import { removeLeftovers } from '../base/leftovers.js';
import { writeJson } from '../base/write-json.js';
import { addonFiles, type Packages, sourcesHash } from './addon.js';
import { LIBRARY_FILES } from './library.js';
import type { Mpi } from './mpi.js';
import { cudaLibraries } from './preload.js';
import { type Architecture, type Device, TENSORFLOW_VERSION } from './wheels.js';

const STAMP_FILE = 'gnr-setup.json';

/** The record beside an installed addon. */
export interface Stamp {
  tfjs: string;
  tensorflow: string;
  device: Device;
  architecture: Architecture;
  /** The folder that the addon loads libtensorflow from. */
  libraries: string;
  /** The MPI that the addons were built for, such as `Open MPI 4.1.4`; null without. */
  mpi: string | null;
  /** Hash of the sources of the project's own addons. */
  sources: string;
  /** Sizes of files by absolute path, or by name for files beside the stamp, bytes. */
  files: Record<string, number>;
  /** SHA-256 of the same files when they were installed. */
  hashes: Record<string, string>;
  /** Times of the last change of the files with absolute paths, whole seconds since 1970: image layers keep no parts. */
  times: Record<string, number>;
}

/** The folder inside the npm package where its JavaScript looks for the addon. */
export function bindingDirectory(packages: Packages): string {
  return path.join(packages.tfjs, 'lib', 'napi-v8');
}

/** Finds the npm packages that the addons are built from. @throws InputError if they are not installed. */
export async function findPackages(): Promise<Packages> {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve('@tensorflow/tfjs-node-gpu/package.json');
    const headers = path.dirname(require.resolve('node-api-headers/package.json'));
    const { version } = JSON.parse(await fs.readFile(manifest, 'utf8')) as { version: string };
    return { tfjs: path.dirname(manifest), tfjsVersion: version, headers };
  } catch (error) {
    const expected = 'the npm packages @tensorflow/tfjs-node-gpu and node-api-headers';
    throw new InputError({ expected, found: 'one of them missing', remedy: 'run npm ci' }, { cause: error });
  }
}

/** The record of the addons in a folder, without any check; undefined if there is none. */
export async function readStamp(directory: string): Promise<Partial<Stamp> | undefined> {
  try {
    return JSON.parse(await fs.readFile(path.join(directory, STAMP_FILE), 'utf8')) as Partial<Stamp>;
  } catch {
    return undefined;
  }
}

const secondsOf = (stats: Stats): number => Math.floor(stats.mtimeMs / 1000);

/**
 * Why the files that a record names must not be loaded; undefined if they are those that were installed. The addons are
 * hashed. TensorFlow's libraries have up to a gigabyte each, so size, time and owner decide, and the hash only if the time
 * is another one, as after copying.
 * @param directory the folder of the record.
 */
export async function problemOfFiles(directory: string, stamp: Partial<Stamp>): Promise<string | undefined> {
  const { files, hashes, times } = stamp;
  if (files === undefined || hashes === undefined || times === undefined)
    return 'a record of another version of this program';
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.resolve(directory, name);
    let stats: Stats;
    try {
      stats = await fs.stat(file);
    } catch (error) {
      return systemCode(error) === 'EACCES' ? `${file}, which this user cannot read` : `no ${file}`;
    }
    if (stats.size !== bytes) return `${file} of another size`;
    const isLibrary = path.isAbsolute(name);
    const writer = isLibrary ? whoElseWrites(stats) : undefined;
    if (writer !== undefined) return `${file}: ${writer}`;
    if (isLibrary && secondsOf(stats) === times[name]) continue;
    if ((await sha256OfFile(file)) !== hashes[name]) return `${file} with other content`;
  }
  return undefined;
}

/** The record of the installed addons if they are for these packages and all their files are right; undefined otherwise. */
export async function installedStamp(packages: Packages): Promise<Stamp | undefined> {
  const directory = bindingDirectory(packages);
  const stamp = await readStamp(directory);
  if (stamp?.tfjs !== packages.tfjsVersion || stamp.tensorflow !== TENSORFLOW_VERSION) return undefined;
  if (stamp.architecture !== process.arch || stamp.sources !== sourcesHash()) return undefined;
  if ((await problemOfFiles(directory, stamp)) !== undefined) return undefined;
  return stamp as Stamp;
}

/** Copies built and checked addons into the npm package, each file by renaming, and writes the record last. */
export async function installAddon(
  addon: string,
  packages: Packages,
  build: Pick<Stamp, 'device' | 'architecture' | 'libraries'> & { mpi: Mpi | undefined },
): Promise<Stamp> {
  const { mpi, ...kind } = build;
  const directory = bindingDirectory(packages);
  await fs.rm(path.join(directory, STAMP_FILE), { force: true });
  // A set-up that was killed leaves temporary files behind.
  await removeLeftovers(directory);
  const facts: Pick<Stamp, 'files' | 'hashes' | 'times'> = { files: {}, hashes: {}, times: {} };
  const add = async (name: string, file: string): Promise<void> => {
    const stats = await fs.stat(file);
    facts.files[name] = stats.size;
    facts.hashes[name] = await sha256OfFile(file);
    if (path.isAbsolute(name)) facts.times[name] = secondsOf(stats);
  };
  for (const name of addonFiles(mpi)) {
    const source = path.join(addon, name);
    await replaceFile(path.join(directory, name), (draft) => fs.copyFile(source, draft));
    await add(name, source);
  }
  const tensorflow = LIBRARY_FILES.map((name) => path.join(build.libraries, name));
  const cuda = build.device === 'gpu' ? cudaLibraries(build.libraries) : [];
  for (const library of [...tensorflow, ...cuda]) await add(library, library);
  const versions = { tfjs: packages.tfjsVersion, tensorflow: TENSORFLOW_VERSION, sources: sourcesHash() };
  const stamp: Stamp = { ...kind, mpi: mpi?.version ?? null, ...versions, ...facts };
  await writeJson(path.join(directory, STAMP_FILE), stamp);
  return stamp;
}
