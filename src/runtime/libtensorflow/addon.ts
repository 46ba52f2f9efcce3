import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { InputError, RunError } from '../../errors.js';
import type { LibraryPlace } from './library.js';
import { type Finished, lastLines, runProgram } from './processes.js';
import { type Architecture, type Device, TENSORFLOW_VERSION } from './wheels.js';

/** The version of Node's C interface that the addon asks for; every Node since 12 has it. */
const NAPI_VERSION = 8;
export const ADDON_FILE = 'tfjs_binding.node';
export const LOADER_FILE = 'gnr_quiet.node';
export const MEMORY_FILE = 'gnr_memory.node';
/** What is installed, the addon first. */
export const ADDON_FILES = [ADDON_FILE, LOADER_FILE, MEMORY_FILE];

/**
 * A second, tiny addon that only loads TensorFlow while standard error is closed off. TensorFlow logs to it from its
 * static initializers, before it reads TF_CPP_MIN_LOG_LEVEL, and nothing in its environment stops that.
 */
const LOADER_SOURCE = `#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
#include <node_api.h>
NAPI_MODULE_INIT() {
  int saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
  int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (saved >= 0 && sink >= 0) dup2(sink, 2);
  dlopen("libtensorflow_cc.so.2", RTLD_LAZY | RTLD_LOCAL);
  if (saved >= 0) { dup2(saved, 2); close(saved); }
  if (sink >= 0) close(sink);
  return exports;
}
`;

/**
 * A third one, whose `trim` gives memory that was freed back to the system. The C library keeps it in as many arenas as
 * there are threads, between blocks in use, and a training that writes pictures and checkpoints would grow by that.
 */
const MEMORY_SOURCE = `#include <node_api.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
static napi_value Trim(napi_env, napi_callback_info) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return nullptr;
}
NAPI_MODULE_INIT() {
  napi_value trim;
  if (napi_create_function(env, "trim", NAPI_AUTO_LENGTH, Trim, nullptr, &trim) == napi_ok)
    napi_set_named_property(env, exports, "trim", trim);
  return exports;
}
`;

/** Addons of our own; linked to nothing: loading TensorFlow has to wait until the loader's code runs. */
const OWN_SOURCES = { [LOADER_FILE]: LOADER_SOURCE, [MEMORY_FILE]: MEMORY_SOURCE };

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
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

/** Folder of the cached addon; its name depends on everything that the addon's content depends on. */
export function addonDirectory(options: Omit<AddonOptions, 'env' | 'signal'>): string {
  const { cache, place, packages, device, architecture } = options;
  const rest = createHash('sha256')
    .update(JSON.stringify([place.libraries, OWN_SOURCES]))
    .digest('hex');
  const parts = [`tfjs-${packages.tfjsVersion}`, `tensorflow-${TENSORFLOW_VERSION}`, device, architecture];
  return path.join(cache, 'addons', [...parts, `napi${NAPI_VERSION}`, rest.slice(0, 12)].join('-'));
}

