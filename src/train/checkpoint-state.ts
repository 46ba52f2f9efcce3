import { z } from 'zod';
import { type Checkpoint, type CheckpointContents, saveCheckpoint } from '../checkpoint/checkpoint.js';
import { fromTensors, toTensors } from '../checkpoint/network-tensors.js';
import type { Config } from '../config/schema.js';
import { samplerStateSchema } from '../data/sampler.js';
import { InputError } from '../errors.js';
import type { ParameterSpecs } from '../model/parameters.js';
import { type AdaptiveAugmentState, adaptiveAugmentSchema } from './adaptive-augment.js';
import type { SavedBatchesState } from './batches.js';
import type { Networks } from './networks.js';
import type { TrainStateValues } from './state.js';
import { type BestState, bestStateSchema } from './watch/best-checkpoint.js';
import { type WatchState, watchStateSchema } from './watch/collapse-watch.js';

const progressSchema = z.object({
  /** Seconds spent in training so far. */
  seconds: z.number().nonnegative(),
  /** Null where the training so far was another program's: the sampler then starts anew. */
  samplerA: samplerStateSchema.nullable(),
  samplerB: samplerStateSchema.nullable(),
  /** Factor on the learning rate, which rollbacks make smaller. */
  rateScale: z.number().positive().default(1),
  watch: watchStateSchema.optional(),
  best: bestStateSchema.optional(),
  /** Absent where nothing was transformed so far. */
  adaptiveAugment: adaptiveAugmentSchema.optional(),
});

/** What training needs to go on, beside the tensors. */
export interface TrainProgress extends SavedBatchesState {
  seconds: number;
  rateScale: number;
  watch?: WatchState | undefined;
  best?: BestState | undefined;
  adaptiveAugment?: AdaptiveAugmentState | undefined;
}

/** The parts of training.safetensors: stored weights and Adam's moments. */
const TRAINING_PARTS = ['values', 'first', 'second'] as const;

export function specsByNetwork(networks: Networks): Record<string, ParameterSpecs> {
  const { generator, imageDiscriminator, latentDiscriminator } = networks;
  return {
    G_A2B: generator.specs,
    G_B2A: generator.specs,
    D_A: imageDiscriminator.specs,
    D_B: imageDiscriminator.specs,
    D_L: latentDiscriminator.specs,
  };
}

const OTHER_MODEL = 'use a checkpoint that was trained with the same model section of the config';

/** Saves a step: averaged generators as the model, everything else beside it. @returns the checkpoint's folder. */
export function saveTraining(
  runDir: string,
  step: number,
  config: Config,
  networks: Networks,
  host: Required<TrainStateValues>,
  progress: TrainProgress,
): Promise<string> {
  const { keepLast, keepEverySteps } = config.checkpoint;
  const specs = specsByNetwork(networks);
  const contents: CheckpointContents = {
    model: new Map(toTensors('', host.ema, specs)),
    training: new Map(TRAINING_PARTS.flatMap((part) => toTensors(`${part}/`, host[part], specs))),
    state: { ...progress },
    config,
  };
  return saveCheckpoint(runDir, step, contents, {
    keepLast,
    ...(keepEverySteps !== null && { keepEverySteps }),
    ...(progress.best?.best && { best: progress.best.best.step }),
  });
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
  const read = (part: string) =>
    fromTensors(training, `${part}/`, specs, { file: `${dir}/training.safetensors`, remedy: OTHER_MODEL });
  const hasFirst = [...training.keys()].some((name) => name.startsWith('first/'));
  return {
    host: {
      values: read('values'),
      second: read('second'),
      ...(hasFirst && { first: read('first') }),
      ema: fromTensors(
        model,
        '',
        { G_A2B, G_B2A },
        { file: `${dir}/model.safetensors`, remedy: OTHER_MODEL },
      ),
    },
    progress: progress.data,
  };
}
