// Chooses one of several GPUs.
import { InputError } from '../base/errors.js';
import type { Gpu } from '../setup/gpus.js';

/** The properties that a GPU is chosen by. */
export type GpuChoice = Pick<Gpu, 'index' | 'name' | 'memoryBytes' | 'memoryUsedBytes'>;

let preferred: number | undefined;

/** Sets the GPU for engines that are loaded from now on without naming one, as `gnr --gpu N` does. */
export function preferGpu(index: number | undefined): void {
  preferred = index;
}

/** The GPU that `preferGpu` set last. */
export function preferredGpu(): number | undefined {
  return preferred;
}

/** The place of a process among those of the same run on its machine. */
export interface LocalRank {
  localRank: number;
  localSize: number;
}

/** The GPU of a rank: each takes the next one, and more ranks than GPUs share them. @returns undefined for a single rank. */
export function gpuOfRank(
  { localRank, localSize }: LocalRank,
  gpus: readonly GpuChoice[],
  { CUDA_VISIBLE_DEVICES: visible }: NodeJS.ProcessEnv,
): number | undefined {
  const count = visible?.split(',').length ?? gpus.length;
  return localSize === 1 || count === 0 ? undefined : localRank % count;
}

/**
 * The value of CUDA_VISIBLE_DEVICES that leaves one GPU visible. With several, TensorFlow would take memory on all of
 * them, and tfjs would compute on the last one while sessions compute on the first.
 *
 * @param visible the user's own value; if set, `gpu` is an index into its entries.
 * @throws InputError if there is no GPU with this index.
 */
export function visibleGpu(
  gpus: readonly GpuChoice[],
  gpu: number | undefined,
  visible: string | undefined,
): string {
  const visibleIds = visible?.split(',').map((entry) => entry.trim());
  const count = visibleIds?.length ?? (gpus.length > 0 ? gpus.length : undefined);
  if (gpu !== undefined && (!Number.isInteger(gpu) || gpu < 0 || (count !== undefined && gpu >= count)))
    throw new InputError({
      expected: `--gpu to be one of the ${count ?? ''} GPUs, counted from 0`.replace('  ', ' '),
      found: `${gpu}${gpus.length > 0 ? `, with GPUs ${gpus.map(({ name }, i) => `${i}: ${name}`).join(', ')}` : ''}`,
      remedy: 'give an index that nvidia-smi lists, or remove --gpu',
    });
  if (visibleIds !== undefined) return visibleIds[gpu ?? 0]!;
  if (gpu !== undefined) return String(gpu);
  const free = ({ memoryBytes, memoryUsedBytes }: GpuChoice) => (memoryBytes ?? 0) - (memoryUsedBytes ?? 0);
  const [freest] = [...gpus].sort((a, b) => free(b) - free(a));
  return String(freest?.index ?? 0);
}
