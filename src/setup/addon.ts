// Builds the addon that connects tfjs with TensorFlow's library, and the project's own addons.
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError, RunError } from '../base/errors.js';
import { sha256 } from '../base/hash.js';
import { lastLines, runProgram } from '../base/run-program.js';
import { LIBRARY_FILES, type LibraryPlace } from './library.js';
import type { Mpi } from './mpi.js';
import { PRELOAD_FILE } from './preload.js';
import { type Architecture, type Device, TENSORFLOW_VERSION } from './wheels.js';

/** The version of Node's C interface that the addons need; every Node since 12 has it. */
const NAPI_VERSION = 8;
export const ADDON_FILE = 'tfjs_binding.node';
export const SESSION_FILE = 'gnr_session.node';
/** The operation GnrAllReduce; runs of one process do not load it. */
export const ALL_REDUCE_FILE = 'gnr_all_reduce.node';
/** Exists only if MPI was found; runs of one process do not load it. */
export const MPI_FILE = 'gnr_mpi.node';

/** The folder with the sources of the project's own addons, in a checkout and in the published package. */
export const SOURCES = fileURLToPath(new URL('../../native/', import.meta.url));

interface ProjectAddon {
  file: string;
  source: string;
  /** The library that it is linked to. One that is not linked to TensorFlow can be loaded before TensorFlow. */
  linked: 'tensorflow' | 'mpi' | undefined;
}

const PROJECT_ADDONS: readonly ProjectAddon[] = [
  { file: PRELOAD_FILE, source: 'preload.cc', linked: undefined },
  { file: SESSION_FILE, source: 'session.cc', linked: 'tensorflow' },
  { file: ALL_REDUCE_FILE, source: 'all-reduce.cc', linked: 'tensorflow' },
  { file: MPI_FILE, source: 'mpi.cc', linked: 'mpi' },
];
const HEADERS = ['collectives.h'];

/** The project's own addons that are built with or without MPI. */
function projectAddons(mpi: Mpi | undefined): readonly ProjectAddon[] {
  return PROJECT_ADDONS.filter(({ linked }) => linked !== 'mpi' || mpi !== undefined);
}

/** The files to install, tfjs's addon first. @param mpi the MPI that was found, if any. */
export function addonFiles(mpi: Mpi | undefined): string[] {
  return [ADDON_FILE, ...projectAddons(mpi).map(({ file }) => file)];
}

/** Hash of the sources of the project's own addons. */
export function sourcesHash(): string {
  const names = [...PROJECT_ADDONS.map(({ source }) => source), ...HEADERS];
  return sha256(JSON.stringify(names.map((name) => readFileSync(path.join(SOURCES, name), 'utf8'))));
}

/** The npm packages that the addon is built from. */
export interface Packages {
  /** Folder of @tensorflow/tfjs-node-gpu. */
  tfjs: string;
  tfjsVersion: string;
  /** Folder of node-api-headers. */
  headers: string;
}

