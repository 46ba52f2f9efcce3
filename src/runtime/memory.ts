// The memory that this process takes: of the machine, and of the GPU that computes.
import { gpuMemory } from './session.js';

/** What is in use now. On a GPU, the tensors lie there, and the process's own memory says little. */
export interface MemoryUse {
  /** Resident set of the process. */
  rssBytes: number;
  /** In tensors on the GPU, and at most since the process began; absent where the processors compute. */
  gpuBytes?: number;
  gpuPeakBytes?: number;
}

/** What was in use at most so far. */
export interface PeakMemory {
  peakRssBytes: number;
  /** In tensors on the GPU; absent where the processors compute. */
  peakGpuBytes?: number;
}

export function memoryUse(): MemoryUse {
  const gpu = gpuMemory();
  return {
    rssBytes: process.memoryUsage.rss(),
    ...(gpu && { gpuBytes: gpu.bytes, gpuPeakBytes: gpu.peakBytes }),
  };
}

/** Of the process since its start, of the GPU since its start or `resetGpuPeak`. */
export function peakMemory(): PeakMemory {
  const gpu = gpuMemory();
  return {
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    ...(gpu && { peakGpuBytes: gpu.peakBytes }),
  };
}
