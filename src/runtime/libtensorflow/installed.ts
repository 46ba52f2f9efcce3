import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { InputError } from '../../errors.js';
import { ADDON_FILES, type Packages } from './addon.js';
import { LIBRARY_FILES } from './library.js';
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
  /** Sizes by absolute path or by name beside the stamp, bytes. */
  files: Record<string, number>;
}

/** The folder inside the npm package where its JavaScript looks for the addon. */
export function bindingDirectory(packages: Packages): string {
  return path.join(packages.tfjs, 'lib', 'napi-v8');
}

/** @throws InputError where the npm packages are not installed. */
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

/** What the installed addon computes on, as its record says; undefined where there is none. */
export async function installedDevice(directory: string): Promise<Device | undefined> {
  return (await readStamp(directory))?.device;
}

async function readStamp(directory: string): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await fs.readFile(path.join(directory, STAMP_FILE), 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}

/** The record of the installed addon, where it was made for these packages and every file it needs is in place. */
export async function installedStamp(packages: Packages): Promise<Stamp | undefined> {
  const directory = bindingDirectory(packages);
  const stamp = await readStamp(directory);
  if (stamp?.tfjs !== packages.tfjsVersion || stamp.tensorflow !== TENSORFLOW_VERSION) return undefined;
  if (stamp.architecture !== process.arch || typeof stamp.files !== 'object') return undefined;
  if (!ADDON_FILES.every((name) => name in stamp.files)) return undefined;
  for (const [file, bytes] of Object.entries(stamp.files)) {
    const size = await fs.stat(path.resolve(directory, file)).then(
      (stat) => stat.size,
      () => undefined,
    );
    if (size !== bytes) return undefined;
  }
  return stamp;
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

/** Copies a built and checked addon into the npm package, each file by renaming, the record last. */
export async function installAddon(
  addon: string,
  packages: Packages,
  made: Omit<Stamp, 'files' | 'tfjs' | 'tensorflow'>,
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
  for (const name of LIBRARY_FILES) {
    const library = path.join(made.libraries, name);
    files[library] = (await fs.stat(library)).size;
  }
  const stamp: Stamp = { ...made, tfjs: packages.tfjsVersion, tensorflow: TENSORFLOW_VERSION, files };
  const text = `${JSON.stringify(stamp, null, 2)}\n`;
  await replaceFile(path.join(directory, STAMP_FILE), (draft) => fs.writeFile(draft, text));
  return stamp;
}
