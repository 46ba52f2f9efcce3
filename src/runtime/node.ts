import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import { backend, getBackend, ready } from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../errors.js';
import { useTrim } from './garbage.js';
import { fallbackReason, type GpuBuild, prepareGpuBuild } from './gpu-build.js';
import { useKernels } from './kernels.js';
import { ADDON_FILE } from './libtensorflow/addon.js';
import { readStamp } from './libtensorflow/installed.js';
import { LIBRARY_FILES } from './libtensorflow/library.js';
import { type NativeLoader, openLoader } from './libtensorflow/preload.js';
import { nativeKernels, type TensorflowBackend } from './native-kernels.js';
import { notify } from './notices.js';

/** What computes, as `loadEngine` found it. */
export interface EngineInfo {
  /** The name of the tfjs backend. */
  backend: string;
  device: 'cpu' | 'gpu';
  tensorflowVersion: string;
  tfjsVersion: string;
  /** Threads that compute. */
  threads: number;
  /** Why the device is the processor although the GPU build is installed, with the remedy; absent otherwise. */
  fallback?: string;
}

/** The parts of the backend of tfjs-node that its types do not show. */
interface NodeBackend {
  isUsingGpuDevice?: boolean;
  binding: { TF_Version: string };
}

let loading: Promise<EngineInfo> | undefined;

export interface EngineOptions {
  /** `bfloat16` lets convolutions and products multiply in bfloat16 where the processor has it. */
  arithmetic?: 'float32' | 'bfloat16';
  /** What the processors are to be shared out for; `translation` where left out. */
  work?: 'training' | 'translation';
}

/**
 * Loads TensorFlow and makes it the backend of `@tensorflow/tfjs-core`, from where all other code takes its operations.
 * Further calls return the same engine; its options are those of the first. Whatever TensorFlow reads from the
 * environment has to be set before.
 * @throws InputError where `gnr setup` has not run or its library has gone.
 */
export function loadEngine({ arithmetic, work }: EngineOptions = {}): Promise<EngineInfo> {
  // oneDNN reads it when it first computes; a value of the user's own stays.
  if (loading === undefined && arithmetic === 'bfloat16') process.env.ONEDNN_DEFAULT_FPMATH_MODE ??= 'BF16';
  loading ??= load(work === 'training').catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(isTraining: boolean): Promise<EngineInfo> {
  supplyRemovedUtilities();
  const addon = addonFile();
  const stamp = await readStamp(path.dirname(addon));
  const loader = openLoader(path.dirname(addon));
  const { device: build, libraries } = stamp ?? {};
  const gpuBuild = build === 'gpu' && libraries ? await prepareGpuBuild(libraries, loader) : undefined;
  if (isTraining && !gpuBuild?.hasDriver) shareProcessors();
  silenceStartupLog(loader, libraries);
  if (typeof loader !== 'string') useTrim(() => loader.trim());
  let tfjsVersion: string;
  try {
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
  const fallback = await noticeFallback(device, gpuBuild);
  return {
    backend: getBackend(),
    device,
    ...(fallback !== undefined && { fallback }),
    tensorflowVersion: node.binding.TF_Version,
    tfjsVersion,
    threads: threadCount(),
  };
}

function firstLine(error: unknown): string {
  return messageOf(error).trim().split('\n', 1)[0]!;
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function supplyRemovedUtilities(): void {
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

/**
 * Threads for a training step: it has two directions that hardly wait for each other, and operations side by side, each
 * on half of the processors, lose less than one operation on all of them (measured in bench/README.md).
 */
export function processorShares(processors: number): { perOperation: number; operations: number } {
  const perOperation = Math.max(1, Math.floor(processors / 2));
  return { perOperation, operations: Math.ceil(processors / perOperation) };
}

/** Settings of the user's stay. */
function shareProcessors(): void {
  const { env } = process;
  if (env.TF_NUM_INTRAOP_THREADS !== undefined || env.TF_NUM_INTEROP_THREADS !== undefined) return;
  const { perOperation, operations } = processorShares(os.availableParallelism());
  env.TF_NUM_INTRAOP_THREADS = String(perOperation);
  env.TF_NUM_INTEROP_THREADS = String(operations);
}

/** TensorFlow takes as many threads as it may use processors, for one operation or several, unless told. */
function threadCount(): number {
  const { TF_NUM_INTRAOP_THREADS: perOperation, TF_NUM_INTEROP_THREADS: operations } = process.env;
  const told = Number(perOperation) * Number(operations ?? 1);
  return Number.isInteger(told) && told > 0 ? told : os.availableParallelism();
}
