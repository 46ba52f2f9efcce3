// Loads TensorFlow into Node and sets it as the backend of tfjs-core.
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import { getBackend, ready } from '@tensorflow/tfjs-core';
import { enableMallocTrim } from '../base/malloc-trim.js';
import { availableProcessors } from '../base/processors.js';
import { type Collectives, SOLO, type World } from '../distributed/world.js';
import { ADDON_FILE, ALL_REDUCE_FILE, SESSION_FILE } from '../setup/addon.js';
import { prepareGpuBuild } from '../setup/gpu-build.js';
import { type Gpu, surveyGpus } from '../setup/gpus.js';
import { problemOfFiles, readStamp } from '../setup/installed.js';
import { LIBRARY_FILES } from '../setup/library.js';
import { provideEngine } from '../setup/on-demand.js';
import { type NativeLoader, openLoader } from '../setup/preload.js';
import type { Arithmetic } from './capture/recorder.js';
import { eagerExecutor } from './eager-executor.js';
import {
  addonError,
  changedFiles,
  checkArithmetic,
  checkGpuMemory,
  warnOfFallback,
} from './engine-checks.js';
import { engineEnvironment } from './engine-environment.js';
import { type EngineInfo, gpuInfo, threadCount } from './engine-info.js';
import { preferredGpu } from './gpu-choice.js';
import { useKernels } from './kernels.js';
import { nativeKernels } from './native-kernels.js';
import { type SessionAddon, setTensorFloat32, useSessionAddon } from './session.js';
import { tensorflowBackend } from './tensorflow-backend.js';

export type { EngineInfo, GpuInfo } from './engine-info.js';

export interface EngineOptions {
  /** `bfloat16` lets convolutions and products multiply in bfloat16, `tf32` in TensorFloat-32; `float32` by default. */
  arithmetic?: Arithmetic;
  /** The work for which operations share the processors; `translation` by default. */
  work?: 'training' | 'translation';
  /** Whether a GPU uses algorithms that give the same bytes each time; true by default. */
  deterministic?: boolean;
  /** Index of the GPU to use, as `nvidia-smi` counts; by default the one with the most free memory. */
  gpu?: number | undefined;
  /** The most GPU memory that TensorFlow may use, bytes; allocated as needed by default. */
  gpuMemory?: number | null;
  /** The world of this process: its ranks share the machine's processors and GPUs, and `kernels().allReduce` connects them. */
  world?: World;
}

let loading: Promise<EngineInfo> | undefined;

/**
 * Loads TensorFlow and sets it as the backend of `@tensorflow/tfjs-core`, whose operations all other code uses. Further
 * calls return the same engine, with the options of the first. Environment variables for TensorFlow have to be set before.
 * The command line sets a missing engine up first; in other programs that is an error.
 * @throws InputError if `gnr setup` has not run or its library is gone, if there is no GPU with this index, or if the
 *   device does not support the arithmetic.
 */
export function loadEngine(options: EngineOptions = {}): Promise<EngineInfo> {
  loading ??= load(options).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(options: EngineOptions): Promise<EngineInfo> {
  const {
    arithmetic = 'float32',
    work = 'translation',
    deterministic = true,
    gpu = preferredGpu(),
    gpuMemory,
    world = SOLO,
  } = options;
  await provideEngine();
  polyfillUtil();
  const directory = addonDirectory();
  const stamp = await readStamp(directory);
  const problem = stamp && (await problemOfFiles(directory, stamp));
  if (problem !== undefined) throw changedFiles(problem);
  const { device: build = 'cpu', libraries } = stamp ?? {};
  const loader = openLoader(directory);
  const gpuBuild = build === 'gpu' && libraries ? await prepareGpuBuild(libraries, loader) : undefined;
  const hasDriver = gpuBuild?.hasDriver === true;
  const gpus = hasDriver ? (await surveyGpus()).gpus : [];
  const processors = Math.min(availableProcessors(), world.processors ?? Number.POSITIVE_INFINITY);
  const isLimited = processors < os.availableParallelism();
  const environment = engineEnvironment(
    { build, work, arithmetic, deterministic, gpu, gpus, hasDriver, processors, isLimited, world },
    process.env,
  );
  const chosenGpu = gpus.find(({ index }) => String(index) === environment.CUDA_VISIBLE_DEVICES) ?? gpus[0];
  checkGpuMemory(gpuMemory, chosenGpu);
  Object.assign(process.env, environment);
  silenceStartupLog(loader, libraries);
  if (typeof loader !== 'string') enableMallocTrim(() => loader.trim());
  const tfjsVersion = await loadAddons(directory, gpuMemory, chosenGpu);
  connectRanks(directory, world);
  const node = tensorflowBackend('The engine');
  useKernels(nativeKernels(eagerExecutor(node)));
  const device = node.isUsingGpuDevice === true ? 'gpu' : 'cpu';
  const computingGpu = device === 'gpu' ? gpuInfo(chosenGpu) : undefined;
  const fallback = await warnOfFallback(device, gpuBuild);
  checkArithmetic(arithmetic, computingGpu);
  setTensorFloat32(arithmetic === 'tf32');
  return {
    backend: getBackend(),
    device,
    ...(fallback !== undefined && { fallback }),
    tensorflowVersion: node.binding.TF_Version,
    tfjsVersion,
    threads: threadCount(),
    arithmetic,
    deterministic: computingGpu === undefined || process.env.TF_DETERMINISTIC_OPS === '1',
    ...(computingGpu && { gpu: computingGpu }),
  };
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function polyfillUtil(): void {
  const utilities = util as typeof util & { isNullOrUndefined?: (value: unknown) => boolean };
  utilities.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

/** The folder inside the npm package where set-up installs the addons. */
function addonDirectory(): string {
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json');
  return path.join(path.dirname(manifest), 'lib', 'napi-v8');
}

/** Keeps TensorFlow's banner off standard error, unless the user has set TF_CPP_MIN_LOG_LEVEL. */
function silenceStartupLog(loader: NativeLoader | string, libraries: string | undefined): void {
  if (process.env.TF_CPP_MIN_LOG_LEVEL !== undefined) return;
  process.env.TF_CPP_MIN_LOG_LEVEL = '2';
  // Without the loader the banner shows. If the library does not load, importing the addon will report it.
  if (typeof loader !== 'string' && libraries) loader.loadQuietly(path.join(libraries, LIBRARY_FILES[0]));
}

/** Loads the operation that averages over ranks, if there are others. */
function connectRanks(directory: string, { collectives }: World): void {
  if (collectives === undefined) return;
  const addon: { exports: { useCollectives?: (collectives: Collectives) => void } } = { exports: {} };
  process.dlopen(addon, path.join(directory, ALL_REDUCE_FILE));
  addon.exports.useCollectives!(collectives);
}

/** Loads the addon for sessions, then tfjs-node with its own. @returns the version of tfjs. */
async function loadAddons(
  directory: string,
  gpuMemory: number | null | undefined,
  gpu: Gpu | undefined,
): Promise<string> {
  try {
    const session: { exports: Partial<SessionAddon> } = { exports: {} };
    process.dlopen(session, path.join(directory, SESSION_FILE));
    // Before tfjs creates devices, which keep the memory limit that they were first created with.
    useSessionAddon(session.exports as SessionAddon, gpuMemory ? gpuMemory / gpu!.memoryBytes! : undefined);
    const tfjs = await import('@tensorflow/tfjs-node-gpu');
    await ready();
    return tfjs.version.tfjs;
  } catch (error) {
    throw addonError(path.join(directory, ADDON_FILE), error);
  }
}
