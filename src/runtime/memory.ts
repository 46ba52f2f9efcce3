// Memory that this process uses, on the machine and on the GPU.
import { gpuMemory } from './session.js';

/** Memory in use now. With a GPU, tensors are there, and the process's own memory says little. */
export interface MemoryUse {
  /** Resident set of the process. */
  rssBytes: number;
  /** Tensors on the GPU, now and at the peak since the process started; absent without a GPU. */
  gpuBytes?: number;
  gpuPeakBytes?: number;
}

/** Peak memory so far. */
export interface PeakMemory {
  peakRssBytes: number;
  /** Tensors on the GPU; absent without a GPU. */
  peakGpuBytes?: number;
}

/** Memory in use now. */
export function memoryUse(): MemoryUse {
  const gpu = gpuMemory();
  return {
    rssBytes: process.memoryUsage.rss(),
    ...(gpu && { gpuBytes: gpu.bytes, gpuPeakBytes: gpu.peakBytes }),
  };
}

/** Peak memory of the process and of the GPU since the process's start. */
export function peakMemory(): PeakMemory {
  const gpu = gpuMemory();
  return {
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    ...(gpu && { peakGpuBytes: gpu.peakBytes }),
  };
}
