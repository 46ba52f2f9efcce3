// Starts a tfjs backend in a browser: WebGPU, WebGL or WASM, whichever works first.
import * as tf from '@tensorflow/tfjs-core';
import { countOf } from '../base/count-of.js';
import { InputError, messageOf } from '../base/errors.js';
import { useKernels } from '../runtime/kernels.js';
import { portableKernels } from '../runtime/portable-kernels.js';
import { DeviceWatch } from './device-watch.js';
import { selfTest } from './self-test.js';

/** A backend that a browser may have. */
export type WebBackend = 'webgpu' | 'webgl' | 'wasm';

/** All of them, fastest first. */
export const WEB_BACKENDS: readonly WebBackend[] = ['webgpu', 'webgl', 'wasm'];

/** How to load one backend. */
export interface BackendSource {
  /** Returns why it cannot be used here, without loading anything; undefined if it may work. */
  obstacle(options: { allowSoftware: boolean }): Promise<string | undefined>;
  /** Loads its code, which registers it with tfjs. */
  load(wasmPaths: WasmPaths | undefined): Promise<unknown>;
  /** Returns its hardware, once it runs: "4 threads". */
  detail(): Promise<string>;
  /** After a failure: turns off an optional feature and returns its name; undefined if none is left. */
  retreat?(): Promise<string | undefined>;
}

/** URLs of the three binaries of `@tensorflow/tfjs-backend-wasm` by file name, or the folder that holds them. */
export type WasmPaths = string | Readonly<Record<string, string>>;

export interface WebEngineOptions {
  /** Backends to try, in order. */
  backends?: readonly WebBackend[];
  /** Needed if a bundler has moved the binaries. */
  wasmPaths?: WasmPaths;
  /** Time that a backend has to start and pass its self-test. */
  limitMilliseconds?: number;
  /** Accepts GPU backends that the CPU emulates, which are slower than WASM. */
  allowSoftware?: boolean;
  /** Called with each backend before it is tried. */
  onTry?: (backend: WebBackend) => void;
  /** Replaces the real backends, for tests. */
  sources?: Readonly<Record<WebBackend, BackendSource>>;
}

/** The engine that `loadWebEngine` started. */
export interface WebEngineInfo {
  backend: WebBackend;
  /** Its hardware: "Intel UHD", "4 threads". */
  detail: string;
  /** Start-up time, milliseconds. */
  milliseconds: number;
  /** Backends that were tried before it, and why they are not used. */
  skipped: { backend: WebBackend; reason: string }[];
  /** Tells when its device is lost. */
  watch: DeviceWatch;
}

const LIMIT_MILLISECONDS = 10_000;
const THREADS_FLAG = 'WASM_HAS_MULTITHREAD_SUPPORT';
const SOFTWARE_RENDERERS = /swiftshader|llvmpipe|softpipe|software|basic render/i;

interface GraphicsAdapter {
  isFallbackAdapter?: boolean;
  info?: { vendor?: string; architecture?: string; description?: string; isFallbackAdapter?: boolean };
}

interface Graphics {
  gpu?: { requestAdapter(): Promise<GraphicsAdapter | null> };
}

async function graphicsAdapter(): Promise<GraphicsAdapter | null | undefined> {
  return (globalThis.navigator as (Navigator & Graphics) | undefined)?.gpu?.requestAdapter();
}

function adapterName({ info }: GraphicsAdapter): string {
  return info?.description || [info?.vendor, info?.architecture].filter(Boolean).join(' ');
}

/** Returns the renderer of WebGL 2; undefined without WebGL 2. */
function webglRenderer(): string | undefined {
  if (typeof OffscreenCanvas === 'undefined') return undefined;
  const context = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (context === null) return undefined;
  const names = context.getExtension('WEBGL_debug_renderer_info');
  const renderer = context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER) as unknown;
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return String(renderer);
}

