// Training state as a checkpoint: what is saved of a run, and how it is restored.
import { z } from 'zod';
import { parseOrThrow } from '../base/parse-or-throw.js';
import {
  type Checkpoint,
  type CheckpointContents,
  type KeepPolicy,
  latestCheckpoint,
  readCheckpointState,
  removeCheckpoint,
  type SaveOptions,
  saveCheckpoint,
  settleCheckpoints,
} from '../checkpoint/checkpoint.js';
import { fromTensors, type NetworkSpecs } from '../checkpoint/network-tensors.js';
import type { TensorStream } from '../checkpoint/safetensors.js';
import type { Config } from '../config/schema.js';
import { samplerStateSchema } from '../data/sampler.js';
import type { Networks } from '../gan/networks.js';
import type { StatePart, TrainStateValues } from '../gan/state.js';
import { hasFirstMoments } from '../gan/step.js';
import { type NetworkName, specsByNetwork } from '../model/networks.js';
import type { ParameterSpecs } from '../model/parameters.js';
import type { ComputeFacts } from '../runtime/compute-facts.js';
import { type AdaptiveAugmentState, adaptiveAugmentSchema } from './adaptive-augment.js';
import type { SavedBatchesState } from './batches.js';
import { type LecamAnchorsState, lecamAnchorsSchema } from './lecam-anchors.js';
import { type SinceRow, sinceRowSchema } from './log/run-log.js';
import type { Trainer } from './trainer.js';
import { type UnfinishedStep, unfinishedStepSchema } from './unfinished-step.js';
import { type BestState, bestStateSchema } from './watch/best-checkpoint.js';
import { type WatchState, watchStateSchema } from './watch/collapse-watch.js';

const progressSchema = z.object({
  /** Seconds spent in training so far. */
  seconds: z.number().nonnegative(),
  /** Null if another program has trained so far: the sampler then starts from the beginning. */
  samplerA: samplerStateSchema.nullable(),
  samplerB: samplerStateSchema.nullable(),
  /** Factor on the learning rate; rollbacks make it smaller. */
  rateScale: z.number().positive().default(1),
  watch: watchStateSchema.optional(),
  best: bestStateSchema.optional(),
  /** Absent without adaptive augmentation. */
  adaptiveAugment: adaptiveAugmentSchema.optional(),
  /** Absent without LeCam regularisation. */
  lecamAnchors: lecamAnchorsSchema.optional(),
  /** Absent in checkpoints of other programs. */
  sinceRow: sinceRowSchema.optional(),
  /** Whether `checkpoint.everyMinutes` is the reason for the checkpoint, so that the next one replaces it. */
  isInterim: z.boolean().optional(),
  /** Absent where all that follows the checkpoint's step was done. */
  unfinished: unfinishedStepSchema.optional(),
  /** Device, versions and arithmetic; absent in checkpoints of other programs. */
  engine: z.record(z.string(), z.string()).optional(),
  /** Number of processes; absent if it is 1. All have the same samplers, and the rest of their draws follows from seed, step and rank. */
  ranks: z.int().positive().optional(),
});

/** The part of the training state that is not tensors. */
export interface TrainProgress extends SavedBatchesState {
  seconds: number;
  rateScale: number;
  watch?: WatchState | undefined;
  best?: BestState | undefined;
  adaptiveAugment?: AdaptiveAugmentState | undefined;
  lecamAnchors?: LecamAnchorsState | undefined;
  sinceRow?: SinceRow | undefined;
  isInterim?: boolean | undefined;
  unfinished?: UnfinishedStep | undefined;
  engine?: ComputeFacts | undefined;
  ranks?: number | undefined;
}

const OTHER_MODEL = 'use a checkpoint that was trained with the same model section of the config';

