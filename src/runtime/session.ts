// TensorFlow sessions: graphs from memory, asynchronous calls, and the memory of devices.
import { RunError } from '../base/errors.js';
import { sessionConfig } from '../setup/session-config.js';

/** Values on the host. */
export type HostValues = Float32Array | Int32Array;

/** An input of a call: its placeholder node, TensorFlow's code of its type, and its shape. */
export interface FeedSpec {
  node: string;
  dtype: number;
  shape: readonly number[];
}

/** A device of TensorFlow. */
export interface Device {
  /** Such as `/job:localhost/replica:0/task:0/device:GPU:0`. */
  name: string;
  type: 'CPU' | 'GPU' | string;
  /** For a GPU, its index, name, bus and compute capability in TensorFlow's words. */
  description: string;
  /** Memory of it that TensorFlow may use. */
  limitBytes: number;
  /** Memory of tensors, now and at the peak; absent if TensorFlow does not count it, as for the processor. */
  bytesInUse?: number;
  peakBytesInUse?: number;
}

/** Times of a kernel in a call of a session, seconds since 1970. */
export interface KernelTimes {
  /** `name = operation(inputs)`. */
  label: string;
  /** When its inputs were ready. */
  scheduled: number;
  started: number;
  ended: number;
}

/** Opaque type of the addon's sessions. */
type SessionHandle = { readonly session: unique symbol };

/** The functions of `native/session.cc`. */
export interface SessionAddon {
  createSession(graph: Uint8Array, config: Uint8Array): SessionHandle;
  closeSession(session: SessionHandle): void;
  makeCallable(
    session: SessionHandle,
    feeds: readonly FeedSpec[],
    fetches: readonly string[],
    targets: readonly string[],
  ): number;
  releaseCallable(session: SessionHandle, callable: number): void;
  run(session: SessionHandle, callable: number, feeds: readonly HostValues[]): HostValues[];
  runAsync(session: SessionHandle, callable: number, feeds: readonly HostValues[]): Promise<HostValues[]>;
  kernelTimes(): KernelTimes[];
  devices(session: SessionHandle): Device[];
  registeredKernels(): Uint8Array;
  setTensorFloat32(enabled: boolean): void;
  tensorFloat32(): boolean;
  countHostMemory(): void;
  cudnnVersion(): number;
}

/** The addon, and a session without a graph that keeps the devices until the process ends. */
let loaded: { addon: SessionAddon; engine: SessionHandle } | undefined;

/**
 * Sets the addon to use. Its first session, opened here, creates the devices: their memory limit has to be set before tfjs
 * creates its own context, which shares them.
 * @param gpuMemoryFraction the largest fraction of the GPU's memory to use, from 0 to 1; no limit by default.
 */
export function useSessionAddon(addon: SessionAddon, gpuMemoryFraction?: number): void {
  loaded ??= { addon, engine: addon.createSession(new Uint8Array(), sessionConfig(gpuMemoryFraction)) };
}

function engine(): NonNullable<typeof loaded> {
  if (loaded === undefined) throw new RunError('TensorFlow is not loaded; call loadEngine() first.');
  return loaded;
}

/** TensorFlow's devices and their memory. */
export function devices(): Device[] {
  const { addon, engine: session } = engine();
  return addon.devices(session);
}

/** Memory of tensors on the GPU, now and at the peak since the start; undefined without a GPU. */
export function gpuMemory(): { bytes: number; peakBytes: number; limitBytes: number } | undefined {
  if (loaded === undefined) return undefined;
  const gpu = devices().find(({ type }) => type === 'GPU');
  if (gpu === undefined) return undefined;
  return { bytes: gpu.bytesInUse ?? 0, peakBytes: gpu.peakBytesInUse ?? 0, limitBytes: gpu.limitBytes };
}

/** All kernels of the library, as a serialized KernelList (tensorflow/core/framework/kernel_def.proto). */
export function registeredKernels(): Uint8Array {
  return engine().addon.registeredKernels();
}

/** cuDNN's version, such as `9.10.2`; undefined if it is not loaded. */
export function cudnnVersion(): string | undefined {
  const version = engine().addon.cudnnVersion();
  if (version === 0) return undefined;
  return [Math.floor(version / 10_000), Math.floor(version / 100) % 100, version % 100].join('.');
}

