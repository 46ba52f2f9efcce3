import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import { backend, getBackend, ready } from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../errors.js';
import { useKernels } from './kernels.js';
import { nativeKernels, type TensorflowBackend } from './native-kernels.js';

/** What computes, as `loadEngine` found it. */
export interface EngineInfo {
  /** The name of the tfjs backend. */
  backend: string;
  device: 'cpu' | 'gpu';
  tensorflowVersion: string;
  tfjsVersion: string;
  /** Threads that one operation may use. */
  threads: number;
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
}

/**
 * Loads TensorFlow and makes it the backend of `@tensorflow/tfjs-core`, from where all other code takes its operations.
 * Further calls return the same engine; its options are those of the first. Whatever TensorFlow reads from the
 * environment has to be set before.
 * @throws InputError where `gnr setup` has not run or its library has gone.
 */
export function loadEngine({ arithmetic }: EngineOptions = {}): Promise<EngineInfo> {
  // oneDNN reads it when it first computes; a value of the user's own stays.
  if (loading === undefined && arithmetic === 'bfloat16') process.env.ONEDNN_DEFAULT_FPMATH_MODE ??= 'BF16';
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<EngineInfo> {
  supplyRemovedUtilities();
  const addon = addonFile();
  quieten(addon);
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
  return {
    backend: getBackend(),
    device: node.isUsingGpuDevice === true ? 'gpu' : 'cpu',
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
  return path.join(path.dirname(manifest), 'lib', 'napi-v8', 'tfjs_binding.node');
}

/** Keeps TensorFlow's banner off standard error, unless the user has set TF_CPP_MIN_LOG_LEVEL. */
function quieten(addon: string): void {
  if (process.env.TF_CPP_MIN_LOG_LEVEL !== undefined) return;
  process.env.TF_CPP_MIN_LOG_LEVEL = '2';
  try {
    // Loads libtensorflow with standard error closed off; see libtensorflow/addon.ts.
    process.dlopen({ exports: {} }, path.join(path.dirname(addon), 'gnr_quiet.node'));
  } catch {
    // Then the banner shows, and nothing else is lost.
  }
}

/** TensorFlow takes as many threads as it may use processors, unless told. */
function threadCount(): number {
  const told = Number(process.env.TF_NUM_INTRAOP_THREADS);
  return Number.isInteger(told) && told > 0 ? told : os.availableParallelism();
}
