// Gets the installed CUDA build of TensorFlow ready to find its GPU, and says why it found none.
import fs from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory } from '../base/cache-directory.js';
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

/** The most that the driver's cache of compiled kernels can be told to hold, bytes; 1 GiB by default. */
const KERNEL_CACHE_BYTES = 2 ** 32;

/** The folder where the driver keeps the kernels that it compiles. @param cache this user's cache. */
export function kernelCache(cache: string, env: NodeJS.ProcessEnv = process.env): string {
  return env.CUDA_CACHE_PATH ?? path.join(cache, 'cuda', 'kernels');
}

/** Where the driver keeps what it compiles, as the environment that it reads; settings of the user's stay. */
export function kernelCacheSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    CUDA_CACHE_PATH: kernelCache(cacheDirectory(env), env),
    CUDA_CACHE_MAXSIZE: env.CUDA_CACHE_MAXSIZE ?? String(KERNEL_CACHE_BYTES),
  };
}

/** What the first start on a GPU takes, where the driver has kernels to compile; null elsewhere. */
export function firstStartNotice(gpus: readonly Gpu[], directory: string): string | null {
  const gpu = gpus.find((each) => kernelsFor(each) !== 'built in');
  if (gpu === undefined || gpu.computeCapability === null) return null;
  const isSome = kernelsFor(gpu) === 'some compiled';
  const card = `${gpu.name} (compute capability ${gpu.computeCapability.toFixed(1)})`;
  const which = isSome ? "some of TensorFlow's kernels" : "TensorFlow's kernels";
  const time = isSome ? 'some seconds' : 'minutes';
  return `the driver compiles ${which} for ${card}; this takes ${time} once, and is kept in ${directory}.`;
}

/**
 * Announces what the first start takes. It is the first for a driver, which throws its kernels away when it is updated;
 * later ones cost one small file to read.
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
    await fs.mkdir(kernels, { recursive: true });
    await fs.mkdir(path.dirname(marker), { recursive: true });
    await fs.writeFile(marker, driver);
  } catch {
    // A cache that cannot be written to: the driver does without, and the notice comes again.
  }
}

/** How the CUDA build was loaded. */
export interface GpuBuild {
  /** Whether there is the library of a driver; without it TensorFlow computes on the processor. */
  hasDriver: boolean;
  /** The loader's words about libraries that did not load. */
  failures: string[];
}

/**
 * Loads CUDA's libraries by full path, which TensorFlow needs to find a GPU. To be called before TensorFlow is loaded.
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

/** Why the CUDA build computes on the processor, and what to do about it, as one sentence without its end. */
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
