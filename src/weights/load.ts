import { InputError } from '../base/errors.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import type { TorchTensor } from '../checkpoint/torch-layout.js';
import { placeOf, remedyFor, weightsState } from './cache.js';
import { KNOWN_WEIGHTS } from './known.js';
import type { WeightName } from './names.js';

/** Which weights were used, as receipts tell it. */
export interface WeightsSource {
  name: WeightName;
  /** Of the file that they were imported from: the official one where `verified`. */
  sha256: string;
  verified: boolean;
}

export interface LoadedWeights extends WeightsSource {
  /** By torch's names, in torch's layout. */
  tensors: Map<string, TorchTensor>;
}

/**
 * Weights from the cache, whose converted file is checked by its hash.
 *
 * @param env says where the cache is (`cacheDirectory`).
 * @throws InputError with the remedy where they are missing or damaged.
 */
export async function loadWeights(name: WeightName, env?: NodeJS.ProcessEnv): Promise<LoadedWeights> {
  const { file } = placeOf(name, env);
  const state = await weightsState(name, env);
  const complain = (found: string) =>
    new InputError({ expected: `the weights ${name} at ${file}`, found, remedy: remedyFor(name) });
  if (state.state === 'missing') throw complain('none');
  if (state.state === 'damaged') throw complain(`damaged ones (${state.why})`);
  const { tensors } = await readSafetensors(file);
  const kept = [...KNOWN_WEIGHTS[name].tensors].map(([key, shape]): [string, TorchTensor] => {
    const tensor = tensors.get(key);
    if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== shape.join())
      throw complain(`damaged ones (${key} is not as it should be)`);
    return [key, { shape: tensor.shape, data: tensor.data }];
  });
  const { source, verified } = state.record;
  return { name, sha256: source.sha256, verified, tensors: new Map(kept) };
}
