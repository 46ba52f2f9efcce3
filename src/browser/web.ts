import * as tf from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../base/errors.js';
import { useKernels } from '../runtime/kernels.js';
import { portableKernels } from '../runtime/portable-kernels.js';
import { selfTest } from './self-test.js';

/** A backend that a browser may have. */
export type WebBackend = 'webgpu' | 'webgl' | 'wasm';

/** All of them, fastest first. */
export const WEB_BACKENDS: readonly WebBackend[] = ['webgpu', 'webgl', 'wasm'];

/** How one backend is come by. */
export interface BackendSource {
  /** Why it cannot be used here, found without loading anything; undefined where it may. */
  obstacle(options: { allowSoftware: boolean }): Promise<string | undefined>;
  /** Loads its code, which registers it with tfjs. */
  load(wasmPaths: WasmPaths | undefined): Promise<unknown>;
  /** What it runs on, once it runs: "4 threads". */
  detail(): Promise<string>;
  /** After a failure: turns off something that it can do without, and names it; undefined where there is nothing left. */
  retreat?(): Promise<string | undefined>;
}

/** URLs of the three binaries of `@tensorflow/tfjs-backend-wasm`, by file name; or the folder they are in. */
export type WasmPaths = string | Readonly<Record<string, string>>;

export interface WebEngineOptions {
  /** Tried in this order. */
  backends?: readonly WebBackend[];
  /** Needed where a bundler has moved the binaries. */
  wasmPaths?: WasmPaths;
  /** How long one backend may take to start and to compute its test. */
  limitMilliseconds?: number;
  /** Takes graphics backends that a processor only imitates too: WASM is faster than these. */
  allowSoftware?: boolean;
  /** Told of each backend before it is tried. */
  onTry?: (backend: WebBackend) => void;
  /** In place of the real ones. */
  sources?: Readonly<Record<WebBackend, BackendSource>>;
}

/** What computes, as `loadWebEngine` found it. */
export interface WebEngineInfo {
  backend: WebBackend;
  /** What it runs on: "Intel UHD", "4 threads". */
  detail: string;
  /** What starting it took, milliseconds. */
  milliseconds: number;
  /** Those that were tried before it, and why they are not used. */
  passedOver: { backend: WebBackend; reason: string }[];
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

/** The renderer behind WebGL 2; undefined where there is no WebGL 2. */
function webglRenderer(): string | undefined {
  if (typeof OffscreenCanvas === 'undefined') return undefined;
  const context = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (context === null) return undefined;
  const names = context.getExtension('WEBGL_debug_renderer_info');
  const renderer = context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER) as unknown;
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return String(renderer);
}

