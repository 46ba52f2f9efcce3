// Prepares the installed CUDA build of TensorFlow to find its GPU, and explains why it found none.
import fs from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory, makeCacheDirectory } from '../base/cache-directory.js';
import { notify } from '../base/notices.js';
import {
  type Gpu,
  kernelsFor,
  problemOfLog,
  problemOfSurvey,
  type SurveyOptions,
  surveyGpus,
} from './gpus.js';
import { cudaLibraries, type NativeLoader } from './preload.js';

/** The largest size that can be set for the driver's cache of compiled kernels, bytes; its default is 1 GiB. */
const KERNEL_CACHE_BYTES = 2 ** 32;

/** The folder in which the driver keeps the kernels that it compiles. @param cache this user's cache. */
export function kernelCache(cache: string, env: NodeJS.ProcessEnv = process.env): string {
  return env.CUDA_CACHE_PATH ?? path.join(cache, 'cuda', 'kernels');
}

/** Environment variables that set the driver's cache of compiled kernels. Values that the user has set stay. */
export function kernelCacheSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    CUDA_CACHE_PATH: kernelCache(cacheDirectory(env), env),
    CUDA_CACHE_MAXSIZE: env.CUDA_CACHE_MAXSIZE ?? String(KERNEL_CACHE_BYTES),
  };
}

/** A notice about the time of the first start on a GPU if the driver has to compile kernels; null otherwise. */
export function firstStartNotice(gpus: readonly Gpu[], directory: string): string | null {
  const gpu = gpus.find((each) => kernelsFor(each) !== 'built in');
  if (gpu === undefined || gpu.computeCapability === null) return null;
  const isPartial = kernelsFor(gpu) === 'some compiled';
  const card = `${gpu.name} (compute capability ${gpu.computeCapability.toFixed(1)})`;
  const which = isPartial ? "some of TensorFlow's kernels" : "TensorFlow's kernels";
  const time = isPartial ? 'some seconds' : 'minutes';
  return `the driver compiles ${which} for ${card}; this takes ${time} once, and the result is kept in ${directory}.`;
}

/**
 * Sends the notice about the first start with a driver, since an update of the driver discards its kernels. Later starts
 * only read one small file.
 */
async function announceFirstStart(env: NodeJS.ProcessEnv): Promise<void> {
  const cache = cacheDirectory(env);
  const kernels = kernelCache(cache, env);
  const marker = path.join(cache, 'cuda', 'started');
  const driver = await fs.readFile('/proc/driver/nvidia/version', 'utf8').catch(() => 'unknown');
  if ((await fs.readFile(marker, 'utf8').catch(() => null)) === driver) return;
  const { gpus } = await surveyGpus({ env });
  const notice = firstStartNotice(gpus, kernels);
  if (notice !== null) notify(notice);
  try {
    await makeCacheDirectory(env);
    await fs.mkdir(kernels, { recursive: true });
    await fs.mkdir(path.dirname(marker), { recursive: true });
    await fs.writeFile(marker, driver);
  } catch {
    // The cache cannot be written to: the driver works without it, and the notice comes again next time.
  }
}

/** The result of preparing the CUDA build. */
export interface GpuBuild {
  /** Whether the driver's library loaded; without it TensorFlow computes on the processor. */
  hasDriver: boolean;
  /** The loader's messages about libraries that did not load. */
  failures: string[];
}

/**
 * Loads CUDA's libraries by full path, which TensorFlow needs to find a GPU. Call it before TensorFlow is loaded.
 * @param libraries the folder of libtensorflow_cc. @param loader the loader, or why there is none.
 */
export async function prepareGpuBuild(
  libraries: string,
  loader: NativeLoader | string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<GpuBuild> {
  if (typeof loader === 'string') return { hasDriver: false, failures: [`the loader: ${loader}`] };
  Object.assign(env, kernelCacheSettings(env));
  const [driverFailure] = loader.preload(['libcuda.so.1']);
  if (driverFailure === null) await announceFirstStart(env);
  const failures = loader.preload(cudaLibraries(libraries)).filter((failure) => failure !== null);
  return { hasDriver: driverFailure === null, failures };
}

/** Why the CUDA build computes on the processor and what to do about it, as one sentence without a full stop. */
export async function fallbackReason(
  { hasDriver, failures }: GpuBuild,
  options: SurveyOptions = {},
): Promise<string> {
  if (failures.length > 0) return `${failures[0]}; run npx gnr setup --device gpu`;
  const survey = await surveyGpus(options);
  const log = hasDriver ? [] : ['dlerror: libcuda.so.1'];
  const { found, remedy } = problemOfSurvey(survey) ?? problemOfLog(log, survey);
  return `found ${found}; ${remedy}`;
}
