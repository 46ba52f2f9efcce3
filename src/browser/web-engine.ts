// The one engine of a page or worker, shared by all its models.
import * as tf from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../base/errors.js';
import { useKernels } from '../runtime/kernels.js';
import { portableKernels } from '../runtime/portable-kernels.js';
import { DeviceWatch } from './device-watch.js';
import { EngineSession, type StartedEngine, type WebEngine } from './engine-session.js';
import { selfTest } from './self-test.js';
import { loadWebEngine, WEB_BACKENDS, type WebBackend, type WebEngineOptions } from './web.js';

/** The engine until `release`. It is not replaced while anybody uses it. */
export interface ClaimedEngine {
  readonly engine: WebEngine;
  /** Computes with it. */
  readonly session: EngineSession;
  /** Further calls do nothing. */
  release(): void;
}

/** Options for the choice of the engine. */
export interface ClaimOptions extends Pick<WebEngineOptions, 'wasmPaths' | 'onTry' | 'sources'> {
  /** By default the one in use, or else the fastest that works. */
  backend?: WebBackend | undefined;
}

let current: EngineSession | undefined;
let users = 0;
let last: Promise<unknown> = Promise.resolve();

function assertBackend(backend: string | undefined): void {
  if (backend === undefined || WEB_BACKENDS.some((each) => each === backend)) return;
  throw new InputError({
    expected: `backend to be one of ${WEB_BACKENDS.join(', ')}`,
    found: String(backend),
    remedy: 'change it, or omit it',
  });
}

/** Adopts the backend that tfjs already uses. @throws InputError if it computes wrong results. */
async function adopt(backend: string): Promise<StartedEngine> {
  useKernels(portableKernels);
  try {
    await tf.ready();
    const watch = new DeviceWatch();
    await watch.guard(selfTest);
    return { backend, detail: '', skipped: [], watch };
  } catch (error) {
    throw new InputError(
      {
        expected: `the tfjs backend ${backend}, which is in use, to compute`,
        found: messageOf(error),
        remedy: 'choose another one',
      },
      { cause: error },
    );
  }
}

async function sessionFor({ backend, ...options }: ClaimOptions): Promise<EngineSession> {
  await current?.settled();
  const inUse = tf.getBackend() || undefined;
  const isCurrent = inUse !== undefined && current?.engine.backend === inUse && !current.hasFailed;
  // A backend that was lost is tried again once nobody uses the one in its place.
  const isServed = backend === undefined || backend === inUse || (users > 0 && current?.standsFor(backend));
  if (isCurrent && isServed) return current!;
  const start = async (): Promise<StartedEngine> => {
    if (inUse !== undefined && (backend ?? inUse) === inUse) return adopt(inUse);
    if (users > 0 && inUse !== undefined)
      throw new InputError({
        expected: `the backend ${backend}, or none`,
        found: `models that use ${inUse}`,
        remedy: 'dispose them first, or omit backend',
      });
    // A caller who names a backend gets it, even if the CPU emulates it.
    const chosen = backend && { backends: [backend], allowSoftware: true };
    return loadWebEngine({ ...options, ...chosen });
  };
  const started = await start();
  current?.close();
  return new EngineSession(started, options);
}

/**
 * Returns the engine of this page or worker, which all models share, and loads it if there is none. Overlapping calls wait
 * for each other.
 *
 * @throws InputError if no backend works, or other models use a backend other than the requested one.
 */
export async function claimWebEngine(options: ClaimOptions = {}): Promise<ClaimedEngine> {
  assertBackend(options.backend);
  const before = last;
  const claim = (async () => {
    await before.catch(() => undefined);
    current = await sessionFor(options);
    users++;
    return current;
  })();
  last = claim;
  const session = await claim;
  let isReleased = false;
  return {
    engine: session.engine,
    session,
    release() {
      if (!isReleased) users--;
      isReleased = true;
    },
  };
}
