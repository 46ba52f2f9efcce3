// Reads the tensors of an imported model.
import { join } from 'node:path';
import { readModelConfig } from '../../src/checkpoint/layout.js';
import { readSafetensors, type TensorData } from '../../src/checkpoint/safetensors.js';
import { networkSpecs } from '../../src/model/networks.js';
import type { ParameterSpecs } from '../../src/model/parameters.js';
import { modelConfigSchema } from '../../src/translate/model.js';

/** The tensors of one network of a model's folder, by their paths in the network. */
export async function readModelTensors(
  dir: string,
  network: string,
): Promise<{ specs: ParameterSpecs; tensors: Map<string, TensorData> }> {
  const { model } = await readModelConfig(join(dir, 'config.json'), modelConfigSchema);
  const { tensors } = await readSafetensors(join(dir, 'model.safetensors'));
  const own = [...tensors].filter(([name]) => name.startsWith(`${network}/`));
  return {
    specs: networkSpecs(model)[network as 'G_A2B'],
    tensors: new Map(own.map(([name, { data }]) => [name.slice(network.length + 1), data])),
  };
}