export interface AddonOptions {
  cache: string;
  place: LibraryPlace;
  packages: Packages;
  device: Device;
  architecture: Architecture;
  /** The MPI to build for; undefined without. */
  mpi: Mpi | undefined;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

/** Folder of the addons in the cache. Its name depends on everything that their content depends on. */
export function addonDirectory(options: Omit<AddonOptions, 'env' | 'signal'>): string {
  const { cache, place, packages, device, architecture, mpi } = options;
  const buildHash = sha256(JSON.stringify([place.libraries, sourcesHash(), mpi]));
  const versions = [`tfjs-${packages.tfjsVersion}`, `tensorflow-${TENSORFLOW_VERSION}`, device, architecture];
  return path.join(cache, 'addons', [...versions, `napi${NAPI_VERSION}`, buildHash.slice(0, 12)].join('-'));
}

/** Whether a folder of the cache has all built addons. */
export async function addonIsBuilt(directory: string, mpi: Mpi | undefined): Promise<boolean> {
  const files = addonFiles(mpi).map((name) => path.join(directory, name));
  const exists = await Promise.all(
    files.map((file) =>
      fs.access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return exists.every(Boolean);
}

/**
 * Finds the C++ compiler to call: `CXX` (which may contain options), else the first of c++, g++ and clang++ on PATH.
 * @throws InputError if there is none.
 */
export async function findCompiler(env: NodeJS.ProcessEnv): Promise<string[]> {
  const named = env.CXX?.trim();
  const candidates = named ? [named.split(/\s+/)] : [['c++'], ['g++'], ['clang++']];
  for (const [program, ...args] of candidates) {
    if (program && (await runProgram(program, [...args, '--version'], { env })).code === 0) {
      return [program, ...args];
    }
  }
  throw new InputError({
    expected: 'a C++ compiler, which builds the TensorFlow addon for Node',
    found: named ? `CXX=${named}, which does not run` : 'none of c++, g++ and clang++ on PATH',
    remedy: named ? 'correct or unset CXX' : 'install one (apt install g++)',
  });
}

/**
 * Compiles empty libraries with the names of TensorFlow's. An addon that is linked to them asks the loader for TensorFlow's,
 * as one that is linked to those does, but the linker need not read the whole table of their symbols (850 MB or more).
 */
async function buildStubs(compiler: readonly string[], folder: string, options: AddonOptions): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  const source = path.join(folder, 'empty.cc');
  await fs.writeFile(source, '');
  for (const name of LIBRARY_FILES) {
    const args = [
      '-shared',
      '-fPIC',
      '-nostdlib',
      `-Wl,-soname,${name}`,
      source,
      '-o',
      path.join(folder, name),
    ];
    await compile(compiler, args, options);
  }
}

interface Linking {
  sources: readonly string[];
  output: string;
  linked: ProjectAddon['linked'];
}

function linkerArguments(linked: ProjectAddon['linked'], stubs: string, { mpi }: AddonOptions): string[] {
  const libraries = LIBRARY_FILES.map((name) => `-l:${name}`);
  switch (linked) {
    case 'tensorflow':
      // Some compilers drop libraries of which they see no symbol used. With `now` the loader, and so the check that follows,
      // refuses an addon with a symbol that TensorFlow lacks.
      return [`-L${stubs}`, '-Wl,--no-as-needed', ...libraries, '-Wl,-z,now'];
    case 'mpi':
      return mpi!.linkerArguments;
    case undefined:
      return [];
  }
}

/** @param stubs the folder of libraries with the names of TensorFlow's. */
function compilerArguments(
  options: AddonOptions,
  stubs: string,
  { sources, output, linked }: Linking,
): string[] {
  const { place, packages, mpi } = options;
  return [
    ...['-O2', '-std=c++17', '-fPIC', '-shared', `-DNAPI_VERSION=${NAPI_VERSION}`],
    ...[`-I${place.include}`, `-I${path.join(packages.headers, 'include')}`, `-I${packages.tfjs}`],
    ...(linked === 'mpi' ? mpi!.compilerArguments : []),
    ...[...sources, '-o', output],
    ...linkerArguments(linked, stubs, options),
    // -Wl, would split a path at its commas.
    ...['-ldl', '-Xlinker', '-rpath', '-Xlinker', place.libraries],
  ];
}

async function compile(
  compiler: readonly string[],
  args: readonly string[],
  options: AddonOptions,
): Promise<void> {
  const [program = '', ...rest] = compiler;
  const { env, signal } = options;
  const finished = await runProgram(program, [...rest, ...args], { env, signal });
  if (finished.code === 0) return;
  throw new RunError(
    `Compiling the TensorFlow addon with ${program} failed: ${lastLines(finished.stderr)}. ` +
      'It needs a C++17 compiler with its standard library (apt install g++); set CXX to use another one.',
  );
}

/**
 * Compiles the addons into their folder of the cache. The caller holds the cache's lock.
 * @throws InputError without a compiler, RunError if compiling fails.
 */
export async function buildAddon(directory: string, options: AddonOptions): Promise<void> {
  const { packages, place } = options;
  if (place.libraries.includes(':'))
    throw new InputError({
      expected: 'a cache folder without a colon in its path, at which the loader would split it',
      found: place.libraries,
      remedy: 'set GNR_CACHE_DIR to another folder',
    });
  const compiler = await findCompiler(options.env);
  const partial = `${directory}.partial`;
  const stubs = `${directory}.stubs`;
  const evenIfMissing = { recursive: true, force: true } as const;
  await Promise.all([fs.rm(partial, evenIfMissing), fs.rm(stubs, evenIfMissing)]);
  await fs.mkdir(partial, { recursive: true });
  try {
    await buildStubs(compiler, stubs, options);
    const build = (file: string, sources: string[], linked: ProjectAddon['linked']) => {
      const linking = { sources, output: path.join(partial, file), linked };
      return compile(compiler, compilerArguments(options, stubs, linking), options);
    };
    const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((n) => path.join(packages.tfjs, 'binding', n));
    await build(ADDON_FILE, sources, 'tensorflow');
    for (const { file, source, linked } of projectAddons(options.mpi)) {
      await build(file, [path.join(SOURCES, source)], linked);
    }
    // Before the addons have their name: the next set-up looks for stubs only if it builds.
    await fs.rm(stubs, evenIfMissing);
    await fs.rm(directory, { recursive: true, force: true });
    await fs.rename(partial, directory);
  } finally {
    await Promise.all([fs.rm(partial, evenIfMissing), fs.rm(stubs, evenIfMissing)]);
  }
}
