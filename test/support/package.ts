// Packs and installs the npm package.
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Parts of the package beside dist, without the page of `gnr serve`. */
const PARTS = [
  'package.json',
  'README.md',
  'LICENSE',
  'bin',
  'configs',
  'examples/photos',
  'models',
  'native',
  'typedoc.json',
  'src/index.ts',
];

/** The published package.json. */
export interface PackedManifest {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  bundleDependencies: string[];
  scripts?: Record<string, string>;
}

/** The package that `npm run package` makes of the working tree. */
export interface Packed {
  /** Path of the tarball. */
  path: string;
  tarball: Buffer;
  manifest: PackedManifest;
  /** Paths in the tarball. */
  files: string[];
  /** The tarball, unpacked. */
  dir: string;
}

/**
 * Builds and packs in `folder`, and does not change dist. Some files that do not belong in a package are there too.
 * @param options.types whether to build types; without them it takes a third of the time.
 */
export async function packPackage(folder: string, { types = true } = {}): Promise<Packed> {
  const stage = join(folder, 'stage');
  for (const part of PARTS) await cp(part, join(stage, part), { recursive: true });
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const words = ['-p', 'tsconfig.build.json', '--outDir', join(stage, 'dist')];
  if (!types) words.push('--noCheck', '--declaration', 'false');
  await run(process.execPath, [compiler, ...words]);
  await run(process.execPath, ['scripts/pack.mjs', stage, folder]);
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  const path = join(folder, `gans-n-roses-${version}.tgz`);
  await run('tar', ['-xzf', path, '-C', folder]);
  const { stdout } = await run('tar', ['-tzf', path]);
  const files = stdout
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));
  const dir = join(folder, 'package');
  const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as PackedManifest;
  return { path, tarball: await readFile(path), manifest, files, dir };
}

/** Creates a project in `dir` that has installed the package and `dependencies`. */
export async function installPackage(
  { dir: packed }: Packed,
  dir: string,
  dependencies: readonly string[],
): Promise<void> {
  await cp(packed, join(dir, 'node_modules', 'gans-n-roses'), { recursive: true });
  for (const name of dependencies) {
    const link = join(dir, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(resolve('node_modules', name), link, 'dir');
  }
}

/** Runs a file in Node as a process of its own. */
export async function runNode(cwd: string, ...words: string[]): Promise<string> {
  // An engine in this process may have set it, which would make TensorFlow log.
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: undefined };
  return (await run(process.execPath, words, { cwd, env })).stdout;
}