/** Whether a folder of the cache holds a built addon. */
export async function addonIsBuilt(directory: string): Promise<boolean> {
  const files = ADDON_FILES.map((name) => path.join(directory, name));
  const found = await Promise.all(
    files.map((file) =>
      fs.access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}

/**
 * The C++ compiler to call: `CXX` (which may hold options), else the first of c++, g++ and clang++ on PATH.
 * @throws InputError where there is none.
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
    expected: 'a C++ compiler (it builds the TensorFlow addon for Node)',
    found: named ? `CXX=${named}, which does not run` : 'none of c++, g++ and clang++ on PATH',
    remedy: named ? 'correct or unset CXX' : 'install one (apt install g++)',
  });
}

function compilerArguments(options: AddonOptions, sources: string[], output: string): string[] {
  const { place, packages } = options;
  return [
    ...['-O2', '-std=c++17', '-fPIC', '-shared', `-DNAPI_VERSION=${NAPI_VERSION}`],
    ...[`-I${place.include}`, `-I${path.join(packages.headers, 'include')}`, `-I${packages.tfjs}`],
    ...[...sources, '-o', output],
    ...[`-L${place.libraries}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', '-ldl'],
    `-Wl,-rpath,${place.libraries}`,
  ];
}

async function compile(compiler: string[], args: string[], options: AddonOptions): Promise<void> {
  const [program = '', ...rest] = compiler;
  const { env, signal } = options;
  const finished = await runProgram(program, [...rest, ...args], { env, signal });
  if (finished.code === 0) return;
  throw new RunError(
    `Compiling the TensorFlow addon with ${program} failed: ${lastLines(finished.stderr)}. ` +
      'A compiler of C++17 with its standard library is needed (apt install g++); CXX names another one.',
  );
}

/**
 * Compiles the addon from the sources in the npm package into its folder of the cache. The caller holds the cache's lock.
 * @throws InputError without a compiler, RunError where compiling fails.
 */
export async function buildAddon(directory: string, options: AddonOptions): Promise<void> {
  const { packages } = options;
  const compiler = await findCompiler(options.env);
  const partial = `${directory}.partial`;
  await fs.rm(partial, { recursive: true, force: true });
  await fs.mkdir(partial, { recursive: true });
  try {
    const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((n) => path.join(packages.tfjs, 'binding', n));
    await compile(compiler, compilerArguments(options, sources, path.join(partial, ADDON_FILE)), options);
    for (const [name, text] of Object.entries(OWN_SOURCES)) {
      const source = path.join(partial, `${path.parse(name).name}.cc`);
      await fs.writeFile(source, text);
      const args = compilerArguments(options, [source], path.join(partial, name));
      await compile(
        compiler,
        args.filter((argument) => !argument.startsWith('-l:')),
        options,
      );
    }
    await fs.rm(directory, { recursive: true, force: true });
    await fs.rename(partial, directory);
  } finally {
    await fs.rm(partial, { recursive: true, force: true });
  }
}

/** Loads the engine with a given addon file and multiplies two matrices; prints what it found as JSON. */
const CHECK_SCRIPT = `
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const { createRequire } = require('node:module');
const [packageDirectory, addon] = process.argv.slice(1);
const ofPackage = createRequire(packageDirectory + '/package.json');
// tfjs asks this module where its addon is.
const locator = ofPackage.resolve('@mapbox/node-pre-gyp');
ofPackage.cache[locator] = { id: locator, filename: locator, loaded: true, exports: { find: () => addon } };
const tf = ofPackage(packageDirectory);
const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])).dataSync();
const backend = tf.backend();
console.log(JSON.stringify({ backend: tf.getBackend(), product: [...product],
  gpu: backend.isUsingGpuDevice === true, tensorflow: backend.binding.TF_Version }));
`;

function describeEnd(code: Finished['code']): string {
  if (code === null) return 'its process was ended by a signal; TensorFlow needs a processor with AVX';
  return `exit code ${code}`;
}

export interface AddonCheck {
  tensorflow: string;
  /** Whether TensorFlow computes on a GPU. */
  gpu: boolean;
}

/**
 * Loads an addon in a process of its own and computes with it.
 * @throws RunError with the loader's own words where it does not load or computes wrongly.
 */
export async function checkAddon(directory: string, options: AddonOptions): Promise<AddonCheck> {
  const { packages, signal } = options;
  const addon = path.join(directory, ADDON_FILE);
  const env = { ...options.env, NODE_OPTIONS: '' };
  const args = ['-e', CHECK_SCRIPT, packages.tfjs, addon];
  const { code, stdout, stderr } = await runProgram(process.execPath, args, { env, signal });
  const line = lastLines(stdout, 1);
  if (code !== 0 || !line.startsWith('{')) {
    const reason = /Error: (.*)/.exec(stderr)?.[1] ?? (lastLines(stderr, 1) || describeEnd(code));
    throw new RunError(`The TensorFlow addon does not load: ${reason}.`);
  }
  const found = JSON.parse(line) as AddonCheck & { backend: string; product: number[] };
  if (found.backend !== 'tensorflow' || found.product.join() !== '19,22,43,50') {
    throw new RunError(`The TensorFlow addon computes wrongly: ${line}.`);
  }
  return { tensorflow: found.tensorflow, gpu: found.gpu };
}
