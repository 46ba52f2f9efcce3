import * as tf from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../base/errors.js';
import { useKernels } from '../runtime/kernels.js';
import { portableKernels } from '../runtime/portable-kernels.js';
import { selfTest } from './self-test.js';
import { loadWebEngine, WEB_BACKENDS, type WebBackend, type WebEngineOptions } from './web.js';

/** A backend that was tried. */
export interface SkippedBackend {
  /** Its name. */
  readonly backend: string;
  /** Why it is not used. */
  readonly reason: string;
}

/** What computes in a browser. */
export interface WebEngine {
  /** The name of the tfjs backend: `webgpu`, `webgl`, `wasm`, or another one that the program had chosen. */
  readonly backend: string;
  /** What it runs on, where that is known: "Intel UHD", "4 threads". */
  readonly detail: string;
  /** Those that were tried before it, and why they are not used. */
  readonly passedOver: readonly SkippedBackend[];
}

/** The engine, until `release`: as long as anybody uses it, it is not exchanged. */
export interface ClaimedEngine {
  readonly engine: WebEngine;
  /** Further calls do nothing. */
  release(): void;
}

/** How the engine is chosen. */
export interface ClaimOptions extends Pick<WebEngineOptions, 'wasmPaths' | 'onTry' | 'sources'> {
  /** Where left out: the one in use, or the fastest that works. */
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
    remedy: 'change it, or leave it out',
  });
}

/** Takes the backend that tfjs has already. @throws InputError where it computes wrong. */
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
  return { backend, detail: '', passedOver: [] };
}

async function engineFor({ backend, ...options }: ClaimOptions): Promise<WebEngine> {
  const inUse = tf.getBackend() || undefined;
  if (inUse !== undefined && (backend ?? inUse) === inUse)
    return current?.backend === inUse ? current : adopt(inUse);
  if (users > 0)
    throw new InputError({
      expected: `the backend ${backend}, or none`,
      found: `generators that use ${inUse}`,
      remedy: 'dispose them first, or leave backend out',
    });
  // Whoever names a backend wants it, also where a processor only imitates it.
  const chosen = backend && { backends: [backend], allowSoftware: true };
  return loadWebEngine({ ...options, ...chosen });
}

/**
 * The engine of this page or worker, which is one for all: loads it where there is none. Overlapping calls wait for each
 * other.
 *
 * @throws InputError where no backend works, or the wanted one is not the one that others use.
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
