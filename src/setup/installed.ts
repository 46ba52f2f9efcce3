// Installs addons in the npm package, with a record of them.
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { InputError } from '../base/errors.js';
import { ADDON_FILES, type Packages, sourcesHash } from './addon.js';
import { LIBRARY_FILES } from './library.js';
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
  /** Hash of the sources of the project's own addons. */
  sources: string;
  /** Sizes of files by absolute path, or by name for files beside the stamp, bytes. */
  files: Record<string, number>;
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

/** The record of the installed addons if they are for these packages and all their files exist; undefined otherwise. */
export async function installedStamp(packages: Packages): Promise<Stamp | undefined> {
  const directory = bindingDirectory(packages);
  const stamp = await readStamp(directory);
  if (stamp?.tfjs !== packages.tfjsVersion || stamp.tensorflow !== TENSORFLOW_VERSION) return undefined;
  if (stamp.architecture !== process.arch || typeof stamp.files !== 'object') return undefined;
  if (stamp.sources !== sourcesHash()) return undefined;
  for (const [file, bytes] of Object.entries(stamp.files)) {
    const size = await fs.stat(path.resolve(directory, file)).then(
      (stat) => stat.size,
      () => undefined,
    );
    if (size !== bytes) return undefined;
  }
  return stamp as Stamp;
}

async function replaceFile(target: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${target}.${process.pid}.partial`;
  try {
    await write(draft);
    await fs.rename(draft, target);
  } finally {
    await fs.rm(draft, { force: true });
  }
}

/** Copies built and checked addons into the npm package, each file by renaming, and writes the record last. */
export async function installAddon(
  addon: string,
  packages: Packages,
  build: Omit<Stamp, 'files' | 'tfjs' | 'tensorflow' | 'sources'>,
): Promise<Stamp> {
  const directory = bindingDirectory(packages);
  await fs.mkdir(directory, { recursive: true });
  await fs.rm(path.join(directory, STAMP_FILE), { force: true });
  const files: Record<string, number> = {};
  for (const name of ADDON_FILES) {
    const source = path.join(addon, name);
    await replaceFile(path.join(directory, name), (draft) => fs.copyFile(source, draft));
    files[name] = (await fs.stat(source)).size;
  }
  const tensorflow = LIBRARY_FILES.map((name) => path.join(build.libraries, name));
  const cuda = build.device === 'gpu' ? cudaLibraries(build.libraries) : [];
  for (const library of [...tensorflow, ...cuda]) {
    files[library] = (await fs.stat(library)).size;
  }
  const versions = { tfjs: packages.tfjsVersion, tensorflow: TENSORFLOW_VERSION, sources: sourcesHash() };
  const stamp: Stamp = { ...build, ...versions, files };
  const text = `${JSON.stringify(stamp, null, 2)}\n`;
  await replaceFile(path.join(directory, STAMP_FILE), (draft) => fs.writeFile(draft, text));
  return stamp;
}
