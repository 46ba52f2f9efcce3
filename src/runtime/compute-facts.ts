// The facts beside the inputs that the last bits of results depend on, for receipts, run logs and cache keys.
import type { EngineInfo } from './node.js';

/** Facts by name, as texts that can be compared and shown. The same machine and settings give the same facts. */
export type ComputeFacts = Record<string, string>;

/** The facts about a loaded engine. */
export function computeFacts(engine: EngineInfo): ComputeFacts {
  const { tensorflowVersion, device, threads, arithmetic, gpu, deterministic } = engine;
  return {
    tensorflow: tensorflowVersion,
    device,
    threads: String(threads),
    arithmetic,
    ...(gpu && {
      gpu: `${gpu.name} (compute capability ${gpu.computeCapability.toFixed(1)})`,
      driver: gpu.driver ?? 'unknown',
      cudnn: gpu.cudnn ?? 'unknown',
      deterministic: deterministic ? 'yes' : 'no',
    }),
  };
}

/** The differences between two sets of facts, as texts like `driver 570.86 (was 550.54)`. */
export function changedFacts(now: ComputeFacts, before: ComputeFacts): string[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  return names
    .filter((name) => now[name] !== before[name])
    .map((name) => `${name} ${now[name] ?? 'none'} (was ${before[name] ?? 'none'})`);
}

/** The most important facts in a few words: `NVIDIA H100 (compute capability 9.0), tf32`. */
export function describeFacts({ gpu, device, threads, arithmetic }: ComputeFacts): string {
  return [gpu ?? `${device?.toUpperCase()}, ${threads} threads`, arithmetic].join(', ');
}