/** "ANGLE (Intel, Intel(R) UHD Graphics 620 (0x3EA0) Direct3D11 vs_5_0 ps_5_0, D3D11)" is "Intel(R) UHD Graphics 620". */
function rendererName(renderer: string): string {
  const inner = /^ANGLE \([^,]*, (.*), [^,]*\)$/.exec(renderer)?.[1] ?? renderer;
  return inner.replace(/ (\(0x|Direct3D|OpenGL ).*$/, '');
}

const isImitation = (name: string): boolean => SOFTWARE_RENDERERS.test(name);
const imitated = (name: string): string => `only imitated by the processor (${name})`;

/** What a browser says of a file that does not arrive, which is no sign of a package that is not there. */
const NO_ANSWER = /dynamically imported module|importing a module script/i;

/** The code of a backend is in a package of its own, which is not installed. */
class MissingPackageError extends Error {
  override readonly name = 'MissingPackageError';
  /** The package with its version, as `npm install` takes it. */
  readonly wanted: string;

  constructor(packageName: string, cause: unknown) {
    super(`the package ${packageName} is not there (${messageOf(cause)})`, { cause });
    this.wanted = `${packageName}@${tf.version_core}`;
  }
}

/** What to throw where the import of an optional package fails. */
function importFailure(packageName: string, error: unknown): unknown {
  return NO_ANSWER.test(messageOf(error)) ? error : new MissingPackageError(packageName, error);
}

// Each import stands in a try, with the package's name in it: so bundlers let packages be missing.
const webgpu: BackendSource = {
  async obstacle({ allowSoftware }) {
    const adapter = await graphicsAdapter();
    if (adapter === undefined) return 'the browser has no WebGPU';
    if (adapter === null) return 'WebGPU finds no graphics processor';
    const isSoftware = adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter;
    const name = adapterName(adapter);
    return !allowSoftware && (isSoftware || isImitation(name)) ? imitated(name) : undefined;
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
    return !allowSoftware && isImitation(renderer) ? imitated(renderer) : undefined;
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
    return `${threads} ${threads === 1 ? 'thread' : 'threads'}${simd ? '' : ', no SIMD'}`;
  },
  async retreat() {
    // There is no such flag before the code has come.
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

/** The work, or an error after the time; what the work does later is nobody's. */
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
): Promise<string> {
  let isOver = false;
  const startNow = async (): Promise<string> => {
    const obstacle = await source.obstacle({ allowSoftware });
    if (obstacle !== undefined) throw new Error(obstacle);
    await source.load(wasmPaths);
    // By now another backend may be in use.
    if (isOver) throw new Error('too late');
    bringBack(backend);
    if (!(await tf.setBackend(backend))) throw new Error('it does not start');
    await selfTest();
    return source.detail();
  };
  try {
    return await within(limitMilliseconds, startNow());
  } finally {
    isOver = true;
  }
}

/** How to make the backends that were taken away: their code, once loaded, does not register them again. */
const abandoned = new Map<WebBackend, ReturnType<typeof tf.findBackendFactory>>();

/** Takes a backend away, one that is still starting too, which would come into use when it is ready. */
function abandon(backend: WebBackend): void {
  const factory = tf.findBackendFactory(backend);
  if (factory === null) return;
  abandoned.set(backend, factory);
  try {
    tf.removeBackend(backend);
  } catch {
    // A backend that failed to start may fail to end.
  }
}

function bringBack(backend: WebBackend): void {
  const factory = abandoned.get(backend);
  if (factory && tf.findBackendFactory(backend) === null) tf.registerBackend(backend, factory);
}

function remedyFor(wanted: readonly string[], options: WebEngineOptions): string {
  if (wanted.length > 0) return `run npm install ${wanted.join(' or ')}`;
  const { backends = WEB_BACKENDS, wasmPaths } = options;
  const mayBeMoved = backends.includes('wasm') && wasmPaths === undefined;
  return `use a current browser${mayBeMoved ? ', or say in wasmPaths where a bundler has put the binaries of WASM' : ''}`;
}

/**
 * Makes the first backend that starts in time and computes right the backend of `@tensorflow/tfjs-core`: WebGPU, WebGL,
 * or WASM (with SIMD, and with threads where the page is cross-origin isolated).
 *
 * @throws InputError naming every backend and why it is not used, where there is none, and the packages that would help.
 */
export async function loadWebEngine(options: WebEngineOptions = {}): Promise<WebEngineInfo> {
  const { backends = WEB_BACKENDS, sources = realSources, onTry = () => undefined } = options;
  useKernels(portableKernels);
  const passedOver: WebEngineInfo['passedOver'] = [];
  const wanted: string[] = [];
  for (const backend of backends) {
    const source = sources[backend];
    for (let isOver = false; !isOver; ) {
      const from = performance.now();
      onTry(backend);
      try {
        const detail = await start(backend, source, options);
        return { backend, detail, milliseconds: performance.now() - from, passedOver };
      } catch (error) {
        if (error instanceof MissingPackageError) wanted.push(error.wanted);
        abandon(backend);
        const without = await source.retreat?.();
        passedOver.push({ backend, reason: [without, messageOf(error)].filter(Boolean).join(': ') });
        isOver = without === undefined;
      }
    }
  }
  const reasons = passedOver.map(({ backend, reason }) => `${backend}: ${reason}`);
  throw new InputError({
    expected: 'WebGPU, WebGL 2 or WebAssembly that computes',
    found: reasons.join('; ') || 'no backend to try',
    remedy: remedyFor(wanted, options),
  });
}
