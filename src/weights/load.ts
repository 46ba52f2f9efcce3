// Loads pretrained weights from the cache.
import { checkCacheDirectory } from '../base/cache-directory.js';
import { InputError } from '../base/errors.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import type { TorchTensor } from '../checkpoint/torch-layout.js';
import { placeOf, remedyFor, weightsState } from './cache.js';
import { KNOWN_WEIGHTS } from './known.js';
import type { WeightName } from './names.js';

/** Which weights were used, for receipts. */
export interface WeightsSource {
  name: WeightName;
  /** SHA-256 of the imported file: the official one if `verified`. */
  sha256: string;
  verified: boolean;
}

export interface LoadedWeights extends WeightsSource {
  /** Tensors by torch's names, in torch's layout. */
  tensors: Map<string, TorchTensor>;
}

/**
 * Loads weights from the cache and checks the hash of their file.
 *
 * @param env determines the cache folder (`cacheDirectory`).
 * @throws InputError with the remedy if they are missing or damaged, or others can write to the cache.
 */
export async function loadWeights(name: WeightName, env?: NodeJS.ProcessEnv): Promise<LoadedWeights> {
  await checkCacheDirectory(env);
  const { file } = placeOf(name, env);
  const state = await weightsState(name, env);
  const inputError = (found: string) =>
    new InputError({ expected: `the weights ${name} at ${file}`, found, remedy: remedyFor(name) });
  if (state.state === 'missing') throw inputError('none');
  if (state.state === 'damaged') throw inputError(`damaged ones (${state.reason})`);
  const { tensors } = await readSafetensors(file);
  const kept = [...KNOWN_WEIGHTS[name].tensors].map(([key, shape]): [string, TorchTensor] => {
    const tensor = tensors.get(key);
    if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== shape.join())
      throw inputError(`damaged ones (${key} has another shape or type)`);
    return [key, { shape: tensor.shape, data: tensor.data }];
  });
  const { source, verified } = state.record;
  return { name, sha256: source.sha256, verified, tensors: new Map(kept) };
}
