// Errors and warnings of loading the engine.
import { existsSync } from 'node:fs';
import { InputError, messageOf } from '../base/errors.js';
import { notify } from '../base/notices.js';
import { fallbackReason, type GpuBuild } from '../setup/gpu-build.js';
import type { Gpu } from '../setup/gpus.js';
import type { Arithmetic } from './capture/recorder.js';
import type { EngineInfo, GpuInfo } from './engine-info.js';

/** The lowest compute capability that multiplies in bfloat16 and TensorFloat-32. */
const MIN_ROUNDING_CAPABILITY = 8;

/** @throws InputError if `runtime.gpuMemory` is set and is not part of the memory of `gpu`. */
export function checkGpuMemory(gpuMemory: number | null | undefined, gpu: Gpu | undefined): void {
  const size = gpu?.memoryBytes;
  if (gpuMemory == null || (size && gpuMemory <= size)) return;
  throw new InputError({
    expected: 'runtime.gpuMemory to be part of the memory of a GPU',
    found: size ? `${gpuMemory} bytes of ${size}` : 'no GPU whose memory size the driver reports',
    remedy: size ? 'lower it' : 'set it to null',
  });
}

/** @throws InputError if the device does not support the arithmetic. @param gpu undefined on processors. */
export function checkArithmetic(arithmetic: Arithmetic, gpu: GpuInfo | undefined): void {
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

/** Warns if the GPU build computes on the processor. @returns the reason, or undefined if there is nothing to warn of. */
export async function warnOfFallback(
  device: EngineInfo['device'],
  build: GpuBuild | undefined,
): Promise<string | undefined> {
  if (device === 'gpu' || build === undefined) return undefined;
  const reason = await fallbackReason(build);
  notify(`warning: the GPU build of TensorFlow computes on the processor: ${reason}.`);
  return reason;
}

/** The error for files of the engine that are not those that set-up installed. @param found what was found, in words. */
export function changedFiles(found: string): InputError {
  const remedy =
    'run npx gnr setup; if the folder is not yours, set GNR_CACHE_DIR to one of your own before that';
  return new InputError({ expected: "TensorFlow's files as gnr setup installed them", found, remedy });
}

/** The error for an addon that is missing or does not load. */
export function addonError(addon: string, cause: unknown): InputError {
  const reason = messageOf(cause).trim().split('\n', 1)[0]!;
  return new InputError(
    {
      expected: `the TensorFlow addon at ${addon}`,
      found: existsSync(addon) ? `one that does not load (${reason})` : 'none',
      remedy: 'run npx gnr setup',
    },
    { cause },
  );
}