/** Shortens "ANGLE (Intel, Intel(R) UHD Graphics 620 (0x3EA0) Direct3D11 vs_5_0 ps_5_0, D3D11)" to "Intel(R) UHD Graphics 620". */
function rendererName(renderer: string): string {
  const inner = /^ANGLE \([^,]*, (.*), [^,]*\)$/.exec(renderer)?.[1] ?? renderer;
  return inner.replace(/ (\(0x|Direct3D|OpenGL ).*$/, '');
}

const isEmulated = (name: string): boolean => SOFTWARE_RENDERERS.test(name);
const emulated = (name: string): string => `only emulated by the CPU (${name})`;

/** Matches the errors of browsers for a file that does not arrive, which does not mean that the package is missing. */
const NO_ANSWER = /dynamically imported module|importing a module script/i;

/** The package of a backend is not installed. */
class MissingPackageError extends Error {
  override readonly name = 'MissingPackageError';
  /** The package with its version, as `npm install` takes it. */
  readonly versionedName: string;

  constructor(packageName: string, cause: unknown) {
    super(`the package ${packageName} is not installed (${messageOf(cause)})`, { cause });
    this.versionedName = `${packageName}@${tf.version_core}`;
  }
}

/** Makes the error for a failed import of an optional package. */
function importFailure(packageName: string, error: unknown): unknown {
  return NO_ANSWER.test(messageOf(error)) ? error : new MissingPackageError(packageName, error);
}

// Bundlers accept missing packages if each import has a literal name and is inside a try block.
const webgpu: BackendSource = {
  async obstacle({ allowSoftware }) {
    const adapter = await graphicsAdapter();
    if (adapter === undefined)
      return globalThis.isSecureContext === false
        ? 'browsers offer WebGPU only to pages from https addresses and from localhost'
        : 'the browser has no WebGPU';
    if (adapter === null) return 'WebGPU finds no GPU';
    const isSoftware = adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter;
    const name = adapterName(adapter);
    return !allowSoftware && (isSoftware || isEmulated(name)) ? emulated(name) : undefined;
  },
  async load() {
    try {
      await import('@tensorflow/tfjs-backend-webgpu');
    } catch (error) {
      throw importFailure('@tensorflow/tfjs-backend-webgpu', error);
    }
  },
  async detail() {
    const adapter = await graphicsAdapter();
    return adapter ? adapterName(adapter) : '';
  },
};

const webgl: BackendSource = {
  async obstacle({ allowSoftware }) {
    const renderer = webglRenderer();
    if (renderer === undefined) return 'the browser has no WebGL 2';
    return !allowSoftware && isEmulated(renderer) ? emulated(renderer) : undefined;
  },
  async load() {
    try {
      await import('@tensorflow/tfjs-backend-webgl');
    } catch (error) {
      throw importFailure('@tensorflow/tfjs-backend-webgl', error);
    }
  },
  detail: async () => rendererName(webglRenderer() ?? ''),
};

async function wasmPackage() {
  try {
    return await import('@tensorflow/tfjs-backend-wasm');
  } catch (error) {
    throw importFailure('@tensorflow/tfjs-backend-wasm', error);
  }
}

const wasm: BackendSource = {
  obstacle: async () => (typeof WebAssembly === 'undefined' ? 'the browser has no WebAssembly' : undefined),
  async load(wasmPaths) {
    const { setWasmPaths } = await wasmPackage();
    try {
      if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
    } catch (error) {
      throw new Error('its start failed before; load the page again', { cause: error });
    }
  },
  async detail() {
    const { getThreadsCount } = await wasmPackage();
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    const isThreaded = simd && (await tf.env().getAsync(THREADS_FLAG));
    const threads = isThreaded ? getThreadsCount() : 1;
    return `${countOf(threads, 'thread')}${simd ? '' : ', no SIMD'}`;
  },
  async retreat() {
    // The flag does not exist before the code is loaded.
    const hasThreads = await tf
      .env()
      .getAsync(THREADS_FLAG)
      .catch(() => false);
    if (!hasThreads) return undefined;
    tf.env().set(THREADS_FLAG, false);
    return 'with threads';
  },
};

const realSources: Readonly<Record<WebBackend, BackendSource>> = { webgpu, webgl, wasm };

/** Waits for work, or rejects after the time limit; a later outcome of the work is ignored. */
async function within<T>(limitMilliseconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`not ready within ${limitMilliseconds / 1000} s`));
    timer = setTimeout(fail, limitMilliseconds);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function start(
  backend: WebBackend,
  source: BackendSource,
  { wasmPaths, allowSoftware = false, limitMilliseconds = LIMIT_MILLISECONDS }: WebEngineOptions,
): Promise<{ detail: string; watch: DeviceWatch }> {
  let isOver = false;
  const startNow = async (): Promise<{ detail: string; watch: DeviceWatch }> => {
    const obstacle = await source.obstacle({ allowSoftware });
    if (obstacle !== undefined) throw new Error(obstacle);
    await source.load(wasmPaths);
    // Another backend may be in use by now.
    if (isOver) throw new Error('too late');
    bringBack(backend);
    if (!(await tf.setBackend(backend))) throw new Error('it does not start');
    const watch = new DeviceWatch();
    await watch.guard(selfTest);
    return { detail: await source.detail(), watch };
  };
  try {
    return await within(limitMilliseconds, startNow());
  } finally {
    isOver = true;
  }
}

