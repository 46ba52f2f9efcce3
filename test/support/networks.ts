// Parameters of untrained networks.
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/base/rng.js';
import { initParameters, type ParameterSpecs, type Params } from '../../src/model/parameters.js';
import { ParameterGroup } from '../../src/optim/parameter-groups.js';

/** Effective parameters of a network that is initialised from a seed, with biases that are not all 0. */
export function drawnParams(specs: ParameterSpecs, seed = 1): Params {
  const values = initParameters(specs, new Rng(seed, 'network'));
  const rng = new Rng(seed, 'biases');
  for (const [path, data] of Object.entries(values))
    if (path.endsWith('bias')) values[path] = data.map((value) => value + rng.normal(0, 0.2));
  const group = new ParameterGroup({ net: specs });
  return group.parameters(group.pack({ net: values }).map((flat) => tf.tensor1d(flat))).net!;
}
