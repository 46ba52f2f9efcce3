import type { Tensor } from '@tensorflow/tfjs-core';
import { microBatched } from '../ops/micro-batch.js';
import { type Recomputable, recompute } from '../ops/recompute.js';
import type { Layer } from './layers.js';
import type { StyledLayer } from './modulated.js';
import type { Params } from './parameters.js';

/** What a block of a network does with its parameters and what enters it. */
export type Block = (params: Params, inputs: readonly Tensor[]) => Tensor[];

/** What the blocks of a network keep for their gradients. */
export interface CheckpointPolicy {
  /** @param paths the parameters that the block uses, those it can do without included. */
  block(paths: readonly string[], block: Block): Block;
  layer(layer: Layer): Layer;
  styledLayer(layer: StyledLayer): StyledLayer;
  /** A whole pass through a network, or a part of one, that treats every picture by itself. */
  pass(paths: readonly string[], pass: Block): Block;
}

/** Blocks keep everything that their gradients need. */
export const keepActivations: CheckpointPolicy = {
  block: (_, block) => block,
  pass: (_, pass) => pass,
  layer: (layer) => layer,
  styledLayer: (layer) => layer,
};

/** Blocks keep what enters them, and compute the rest again (activation checkpointing). */
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

/** As `keeping`, with no more than `pictures` in a pass: those of a larger batch go through one part after another. */
export function microBatchedPolicy(policy: CheckpointPolicy, pictures: number): CheckpointPolicy {
  const pass: CheckpointPolicy['pass'] = (paths, block) =>
    withNames(paths, block, (fn, inputs, parameters) => microBatched(fn, inputs, parameters, pictures));
  return { ...policy, pass };
}

function checkpointed(paths: readonly string[], block: Block): Block {
  return withNames(paths, block, recompute);
}

/** Runs a block by something that takes its parameters as a list. */
function withNames(
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
