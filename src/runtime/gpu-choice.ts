// Which of several GPUs computes.
import { InputError } from '../base/errors.js';
import type { Gpu } from '../setup/gpus.js';

/** What a GPU is chosen by. */
export type GpuChoice = Pick<Gpu, 'index' | 'name' | 'memoryBytes' | 'memoryUsedBytes'>;

let preferred: number | undefined;

/** Chooses the GPU of an engine that is loaded from here on and told of none, as `gnr --gpu N` does. */
export function preferGpu(index: number | undefined): void {
  preferred = index;
}

/** What `preferGpu` chose last. */
export function preferredGpu(): number | undefined {
  return preferred;
}

/**
 * The CUDA_VISIBLE_DEVICES that leaves one GPU: TensorFlow would take memory on all of them, and tfjs compute on the last
 * one while sessions compute on the first.
 *
 * @param visible the user's own value, whose entries `gpu` then counts.
 * @throws InputError where there is no GPU of that index.
 */
export function visibleGpu(
  gpus: readonly GpuChoice[],
  gpu: number | undefined,
  visible: string | undefined,
): string {
  const own = visible?.split(',').map((entry) => entry.trim());
  const count = own?.length ?? (gpus.length > 0 ? gpus.length : undefined);
  if (gpu !== undefined && (!Number.isInteger(gpu) || gpu < 0 || (count !== undefined && gpu >= count)))
    throw new InputError({
      expected: `--gpu to be one of the ${count ?? ''} GPUs, counted from 0`.replace('  ', ' '),
      found: `${gpu}${gpus.length > 0 ? ` beside ${gpus.map(({ name }, i) => `${i}: ${name}`).join(', ')}` : ''}`,
      remedy: 'take one that nvidia-smi lists, or leave --gpu out',
    });
  if (own !== undefined) return own[gpu ?? 0]!;
  if (gpu !== undefined) return String(gpu);
  const free = ({ memoryBytes, memoryUsedBytes }: GpuChoice) => (memoryBytes ?? 0) - (memoryUsedBytes ?? 0);
  const [freest] = [...gpus].sort((a, b) => free(b) - free(a));
  return String(freest?.index ?? 0);
}
