// Describes the loaded engine: device, versions, threads and arithmetic.
import { availableProcessors } from '../base/processors.js';
import type { Gpu } from '../setup/gpus.js';
import type { Arithmetic } from './capture/recorder.js';
import { cudnnVersion, devices } from './session.js';

/** The engine that `loadEngine` loaded. */
export interface EngineInfo {
  /** The name of the tfjs backend. */
  backend: string;
  device: 'cpu' | 'gpu';
  tensorflowVersion: string;
  tfjsVersion: string;
  /** Number of threads that compute. */
  threads: number;
  arithmetic: Arithmetic;
  /** Whether the same inputs give the same bytes on the same machine and versions; always true on processors. */
  deterministic: boolean;
  /** The GPU that computes; absent on processors. */
  gpu?: GpuInfo;
  /** Why the device is the processor although the GPU build is installed, with the remedy; absent otherwise. */
  fallback?: string;
}

/** The properties of a GPU that its results depend on. */
export interface GpuInfo {
  name: string;
  /** Such as 9.0. */
  computeCapability: number;
  /** Version of the driver; undefined if unknown. */
  driver: string | undefined;
  cudnn: string | undefined;
}

/** The GPU that computes, as TensorFlow and the driver describe it. @param gpu the driver's description. */
export function gpuInfo(gpu: Gpu | undefined): GpuInfo {
  const description = devices().find(({ type }) => type === 'GPU')?.description ?? '';
  return {
    name: /name: ([^,]+)/.exec(description)?.[1] ?? gpu?.name ?? 'unknown',
    computeCapability: Number(
      /compute capability: ([\d.]+)/.exec(description)?.[1] ?? gpu?.computeCapability ?? 0,
    ),
    driver: gpu?.driver,
    cudnn: cudnnVersion(),
  };
}

/** TensorFlow uses as many threads as it may use processors, for one operation or several, unless it is configured. */
export function threadCount(): number {
  const { TF_NUM_INTRAOP_THREADS: perOperation, TF_NUM_INTEROP_THREADS: operations } = process.env;
  const configured = Number(perOperation) * Number(operations ?? 1);
  return Number.isInteger(configured) && configured > 0 ? configured : availableProcessors();
}
