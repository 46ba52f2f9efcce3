import fs from 'node:fs/promises';
import path from 'node:path';
import { InputError, InterruptedError, messageOf, systemCode } from '../../errors.js';
import { cacheDirectory } from '../cache.js';
import { withLock } from '../process-lock.js';
import {
  type AddonCheck,
  type AddonOptions,
  addonDirectory,
  addonIsBuilt,
  buildAddon,
  checkAddon,
  findCompiler,
  type Packages,
} from './addon.js';
import type { OnSetupEvent } from './events.js';
import { findPackages, installAddon, installedStamp, type Stamp } from './installed.js';
import { libraryIsComplete, libraryPlace, provideLibrary } from './library.js';
import {
  chooseDevice,
  type DeviceChoice,
  type Platform,
  supportedArchitecture,
  thisPlatform,
} from './platform.js';
import { TENSORFLOW_VERSION, type Wheel, wheelsFor } from './wheels.js';

export interface SetupOptions {
  /** Which build of TensorFlow; `auto` (the default) keeps one that is in place, else follows `nvidia-smi`. */
  device?: DeviceChoice | undefined;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  onEvent?: OnSetupEvent;
  /** The npm packages; found from this file where absent. */
  packages?: Packages;
  platform?: Platform;
  /** Free bytes on the cache's disk; asked from the system where absent. */
  freeBytes?: number;
}

export interface SetupResult extends Stamp {
  /** Whether everything was in place before. */
  alreadyDone: boolean;
}

async function makeCache(cache: string): Promise<void> {
  try {
    await fs.mkdir(cache, { recursive: true });
    await fs.access(cache, fs.constants.W_OK);
  } catch (error) {
    throw new InputError(
      {
        expected: `a cache folder at ${cache} that can be written to`,
        found: systemCode(error) ?? messageOf(error),
        remedy: 'name another folder in GNR_CACHE_DIR',
      },
      { cause: error },
    );
  }
}

/** A checked addon in the cache: the one that is there, or a new one where that is missing or does not load here. */
async function provideAddon(
  directory: string,
  options: AddonOptions,
  onEvent: OnSetupEvent,
): Promise<AddonCheck> {
  if (await addonIsBuilt(directory)) {
    try {
      return await checkAddon(directory, options);
    } catch (error) {
      if (error instanceof InterruptedError) throw error;
      onEvent({ kind: 'warning', text: `${messageOf(error)} Building it anew.` });
    }
  }
  onEvent({ kind: 'step', text: 'compiling the addon (about ten seconds)' });
  await buildAddon(directory, options);
  onEvent({ kind: 'step', text: 'checking that it loads and computes' });
  return checkAddon(directory, options);
}

interface Plan extends AddonOptions {
  wheels: readonly Wheel[];
  freeBytes: number | undefined;
}

async function install(plan: Plan, onEvent: OnSetupEvent): Promise<Stamp> {
  const { place, wheels, packages, device, architecture, env } = plan;
  const directory = addonDirectory(plan);
  // Before the download: whoever lacks a compiler should not wait for it.
  if (!(await addonIsBuilt(directory))) await findCompiler(env);
  if (await libraryIsComplete(place, wheels)) {
    onEvent({ kind: 'step', text: `TensorFlow ${TENSORFLOW_VERSION} is in the cache: ${place.root}` });
  } else {
    await provideLibrary(place, { ...plan, onEvent });
  }
  const check = await provideAddon(directory, plan, onEvent);
  if (device === 'gpu' && !check.gpu) {
    const text =
      'TensorFlow sees no GPU here and computes on the CPU; nvidia-smi tells whether the driver works.';
    onEvent({ kind: 'warning', text });
  }
  return installAddon(directory, packages, { device, architecture, libraries: place.libraries });
}

/**
 * Provides libtensorflow from TensorFlow's Python wheel and the addon that connects it with tfjs. The library and the
 * addon are cached for this user; where everything is in place, this only looks at a few files.
 * @throws InputError for anything that is missing on the machine, with the remedy; RunError where compiling or
 * loading fails; InterruptedError where the signal aborts.
 */
export async function setUpEngine(options: SetupOptions = {}): Promise<SetupResult> {
  const { device: choice = 'auto', env = process.env, signal, onEvent = () => undefined } = options;
  const packages = options.packages ?? (await findPackages());
  const present = await installedStamp(packages);
  if (present && (choice === 'auto' || choice === present.device)) return { ...present, alreadyDone: true };

  const architecture = supportedArchitecture(options.platform ?? thisPlatform());
  const device = await chooseDevice(choice, architecture, env);
  const wheels = wheelsFor(device, architecture)!;
  const cache = cacheDirectory(env);
  await makeCache(cache);
  const place = libraryPlace(cache, device, architecture);
  const { freeBytes } = options;
  const plan: Plan = { cache, place, packages, device, architecture, env, signal, wheels, freeBytes };
  const onWait = (pid: number | undefined) =>
    onEvent({ kind: 'step', text: `waiting for another set-up${pid ? ` (process ${pid})` : ''} to finish` });
  const stamp = await withLock(path.join(cache, 'setup.lock'), () => install(plan, onEvent), {
    signal,
    onWait,
  });
  return { ...stamp, alreadyDone: false };
}
