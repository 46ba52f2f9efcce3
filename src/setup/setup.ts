// Sets TensorFlow up: the library, the addon, and a check of both.
import path from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { makeCacheDirectory } from '../base/cache-directory.js';
import { InputError, InterruptedError, messageOf } from '../base/errors.js';
import { withLock } from '../base/process-lock.js';
import {
  type AddonOptions,
  addonDirectory,
  addonIsBuilt,
  buildAddon,
  findCompiler,
  type Packages,
} from './addon.js';
import { type AddonCheck, type AddonCheckOptions, ComputeError, checkAddon } from './check-addon.js';
import type { OnSetupEvent } from './events.js';
import { firstStartNotice, kernelCache } from './gpu-build.js';
import { explainNoGpu, NoGpuError, rejectUnusable } from './gpu-problem.js';
import { type GpuSurvey, hasDriver, problemOfGpu, surveyGpus, warningOfGpu } from './gpus.js';
import { findPackages, installAddon, installedStamp, type Stamp } from './installed.js';
import { libraryIsComplete, libraryPlace, provideLibrary } from './library.js';
import { findMpi } from './mpi.js';
import {
  chooseDevice,
  type DeviceChoice,
  type Platform,
  supportedArchitecture,
  thisPlatform,
} from './platform.js';
import { type Device, TENSORFLOW_VERSION, type Wheel, wheelsFor } from './wheels.js';

export interface SetupOptions {
  /** The build of TensorFlow; `auto` keeps an installed one, else follows `nvidia-smi`. By default GNR_DEVICE, else `auto`. */
  device?: DeviceChoice | undefined;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  onEvent?: OnSetupEvent;
  /** The npm packages; by default those that this file can import. */
  packages?: Packages;
  platform?: Platform;
  /** The root of the driver's files; `/` by default. */
  root?: string;
  /** The wheels to take the library from; by default TensorFlow's, pinned by hash. */
  wheels?: typeof wheelsFor;
  /** Free bytes on the cache's disk; by default those that the system reports. */
  freeBytes?: number;
}

export interface SetupResult extends Stamp {
  /** Whether everything was installed before. */
  alreadyDone: boolean;
}

/** Whether the system refused to start a program, and not to change a file. */
function isOfProgram(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn');
}

interface Plan extends AddonOptions {
  wheels: readonly Wheel[];
  findWheels: typeof wheelsFor;
  freeBytes: number | undefined;
  survey: GpuSurvey | undefined;
  onEvent: OnSetupEvent;
}

/** Checks the addons in the cache, and builds them first if they are missing or do not load. */
async function provideAddon(plan: Plan, check: AddonCheckOptions): Promise<AddonCheck> {
  const { onEvent } = plan;
  if (await addonIsBuilt(check.directory, plan.mpi)) {
    try {
      return await checkAddon(check);
    } catch (error) {
      // It loads, so a new one would not compute better.
      if (error instanceof InterruptedError || error instanceof ComputeError) throw error;
      onEvent({ kind: 'warning', text: `${messageOf(error)} Rebuilding it.` });
    }
  }
  onEvent({ kind: 'step', text: 'compiling the addons (half a minute)' });
  await buildAddon(check.directory, plan);
  onEvent({ kind: 'step', text: 'checking that they load and compute' });
  return checkAddon(check);
}

/** Checks the addons; the GPU build has to find a GPU. @throws NoGpuError if it does not, or fails on it. */
async function checkDevice(plan: Plan, check: AddonCheckOptions): Promise<void> {
  const { device, survey, onEvent } = plan;
  let failure: ComputeError | undefined;
  try {
    const { gpu } = await provideAddon(plan, check);
    if (device === 'cpu' || gpu) return;
  } catch (error) {
    if (device === 'cpu' || !(error instanceof ComputeError) || !error.gpu) throw error;
    failure = error;
  }
  throw await explainNoGpu(check, {
    survey: survey ?? (await surveyGpus({ env: plan.env })),
    onEvent,
    failure,
  });
}

/** Reports notices and warnings about the GPUs before they are tried. */
function reportGpus({ survey, cache, env, onEvent }: Plan): void {
  const firstStart = firstStartNotice(survey?.gpus ?? [], kernelCache(cache, env));
  if (firstStart !== null) onEvent({ kind: 'step', text: firstStart });
  for (const gpu of survey?.gpus ?? []) {
    const problem = problemOfGpu(gpu);
    const text = problem ? `TensorFlow cannot use ${problem.found}: ${problem.remedy}` : warningOfGpu(gpu);
    if (text !== null) onEvent({ kind: 'warning', text: `${text}.` });
  }
  if (survey?.nvidiaSmi === 'missing' && hasDriver(survey)) {
    const text =
      'there is no nvidia-smi here (a container has it with NVIDIA_DRIVER_CAPABILITIES=compute,utility)';
    onEvent({ kind: 'step', text: `${text}; the check will show whether the GPU can be used` });
  }
}

/** The build that GNR_DEVICE names, for set-ups that nobody gives options. @throws InputError for another word. */
function deviceOf(env: NodeJS.ProcessEnv): DeviceChoice {
  const named = env.GNR_DEVICE || 'auto';
  if (named === 'auto' || named === 'cpu' || named === 'gpu') return named;
  throw new InputError({
    expected: 'cpu, gpu or auto in GNR_DEVICE',
    found: named,
    remedy: 'correct it, or unset it',
  });
}