/**
 * Times of the kernels that the last call of a program ran. The first call starts the record: it holds for programs that have
 * not run before, and slows them a little.
 */
export function kernelTimes(): KernelTimes[] {
  return engine().addon.kernelTimes();
}

/** Sets whether a GPU may round the factors of float32 products to TensorFloat-32; processors never do. */
export function setTensorFloat32(enabled: boolean): void {
  engine().addon.setTensorFloat32(enabled);
}

/** The value that `setTensorFloat32` set last. */
export function tensorFloat32(): boolean {
  return engine().addon.tensorFloat32();
}

/** Makes `devices` report the memory of the processor's tensors too, at some cost. */
export function countHostMemory(): void {
  engine().addon.countHostMemory();
}

/** Runs `work` in true float32, then restores the previous setting. */
export async function inTrueFloat32<T>(work: () => Promise<T>): Promise<T> {
  const { addon } = engine();
  const before = addon.tensorFloat32();
  addon.setTensorFloat32(false);
  try {
    return await work();
  } finally {
    addon.setTensorFloat32(before);
  }
}

/** The error of a session call, with a remedy if memory was too small. */
function sessionError(what: string, error: unknown): Error {
  if (!(error instanceof Error)) return new RunError(`${what}: ${String(error)}`);
  const { code } = error as { code?: string };
  if (code !== 'RESOURCE_EXHAUSTED') return new RunError(`${what}: ${error.message}`, { cause: error });
  const where = gpuMemory() === undefined ? 'memory' : 'GPU memory';
  const requested = /shape\s*\[[^\]]*\][^.\n]*?(?= on | by |$)/.exec(error.message)?.[0];
  return new RunError(
    `There is not enough ${where}${requested ? ` for a tensor of ${requested}` : ''}. Lower training.batch or model.size, let ` +
      'runtime.microBatch process a few images at a time, or set runtime.recomputeActivations=true.',
    { cause: error },
  );
}

let openSessions = 0;

/** Number of graphs that are loaded and not disposed. */
export function sessionCount(): number {
  return openSessions;
}

/** A graph in a session of its own. Free it with `dispose`. */
export class GraphSession {
  private readonly addon: SessionAddon;
  private handle: SessionHandle | undefined;

  /** @param graph a serialized GraphDef. @throws RunError if TensorFlow rejects it. */
  constructor(graph: Uint8Array) {
    this.addon = engine().addon;
    try {
      this.handle = this.addon.createSession(graph, sessionConfig());
      openSessions++;
    } catch (error) {
      throw sessionError('TensorFlow could not load the captured programs', error);
    }
  }

  /** Prepares a call that takes `feeds`, runs `targets` and returns `fetches`. @throws RunError if TensorFlow fails. */
  callable(
    feeds: readonly FeedSpec[],
    fetches: readonly string[],
    targets: readonly string[] = [],
  ): GraphCall {
    const { addon } = this;
    const session = this.open();
    try {
      const index = addon.makeCallable(session, feeds, fetches, targets);
      return {
        run: (values) => {
          try {
            return addon.run(this.open(), index, values);
          } catch (error) {
            throw runError(error);
          }
        },
        runAsync: async (values) => {
          try {
            return await addon.runAsync(this.open(), index, values);
          } catch (error) {
            throw runError(error);
          }
        },
        release: () => {
          if (this.handle !== undefined) addon.releaseCallable(this.handle, index);
        },
      };
    } catch (error) {
      throw runError(error);
    }
  }

  /** Frees the session with its variables once running calls have ended. */
  dispose(): void {
    if (this.handle === undefined) return;
    this.addon.closeSession(this.handle);
    this.handle = undefined;
    openSessions--;
  }

  private open(): SessionHandle {
    if (this.handle === undefined) throw new RangeError('the captured programs were disposed');
    return this.handle;
  }
}

/** A prepared call of a session. Inputs and outputs are in the order of its feeds and fetches. */
export interface GraphCall {
  run(values: readonly HostValues[]): HostValues[];
  /** Runs on another thread; the caller may change `values` as soon as this returns. */
  runAsync(values: readonly HostValues[]): Promise<HostValues[]>;
  release(): void;
}

function runError(error: unknown): Error {
  if (error instanceof RangeError) return error;
  return sessionError('TensorFlow could not run the captured program', error);
}
