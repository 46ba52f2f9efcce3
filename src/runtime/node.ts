// Loads TensorFlow into Node and makes it the engine that all else computes on.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import { backend, getBackend, ready } from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../base/errors.js';
import { useTrim } from '../base/malloc-trim.js';
import { notify } from '../base/notices.js';
import { ADDON_FILE, SESSION_FILE } from '../setup/addon.js';
import { fallbackReason, type GpuBuild, prepareGpuBuild } from '../setup/gpu-build.js';
import { type Gpu, surveyGpus } from '../setup/gpus.js';
import { readStamp } from '../setup/installed.js';
import { LIBRARY_FILES } from '../setup/library.js';
import { type NativeLoader, openLoader } from '../setup/preload.js';
import type { Arithmetic } from './capture/recorder.js';
import { engineEnvironment } from './engine-environment.js';
import { preferredGpu } from './gpu-choice.js';
import { useKernels } from './kernels.js';
import { nativeKernels, type TensorflowBackend } from './native-kernels.js';
import { cudnnVersion, devices, type SessionAddon, setTensorFloat32, useSessionAddon } from './session.js';

/** The first compute capability that multiplies in bfloat16 and TensorFloat-32. */
const MIN_ROUNDING_CAPABILITY = 8;

/** What computes, as `loadEngine` found it. */
export interface EngineInfo {
  /** The name of the tfjs backend. */
  backend: string;
  device: 'cpu' | 'gpu';
  tensorflowVersion: string;
  tfjsVersion: string;
  /** Threads that compute. */
  threads: number;
  arithmetic: Arithmetic;
  /** Whether the same inputs give the same bytes on the same machine and versions; processors always do. */
  deterministic: boolean;
  /** The GPU that computes; absent where the processors do. */
  gpu?: GpuInfo;
  /** Why the device is the processor although the GPU build is installed, with the remedy; absent otherwise. */
  fallback?: string;
}

/** The GPU that computes; what its results depend on. */
export interface GpuInfo {
  name: string;
  /** Such as 9.0. */
  computeCapability: number;
  /** Version of the driver; undefined where it does not tell. */
  driver: string | undefined;
  cudnn: string | undefined;
}

export interface EngineOptions {
  /** `bfloat16` lets convolutions and products multiply in bfloat16, `tf32` in TensorFloat-32; `float32` by default. */
  arithmetic?: Arithmetic;
  /** What the processors are to be shared out for; `translation` by default. */
  work?: 'training' | 'translation';
  /** Whether a GPU takes algorithms that give the same bytes each time; true by default. */
  deterministic?: boolean;
  /** Index of the GPU to use, as `nvidia-smi` counts; the one with most free memory by default. */
  gpu?: number | undefined;
  /** GPU memory that TensorFlow may take at most, bytes; as needed by default. */
  gpuMemory?: number | null;
}

/** The parts of the backend of tfjs-node that its types do not show. */
interface NodeBackend {
  isUsingGpuDevice?: boolean;
  binding: { TF_Version: string };
}

let loading: Promise<EngineInfo> | undefined;

