import { z } from 'zod';
import { type Checkpoint, type CheckpointContents, saveCheckpoint } from '../checkpoint/checkpoint.js';
import type { StoredTensor, TensorToStore } from '../checkpoint/safetensors.js';
import type { Config } from '../config/schema.js';
import { samplerStateSchema } from '../data/sampler.js';
import { InputError } from '../errors.js';
import type { NetworkValues } from '../model/parameter-groups.js';
import type { ParameterSpecs } from '../model/parameters.js';
import type { BatchesState } from './batches.js';
import type { Networks } from './networks.js';
import type { TrainStateValues } from './state.js';

const progressSchema = z.object({
  /** Seconds spent in training so far. */
  seconds: z.number().nonnegative(),
  samplerA: samplerStateSchema,
  samplerB: samplerStateSchema,
});

/** What training needs to go on, beside the tensors. */
export interface TrainProgress extends BatchesState {
  seconds: number;
}

/** The parts of training.safetensors: stored weights and Adam's moments. */
const TRAINING_PARTS = ['values', 'first', 'second'] as const;

function specsByNetwork(networks: Networks): Record<string, ParameterSpecs> {
  const { generator, imageDiscriminator, latentDiscriminator } = networks;
  return {
    G_A2B: generator.specs,
    G_B2A: generator.specs,
    D_A: imageDiscriminator.specs,
    D_B: imageDiscriminator.specs,
    D_L: latentDiscriminator.specs,
  };
}

function toTensors(
  prefix: string,
  values: NetworkValues,
  specs: Record<string, ParameterSpecs>,
): [string, TensorToStore][] {
  return Object.entries(values).flatMap(([network, tree]) =>
    Object.entries(tree).map(([path, data]): [string, TensorToStore] => [
      `${prefix}${network}/${path}`,
      { shape: specs[network]![path]!.shape, data },
    ]),
  );
}

/** Values under a prefix such as `values/`, checked against the networks' shapes. @throws InputError naming the tensor. */
export function fromTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix: string,
  specs: Record<string, ParameterSpecs>,
  file: string,
): NetworkValues {
  const values: NetworkValues = {};
  for (const [network, tree] of Object.entries(specs)) {
    values[network] = {};
    for (const [path, { shape }] of Object.entries(tree)) {
      const name = `${prefix}${network}/${path}`;
      const tensor = tensors.get(name);
      if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== shape.join())
        throw new InputError({
          expected: `the tensor ${name} of shape [${shape}] in ${file}`,
          found: tensor === undefined ? 'none' : `one of shape [${tensor.shape}]`,
          remedy: 'use a checkpoint that was trained with the same model section of the config',
        });
      values[network][path] = tensor.data;
    }
  }
  return values;
}

/** Saves a step: averaged generators as the model, everything else beside it. @returns the checkpoint's folder. */
export function saveTraining(
  runDir: string,
  step: number,
  config: Config,
  networks: Networks,
  host: Required<TrainStateValues>,
  progress: TrainProgress,
): Promise<string> {
  const specs = specsByNetwork(networks);
  const contents: CheckpointContents = {
    model: new Map(toTensors('', host.ema, specs)),
    training: new Map(TRAINING_PARTS.flatMap((part) => toTensors(`${part}/`, host[part], specs))),
    state: { ...progress },
    config,
  };
  return saveCheckpoint(runDir, step, contents, { keepLast: config.checkpoint.keepLast });
}

/** The reverse of `saveTraining`. @throws InputError for a checkpoint of another model or without training state. */
export function restoreTraining(
  networks: Networks,
  checkpoint: Checkpoint,
): { host: TrainStateValues; progress: TrainProgress } {
  const specs = specsByNetwork(networks);
  const { G_A2B, G_B2A } = specs as { G_A2B: ParameterSpecs; G_B2A: ParameterSpecs };
  const { dir, model, training } = checkpoint;
  const progress = progressSchema.safeParse(checkpoint.state);
  if (!progress.success)
    throw new InputError({
      expected: `the training's state in ${dir}/state.json`,
      found: z.prettifyError(progress.error).replaceAll('\n', ' '),
      remedy: 'resume from another checkpoint',
    });
  const read = (part: string) => fromTensors(training, `${part}/`, specs, `${dir}/training.safetensors`);
  const hasFirst = [...training.keys()].some((name) => name.startsWith('first/'));
  return {
    host: {
      values: read('values'),
      second: read('second'),
      ...(hasFirst && { first: read('first') }),
      ema: fromTensors(model, '', { G_A2B, G_B2A }, `${dir}/model.safetensors`),
    },
    progress: progress.data,
  };
}
