// The environment variables that TensorFlow and CUDA read when they load.
import { InputError } from '../base/errors.js';
import type { Device } from '../setup/wheels.js';
import { type GpuChoice, gpuOfRank, type LocalRank, visibleGpu } from './gpu-choice.js';

export interface EnvironmentOptions {
  /** The installed build of TensorFlow. */
  build: Device;
  /** The work for which operations share the processors. */
  work: 'training' | 'translation';
  arithmetic: 'float32' | 'tf32' | 'bfloat16';
  deterministic: boolean;
  /** Index of the GPU to use, as `nvidia-smi` counts; by default the one with the most free memory. */
  gpu?: number | undefined;
  /** The GPUs that the driver reports; empty if it reports none. */
  gpus: readonly GpuChoice[];
  /** Threads that can compute at once. */
  processors: number;
  /** Whether that is fewer than the affinity allows: TensorFlow does not know the quota of a container. */
  isLimited: boolean;
  /** Whether a GPU's driver was loaded; without one the CUDA build computes on the processors. */
  hasDriver: boolean;
  /** The ranks on this machine, each of which takes a GPU of its own; one by default. */
  world?: LocalRank;
}

/**
 * Threads for training. A step has two directions that hardly wait for each other, so operations that run side by
 * side, each on half of the processors, are faster than one at a time on all of them (measured in bench/README.md).
 */
export function processorShares(processors: number): { perOperation: number; operations: number } {
  const perOperation = Math.max(1, Math.floor(processors / 2));
  return { perOperation, operations: Math.ceil(processors / perOperation) };
}

/**
 * The variables to set. Values that the user has set stay, except for the choice of the GPU.
 * @throws InputError if there is no GPU with this index, or the CPU build is installed.
 */
export function engineEnvironment(
  options: EnvironmentOptions,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  const { build, work, arithmetic, deterministic, gpu, gpus, hasDriver, processors, isLimited } = options;
  const { world = { localRank: 0, localSize: 1 } } = options;
  const withoutUsers = (variables: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(variables).filter(([name]) => env[name] === undefined));
  // oneDNN reads this when it first computes.
  const products: Record<string, string> =
    arithmetic === 'bfloat16' ? { ONEDNN_DEFAULT_FPMATH_MODE: 'BF16' } : {};
  const isShared = work === 'training' && !hasDriver;
  const whole = { perOperation: processors, operations: 1 };
  const shares =
    isShared || isLimited ? threadShares(env, isShared ? processorShares(processors) : whole) : {};
  if (build === 'cpu') {
    if (gpu !== undefined) throw noGpuBuild(gpu);
    return withoutUsers({ ...products, ...shares });
  }
  return {
    ...withoutUsers({
      ...products,
      ...shares,
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      // Otherwise the first process takes the whole card, and an evaluation beside a run dies.
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      ...(deterministic && { TF_DETERMINISTIC_OPS: '1' }),
    }),
    CUDA_VISIBLE_DEVICES: visibleGpu(gpus, gpu ?? gpuOfRank(world, gpus, env), env.CUDA_VISIBLE_DEVICES),
  };
}

function noGpuBuild(gpu: number): InputError {
  return new InputError({
    expected: `the GPU build of TensorFlow for --gpu ${gpu}`,
    found: 'the CPU build',
    remedy: 'run npx gnr setup --device gpu, or remove --gpu',
  });
}

/** Sets both variables or neither: a user who has set one of them has a plan. */
function threadShares(
  env: NodeJS.ProcessEnv,
  { perOperation, operations }: ReturnType<typeof processorShares>,
): Record<string, string> {
  if (env.TF_NUM_INTRAOP_THREADS !== undefined || env.TF_NUM_INTEROP_THREADS !== undefined) return {};
  return { TF_NUM_INTRAOP_THREADS: String(perOperation), TF_NUM_INTEROP_THREADS: String(operations) };
}