/**
 * Loads TensorFlow and makes it the backend of `@tensorflow/tfjs-core`, from where all other code takes its operations.
 * Further calls return the same engine; its options are those of the first. Whatever TensorFlow reads from the
 * environment has to be set before.
 * @throws InputError where `gnr setup` has not run or its library has gone, where there is no GPU of the index, or where
 *   the device has not the arithmetic.
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
  } = options;
  polyfillUtil();
  const addon = addonFile();
  const stamp = await readStamp(path.dirname(addon));
  const loader = openLoader(path.dirname(addon));
  const { device: build = 'cpu', libraries } = stamp ?? {};
  const gpuBuild = build === 'gpu' && libraries ? await prepareGpuBuild(libraries, loader) : undefined;
  const hasDriver = gpuBuild?.hasDriver === true;
  const gpus = hasDriver ? (await surveyGpus()).gpus : [];
  const processors = os.availableParallelism();
  const environment = engineEnvironment(
    { build, work, arithmetic, deterministic, gpu, gpus, hasDriver, processors },
    process.env,
  );
  const chosen = gpus.find(({ index }) => String(index) === environment.CUDA_VISIBLE_DEVICES) ?? gpus[0];
  checkMemory(gpuMemory, chosen);
  Object.assign(process.env, environment);
  silenceStartupLog(loader, libraries);
  if (typeof loader !== 'string') useTrim(() => loader.trim());
  let tfjsVersion: string;
  try {
    const session: { exports: Partial<SessionAddon> } = { exports: {} };
    process.dlopen(session, path.join(path.dirname(addon), SESSION_FILE));
    // Before tfjs creates devices, which keep the memory limit that they were first made with.
    useSessionAddon(
      session.exports as SessionAddon,
      gpuMemory ? gpuMemory / chosen!.memoryBytes! : undefined,
    );
    const engine = await import('@tensorflow/tfjs-node-gpu');
    tfjsVersion = engine.version.tfjs;
    await ready();
  } catch (error) {
    throw new InputError(
      {
        expected: `the TensorFlow addon at ${addon}`,
        found: existsSync(addon) ? `one that does not load (${firstLine(error)})` : 'none',
        remedy: 'run npx gnr setup',
      },
      { cause: error },
    );
  }
  useKernels(nativeKernels(backend() as unknown as TensorflowBackend));
  const node = backend() as unknown as NodeBackend;
  const device = node.isUsingGpuDevice === true ? 'gpu' : 'cpu';
  const found = device === 'gpu' ? gpuInfo(chosen) : undefined;
  const fallback = await noticeFallback(device, gpuBuild);
  checkArithmetic(arithmetic, found);
  setTensorFloat32(arithmetic === 'tf32');
  return {
    backend: getBackend(),
    device,
    ...(fallback !== undefined && { fallback }),
    tensorflowVersion: node.binding.TF_Version,
    tfjsVersion,
    threads: threadCount(),
    arithmetic,
    deterministic: found === undefined || process.env.TF_DETERMINISTIC_OPS === '1',
    ...(found && { gpu: found }),
  };
}
function firstLine(error: unknown): string {
  return messageOf(error).trim().split('\n', 1)[0]!;
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function polyfillUtil(): void {
  const utilities = util as typeof util & { isNullOrUndefined?: (value: unknown) => boolean };
  utilities.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

function addonFile(): string {
  const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json');
  return path.join(path.dirname(manifest), 'lib', 'napi-v8', ADDON_FILE);
}

/** Tells why the GPU build computes on the processor; undefined where it does not, or is not installed. */
async function noticeFallback(
  device: EngineInfo['device'],
  build: GpuBuild | undefined,
): Promise<string | undefined> {
  if (device === 'gpu' || build === undefined) return undefined;
  const reason = await fallbackReason(build);
  notify(`warning: the GPU build of TensorFlow computes on the processor: ${reason}.`);
  return reason;
}

/** Keeps TensorFlow's banner off standard error, unless the user has set TF_CPP_MIN_LOG_LEVEL. */
function silenceStartupLog(loader: NativeLoader | string, libraries: string | undefined): void {
  if (process.env.TF_CPP_MIN_LOG_LEVEL !== undefined) return;
  process.env.TF_CPP_MIN_LOG_LEVEL = '2';
  // Without the loader the banner shows, and a library that does not load is for the import of the addon to tell.
  if (typeof loader !== 'string' && libraries) loader.loadQuietly(path.join(libraries, LIBRARY_FILES[0]));
}

/** What TensorFlow and the driver say of the GPU that computes. */
function gpuInfo(gpu: Gpu | undefined): GpuInfo {
  const description = devices().find(({ type }) => type === 'GPU')?.description ?? '';
  return {
    name: /name: ([^,]+)/.exec(description)?.[1] ?? gpu?.name ?? 'unknown',
    computeCapability: Number(
      /compute capability: ([\d.]+)/.exec(description)?.[1] ?? gpu?.computeCapability ?? 0,
    ),
    driver: gpu?.driver,
    cudnn: cudnnVersion(),
  };
}

function checkMemory(gpuMemory: number | null | undefined, gpu: Gpu | undefined): void {
  const size = gpu?.memoryBytes;
  if (gpuMemory == null || (size && gpuMemory <= size)) return;
  throw new InputError({
    expected: 'runtime.gpuMemory to be part of the memory of a GPU',
    found: size ? `${gpuMemory} bytes of ${size}` : 'no GPU whose size the driver tells',
    remedy: size ? 'lower it' : 'set it to null',
  });
}

function checkArithmetic(arithmetic: Arithmetic, gpu: GpuInfo | undefined): void {
  const remedy = 'set runtime.arithmetic=float32';
  if (arithmetic === 'tf32' && gpu === undefined)
    throw new InputError({
      expected: 'an NVIDIA GPU for runtime.arithmetic=tf32',
      found: 'a processor, which has no TensorFloat-32',
      remedy,
    });
  if (arithmetic !== 'float32' && gpu !== undefined && gpu.computeCapability < MIN_ROUNDING_CAPABILITY)
    throw new InputError({
      expected: `a GPU of compute capability ${MIN_ROUNDING_CAPABILITY}.0 or more for runtime.arithmetic=${arithmetic}`,
      found: `${gpu.name} of ${gpu.computeCapability.toFixed(1)}`,
      remedy,
    });
}

/** TensorFlow takes as many threads as it may use processors, for one operation or several, unless told. */
function threadCount(): number {
  const { TF_NUM_INTRAOP_THREADS: perOperation, TF_NUM_INTEROP_THREADS: operations } = process.env;
  const told = Number(perOperation) * Number(operations ?? 1);
  return Number.isInteger(told) && told > 0 ? told : os.availableParallelism();
}
