// Describes GPUs, and the checks that were computed on the device, for gnr doctor.
import type { Arithmetic } from '../../runtime/capture/capture.js';
import type { ArithmeticCheck } from '../../runtime/device-check.js';
import type { EngineInfo } from '../../runtime/node.js';
import { gpuLog } from '../../setup/check-addon.js';
import {
  type Gpu,
  type GpuSurvey,
  hasBfloat16,
  kernelsFor,
  problemOfGpu,
  problemOfSurvey,
} from '../../setup/gpus.js';
import { bindingDirectory, findPackages, installedStamp } from '../../setup/installed.js';

export interface GpuUse {
  /** Whether TensorFlow computes on a GPU. */
  used: boolean;
  /** Why it does not, with the remedy; null if it does. */
  reason: string | null;
  /** TensorFlow's log lines about it; empty if it has nothing to explain. */
  log: string[];
}

/** Finds out whether TensorFlow uses a GPU; asks TensorFlow itself if a GPU build found none. */
export async function gpuUse(engine: EngineInfo | null, survey: GpuSurvey): Promise<GpuUse> {
  if (engine === null) return { used: false, reason: 'the engine does not load', log: [] };
  if (engine.device === 'gpu') return { used: true, reason: null, log: [] };
  if (engine.fallback !== undefined)
    return { used: false, reason: engine.fallback, log: await installedLog() };
  const problem = problemOfSurvey(survey);
  return { used: false, reason: problem?.found ?? 'the CPU build of TensorFlow is set up', log: [] };
}

async function installedLog(): Promise<string[]> {
  const packages = await findPackages();
  const stamp = await installedStamp(packages);
  if (stamp === undefined) return [];
  const { device, libraries } = stamp;
  return gpuLog({ directory: bindingDirectory(packages), device, libraries, packages, env: process.env });
}

/**
 * @param processorHasBfloat16 whether the processor multiplies in bfloat16.
 * @returns the arithmetics that the device multiplies in.
 */
export function arithmeticsOf(
  { device }: EngineInfo,
  { gpus }: GpuSurvey,
  processorHasBfloat16: boolean,
): Arithmetic[] {
  if (device === 'gpu') return gpus.some(hasBfloat16) ? ['float32', 'tf32', 'bfloat16'] : ['float32'];
  return processorHasBfloat16 ? ['float32', 'bfloat16'] : ['float32'];
}

/** @returns a sentence on the parts of the checks that failed; null if none did. */
export function failedParts(checks: readonly ArithmeticCheck[]): string | null {
  const failed = checks.flatMap(({ arithmetic, tolerance, parts }) =>
    parts
      .filter(({ ok }) => !ok)
      .map(({ name, error, problem }) => {
        const how =
          problem ?? `it is off by ${error?.toExponential(1)}, and ${tolerance.toExponential(0)} is allowed`;
        return `${name} in ${arithmetic} (${how})`;
      }),
  );
  return failed.length === 0
    ? null
    : `The engine computes wrong results: ${failed.join(', ')}; run npx gnr setup.`;
}

function formatSpeed(flops: number | null): string {
  if (flops === null) return 'not measured';
  return flops >= 1e12 ? `${(flops / 1e12).toFixed(1)} TFLOP/s` : `${(flops / 1e12).toFixed(3)} TFLOP/s`;
}

/** @returns a row for each arithmetic: whether it computes correctly, and its speed. */
export function checkRows(checks: readonly ArithmeticCheck[]): [string, string][] {
  return checks.map((check): [string, string] => {
    const { arithmetic, ok, parts, productFlops, convolutionFlops } = check;
    const failed = parts.filter((part) => !part.ok).length;
    const state = ok ? `all ${parts.length} checks passed` : `${failed} of ${parts.length} checks failed`;
    const speeds = [`convolution ${formatSpeed(convolutionFlops)}`];
    if (productFlops !== null) speeds.unshift(`product ${formatSpeed(productFlops)}`);
    return [arithmetic, `${state}; ${speeds.join(', ')}`];
  });
}

const KERNELS = {
  'built in': 'kernels are built in',
  'some compiled': 'the driver compiles some kernels at the first start (seconds)',
  'all compiled': 'the driver compiles all kernels at the first start (minutes); untested',
  unknown: 'compute capability unknown (an old driver)',
} as const;

function describeGpu(gpu: Gpu): string {
  const { name, computeCapability, memoryBytes, memoryUsedBytes, driver, mig } = gpu;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const parts = [name];
  if (computeCapability !== null) parts.push(`compute capability ${computeCapability.toFixed(1)}`);
  if (memoryBytes !== null) {
    const used = memoryUsedBytes ?? 0;
    const free = memoryBytes - used;
    parts.push(`${gigabytes(memoryBytes)}, ${gigabytes(free)} free, other processes hold ${gigabytes(used)}`);
  }
  parts.push(`driver ${driver}`);
  if (mig) parts.push('MIG');
  const arithmetic = hasBfloat16(gpu) ? 'TF32 and bfloat16' : 'no TF32 or bfloat16';
  const problem = problemOfGpu(gpu);
  const more = problem
    ? [`TensorFlow cannot use it: ${problem.remedy}`]
    : [KERNELS[kernelsFor(gpu)], arithmetic];
  return [parts.join(', '), ...more].join('; ');
}

/** @returns a row for each GPU, and whether TensorFlow uses one. */
export function gpuRows(survey: GpuSurvey, { used, reason }: GpuUse): [string, string][] {
  const { gpus, driver, nvidiaSmi } = survey;
  const rows = gpus.map((gpu): [string, string] => [`GPU ${gpu.index}`, describeGpu(gpu)]);
  if (gpus.length === 0 && driver !== null) {
    const why =
      nvidiaSmi === 'missing' ? 'there is no nvidia-smi to name the GPU' : 'nvidia-smi shows no GPU';
    rows.push(['GPU driver', `${driver}; ${why}`]);
  }
  return [...rows, ['GPU in use', used ? 'yes' : `no: ${reason}`]];
}