/** The tensors of some parts of the state, read from the trainer while they are written. */
function streamOf(read: Trainer['read'], parts: readonly StatePart[], specs: NetworkSpecs): TensorStream {
  const nameOf = (part: StatePart, network: string, path: string): string =>
    part === 'ema' ? `${network}/${path}` : `${part}/${network}/${path}`;
  const tensors: TensorStream['tensors'] = new Map(
    parts.flatMap((part) =>
      Object.entries(specs).flatMap(([network, tree]) =>
        Object.entries(tree).map(
          ([path, { shape }]) => [nameOf(part, network, path), { shape, dtype: 'F32' }] as const,
        ),
      ),
    ),
  );
  const data = function* (): Generator<[string, Float32Array]> {
    for (const { part, network, path, data } of read((vector) => parts.includes(vector.part)))
      yield [nameOf(part, network, path), data];
  };
  return { tensors, data: data() };
}

/** Which checkpoints stay beside one with this progress. It replaces interim ones; `checkpoint.keepLast` counts none of them. */
function keepPolicy({ checkpoint }: Config, { isInterim, best }: TrainProgress): KeepPolicy {
  const { keepLast, keepEverySteps, keepBest } = checkpoint;
  return {
    keepLast: isInterim ? keepLast + 1 : keepLast,
    replaces: (state) => state.isInterim === true,
    ...(keepEverySteps !== null && { keepEverySteps }),
    // A resumed run may ask for another metric.
    ...(best?.best && best.best.metric === keepBest?.metric && { best: best.best.step }),
  };
}

/**
 * Does what a process that died left undone when it saved the checkpoint of `step`, from which a run continues.
 * @param progress that of the checkpoint.
 */
export function settleTraining(
  runDir: string,
  step: number,
  config: Config,
  progress: TrainProgress,
): Promise<void> {
  return settleCheckpoints(runDir, step, keepPolicy(config, progress));
}

/**
 * Saves a checkpoint: the EMA generators as the model, everything else beside it. The state is read in small parts.
 *
 * @param read that of the trainer; an error that it throws ends the writing, and earlier checkpoints are kept.
 * @param options.confirm that of `saveCheckpoint`.
 * @returns the checkpoint's folder.
 */
export function saveTraining(
  runDir: string,
  step: number,
  config: Config,
  networks: Networks,
  read: Trainer['read'],
  progress: TrainProgress,
  options: Pick<SaveOptions, 'confirm'> = {},
): Promise<string> {
  const specs = specsByNetwork(networks);
  const { G_A2B, G_B2A } = specs;
  const parts: StatePart[] = hasFirstMoments(config) ? ['values', 'first', 'second'] : ['values', 'second'];
  const contents: CheckpointContents = {
    model: streamOf(read, ['ema'], { G_A2B, G_B2A }),
    training: streamOf(read, parts, specs),
    state: { ...progress },
    config,
  };
  return saveCheckpoint(runDir, step, contents, { ...keepPolicy(config, progress), ...options });
}

/**
 * Removes the newest checkpoint of a run if it is an interim one. A rollback that started from it would depend on the speed of the
 * machine.
 */
export async function dropInterimCheckpoint(runDir: string): Promise<void> {
  const newest = await latestCheckpoint(runDir);
  if (newest === undefined) return;
  const state = await readCheckpointState(newest.dir);
  if (state.isInterim === true) await removeCheckpoint(runDir, newest.step);
}

/**
 * Inverse of `saveTraining`.
 *
 * @param specs those of the checkpoint's networks.
 * @throws InputError for a checkpoint of another model or without training state.
 */
export function restoreTraining(
  specs: Record<NetworkName, ParameterSpecs>,
  checkpoint: Checkpoint,
): { host: TrainStateValues; progress: TrainProgress } {
  const { G_A2B, G_B2A } = specs;
  const { dir, model, training } = checkpoint;
  const progress = parseOrThrow(progressSchema, checkpoint.state, {
    expected: `the training's state in ${dir}/state.json`,
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
    progress: progress,
  };
}