/** Whether to install the CUDA build even if no GPU can be used, as for a container image that other machines run. */
const isGpuOptional = (env: NodeJS.ProcessEnv): boolean => env.GNR_GPU_OPTIONAL === '1';

async function install(plan: Plan): Promise<Stamp> {
  const { place, wheels, packages, device, architecture, mpi, env, signal, survey, onEvent } = plan;
  const directory = addonDirectory(plan);
  const isComplete = await libraryIsComplete(place, wheels);
  // Before the download, so that nobody waits for it in vain.
  if (!(await addonIsBuilt(directory, mpi))) await findCompiler(env);
  if (device === 'gpu') {
    reportGpus(plan);
    if (!isComplete && survey && !isGpuOptional(env)) rejectUnusable(survey);
  }
  if (isComplete) {
    onEvent({ kind: 'step', text: `TensorFlow ${TENSORFLOW_VERSION} is in the cache: ${place.root}` });
  } else {
    await provideLibrary(place, plan);
  }
  const { libraries } = place;
  try {
    await checkDevice(plan, { directory, device, libraries, packages, env, signal });
  } catch (error) {
    // An error with a cause is about a GPU that computes wrong results, not about a missing one.
    if (!(error instanceof NoGpuError) || error.cause || !isGpuOptional(env)) throw error;
    const text = `TensorFlow finds no GPU here: ${error.problem.found}. GNR_GPU_OPTIONAL=1 allows that.`;
    onEvent({ kind: 'warning', text });
  }
  onEvent({ kind: 'step', text: 'recording the checksums of what was installed' });
  return installAddon(directory, packages, { device, architecture, libraries, mpi });
}

/** Installs the chosen build, or the CPU build if `auto` chose a GPU that turns out not to work. */
async function installChosen(plan: Plan, choice: DeviceChoice): Promise<Stamp> {
  try {
    return await install(plan);
  } catch (error) {
    if (!(error instanceof NoGpuError) || choice !== 'auto') throw error;
    const { found, remedy } = error.problem;
    const text = `the GPU cannot be used (${found}), so the CPU build is installed; to use it, ${remedy}.`;
    plan.onEvent({ kind: 'warning', text });
    return install(planFor('cpu', plan));
  }
}

function planFor(device: Device, plan: Omit<Plan, 'device' | 'place' | 'wheels'>): Plan {
  const { cache, architecture, findWheels } = plan;
  const place = libraryPlace(cache, device, architecture);
  return { ...plan, device, place, wheels: findWheels(device, architecture)! };
}

/**
 * Installs libtensorflow from TensorFlow's Python wheel, and the addon that connects it with tfjs. Both are cached for this
 * user; if everything is installed already, this only looks at a few files. An installed build stays until its successor
 * has been checked. GNR_GPU_OPTIONAL=1 installs the GPU build even if no GPU can be used.
 * @throws InputError with the remedy for anything that is missing on the machine; NoGpuError, which is one, if `gpu` was
 *   asked for and TensorFlow finds none; RunError if compiling or loading fails; InterruptedError if the signal aborts.
 */
export async function setUpEngine(options: SetupOptions = {}): Promise<SetupResult> {
  const { env = process.env, signal, onEvent = () => undefined } = options;
  const choice = options.device ?? deviceOf(env);
  const packages = options.packages ?? (await findPackages());
  const present = await installedStamp(packages);
  // The GPU build computes without a GPU too, so a user who asks for it again wants the check.
  const isDone = choice === 'auto' || (choice === 'cpu' && present?.device === 'cpu');
  // Installed before or removed since: the addons are built anew.
  const mpi = await findMpi(env);
  if (present && isDone && present.mpi === (mpi?.version ?? null)) return { ...present, alreadyDone: true };

  const architecture = supportedArchitecture(options.platform ?? thisPlatform());
  const mayUseGpu = choice !== 'cpu' && architecture === 'x64';
  const survey = mayUseGpu ? await surveyGpus({ env, root: options.root ?? '/' }) : undefined;
  const { device, skippedGpu } = chooseDevice(choice, architecture, survey);
  if (skippedGpu) {
    const { found, remedy } = skippedGpu;
    onEvent({
      kind: 'warning',
      text: `the GPU cannot be used (found ${found}): ${remedy}. Installing the CPU build.`,
    });
  }
  const cache = await makeCacheDirectory(env);
  const { freeBytes, wheels: findWheels = wheelsFor } = options;
  const plan = planFor(device, {
    ...{ cache, packages, architecture, mpi, env, signal, findWheels, freeBytes, survey, onEvent },
  });
  const onWait = (pid: number | undefined) =>
    onEvent({ kind: 'step', text: `waiting for another set-up${pid ? ` (process ${pid})` : ''} to finish` });
  const lock = path.join(cache, 'setup.lock');
  const stamp = await withLock(lock, () => installChosen(plan, choice), { signal, onWait }).catch(
    (error: unknown) => {
      throw isOfProgram(error) ? error : toWriteError(error, cache);
    },
  );
  return { ...stamp, alreadyDone: false };
}