/** Factories of removed backends: their code, once loaded, does not register them again. */
const abandoned = new Map<string, ReturnType<typeof tf.findBackendFactory>>();

/** Removes a backend, even while it starts, because it would come into use once it is ready. */
export function abandon(backend: string): void {
  const factory = tf.findBackendFactory(backend);
  if (factory === null) return;
  abandoned.set(backend, factory);
  try {
    tf.removeBackend(backend);
  } catch {
    // A backend that failed to start, or has lost its device, may fail to stop.
  }
}

function bringBack(backend: WebBackend): void {
  const factory = abandoned.get(backend);
  if (factory && tf.findBackendFactory(backend) === null) tf.registerBackend(backend, factory);
}

function remedyFor(missingPackages: readonly string[], options: WebEngineOptions): string {
  if (missingPackages.length > 0) return `run npm install ${missingPackages.join(' or ')}`;
  const { backends = WEB_BACKENDS, wasmPaths } = options;
  const mayBeMoved = backends.includes('wasm') && wasmPaths === undefined;
  return `use a current browser${mayBeMoved ? ', or set wasmPaths to where the bundler has put the binaries of WASM' : ''}`;
}

/**
 * Selects the first backend that starts in time and computes correctly: WebGPU, WebGL, or WASM (with SIMD, and with threads if
 * the page is cross-origin isolated).
 *
 * @throws InputError, if none works, with the reason for every backend, and the packages to install.
 */
export async function loadWebEngine(options: WebEngineOptions = {}): Promise<WebEngineInfo> {
  const { backends = WEB_BACKENDS, sources = realSources, onTry = () => undefined } = options;
  useKernels(portableKernels);
  const skipped: WebEngineInfo['skipped'] = [];
  const missingPackages: string[] = [];
  for (const backend of backends) {
    const source = sources[backend];
    for (let isOver = false; !isOver; ) {
      const from = performance.now();
      onTry(backend);
      try {
        const started = await start(backend, source, options);
        return { backend, ...started, milliseconds: performance.now() - from, skipped };
      } catch (error) {
        if (error instanceof MissingPackageError) missingPackages.push(error.versionedName);
        abandon(backend);
        const without = await source.retreat?.();
        skipped.push({ backend, reason: [without, messageOf(error)].filter(Boolean).join(': ') });
        isOver = without === undefined;
      }
    }
  }
  const reasons = skipped.map(({ backend, reason }) => `${backend}: ${reason}`);
  throw new InputError({
    expected: 'WebGPU, WebGL 2 or WebAssembly that computes',
    found: reasons.join('; ') || 'no backend to try',
    remedy: remedyFor(missingPackages, options),
  });
}
