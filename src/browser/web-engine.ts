// The one engine of a page or worker, shared by all its models.
import * as tf from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../base/errors.js';
import { useKernels } from '../runtime/kernels.js';
import { portableKernels } from '../runtime/portable-kernels.js';
import { selfTest } from './self-test.js';
import { loadWebEngine, WEB_BACKENDS, type WebBackend, type WebEngineOptions } from './web.js';

/** A backend that was tried and not used. */
export interface SkippedBackend {
  /** Its name. */
  readonly backend: string;
  /** The reason. */
  readonly reason: string;
}

/** The engine that computes in a browser. */
export interface WebEngine {
  /** Name of the tfjs backend: `webgpu`, `webgl`, `wasm`, or another one that the program has chosen. */
  readonly backend: string;
  /** Its hardware if known: "Intel UHD", "4 threads". */
  readonly detail: string;
  /** Backends that were tried before it, and why they are not used. */
  readonly skipped: readonly SkippedBackend[];
}

/** The engine until `release`. It is not replaced while anybody uses it. */
export interface ClaimedEngine {
  readonly engine: WebEngine;
  /** Further calls do nothing. */
  release(): void;
}

/** Options for the choice of the engine. */
export interface ClaimOptions extends Pick<WebEngineOptions, 'wasmPaths' | 'onTry' | 'sources'> {
  /** By default the one in use, or else the fastest that works. */
  backend?: WebBackend | undefined;
}

let current: WebEngine | undefined;
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
async function adopt(backend: string): Promise<WebEngine> {
  useKernels(portableKernels);
  try {
    await tf.ready();
    await selfTest();
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
  return { backend, detail: '', skipped: [] };
}

async function engineFor({ backend, ...options }: ClaimOptions): Promise<WebEngine> {
  const inUse = tf.getBackend() || undefined;
  if (inUse !== undefined && (backend ?? inUse) === inUse)
    return current?.backend === inUse ? current : adopt(inUse);
  if (users > 0)
    throw new InputError({
      expected: `the backend ${backend}, or none`,
      found: `models that use ${inUse}`,
      remedy: 'dispose them first, or omit backend',
    });
  // A caller who names a backend gets it, even if the CPU emulates it.
  const chosen = backend && { backends: [backend], allowSoftware: true };
  return loadWebEngine({ ...options, ...chosen });
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
    current = await engineFor(options);
    users++;
    return current;
  })();
  last = claim;
  const engine = await claim;
  let isReleased = false;
  return {
    engine,
    release() {
      if (!isReleased) users--;
      isReleased = true;
    },
  };
}
