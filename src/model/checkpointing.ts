// Activation checkpointing and micro-batches: policies for which activations a network keeps for its gradients.

import type { Tensor } from '@tensorflow/tfjs-core';
import { microBatched } from '../ops/micro-batch.js';
import { type Recomputable, recompute } from '../ops/recompute.js';
import type { Layer } from './layers.js';
import type { StyledLayer } from './modulated.js';
import type { Params } from './parameters.js';

/** A block of a network: a function of its parameters and its inputs. */
export type Block = (params: Params, inputs: readonly Tensor[]) => Tensor[];

/** Decides what the blocks of a network keep for their gradients, by wrapping each of them. */
export interface CheckpointPolicy {
  /** @param paths the parameters that the block uses, including optional ones. */
  block(paths: readonly string[], block: Block): Block;
  layer(layer: Layer): Layer;
  styledLayer(layer: StyledLayer): StyledLayer;
  /** A whole pass through a network, or through a part of one, that handles every image on its own. */
  pass(paths: readonly string[], pass: Block): Block;
}

/** Keeps all activations that the gradients need: the default. */
export const keepActivations: CheckpointPolicy = {
  block: (_, block) => block,
  pass: (_, pass) => pass,
  layer: (layer) => layer,
  styledLayer: (layer) => layer,
};

/** Keeps the inputs of each block and recomputes the rest for the gradient (activation checkpointing). */
export const keepBlockInputs: CheckpointPolicy = {
  block: checkpointed,
  pass: (_, pass) => pass,
  layer(layer) {
    const block = checkpointed(Object.keys(layer.specs), (params, [x]) => [layer.apply(params, x!)]);
    return { ...layer, apply: (params, x) => block(params, [x])[0]! };
  },
  styledLayer(layer) {
    const paths = [...Object.keys(layer.specs), ...layer.derivedPaths];
    const block = checkpointed(paths, (params, [x, style]) => [layer.apply(params, x!, style!)]);
    return { ...layer, apply: (params, x, style) => block(params, [x, style])[0]! };
  },
};

/**
 * Extends a policy: splits every pass into micro-batches, which run one after another.
 *
 * @param images largest number of images in a micro-batch.
 */
export function microBatchedPolicy(policy: CheckpointPolicy, images: number): CheckpointPolicy {
  const pass: CheckpointPolicy['pass'] = (paths, block) =>
    withParameterList(paths, block, (fn, inputs, parameters) => microBatched(fn, inputs, parameters, images));
  return { ...policy, pass };
}

/** A block that keeps its inputs only. */
function checkpointed(paths: readonly string[], block: Block): Block {
  return withParameterList(paths, block, recompute);
}

/** Runs a block, whose parameters have names, through a function that takes them as a list. */
function withParameterList(
  paths: readonly string[],
  block: Block,
  run: (fn: Recomputable, inputs: readonly Tensor[], parameters: readonly Tensor[]) => Tensor[],
): Block {
  return (params, inputs) => {
    const used = paths.filter((path) => params[path] !== undefined);
    const named = (tensors: readonly Tensor[]): Params =>
      Object.fromEntries(used.map((path, i) => [path, tensors[i]!]));
    return run(
      (activations, parameters) => block(named(parameters), activations),
      inputs,
      used.map((path) => params[path]!),
    );
  };
}
