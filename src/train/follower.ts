// A run on the ranks that follow rank 0: they take the same steps on batches of their own, and write nothing.
import { configAt, stageEnd } from '../config/growth.js';
import type { Config } from '../config/schema.js';
import { openDataset } from '../data/folder.js';
import { SharedInputError } from '../distributed/share.js';
import type { World } from '../distributed/world.js';
import { buildNetworks } from '../gan/networks.js';
import type { StepContext } from '../gan/step.js';
import { ranksOf } from '../ops/ranks.js';
import type { Translator } from '../translate/translator.js';
import { AdaptiveAugment } from './adaptive-augment.js';
import { Batches } from './batches.js';
import type { TrainEvent } from './events.js';
import { LecamAnchors } from './lecam-anchors.js';
import { openTrainer } from './open-trainer.js';
import { type Next, Peers } from './peers.js';
import { loadPerceptual } from './perceptual-weights.js';
import { advance } from './run-steps.js';
import { checkSameDataset, type SharedStart, shareState } from './shared-start.js';
import { isEvaluated, measureWeights } from './step-observers.js';
import type { TermValues, Trainer } from './trainer.js';

export interface FollowOptions {
  config: Config;
  world: World;
  root: string;
  signal?: AbortSignal | undefined;
  /** This rank's part of the evaluations of `trainRun`. */
  evaluate?: ((translator: Translator) => Promise<TermValues>) | undefined;
}

/**
 * Takes the steps of a run that rank 0 leads, until it ends. After a stage, or a divergence, rank 0 starts again from a
 * checkpoint; if it fails, all ranks do.
 *
 * @throws as `trainRun`.
 */
export async function* followRun(options: FollowOptions): AsyncGenerator<TrainEvent> {
  const dataset = await openDataset(options.root, { requireTest: false });
  await checkSameDataset(options.world, dataset);
  for (let goesOn = true; goesOn; ) {
    const start = await options.world.broadcastValue<SharedStart | undefined>(undefined);
    goesOn = yield* followOnce(options, dataset, start!);
  }
}

/** @returns whether another start follows: the next stage, or the same one again. */
async function* followOnce(
  { config: whole, world, signal, evaluate }: FollowOptions,
  dataset: Awaited<ReturnType<typeof openDataset>>,
  { step: from, rateScale, progress }: SharedStart,
): AsyncGenerator<TrainEvent, boolean> {
  const config = configAt(whole, from);
  const { steps } = config.training;
  const until = stageEnd(config);
  const networks = buildNetworks(config, ranksOf(world.size));
  const events: TrainEvent[] = [];
  const batches = new Batches(config, dataset, {
    world,
    ...(progress?.samplerA && progress.samplerB
      ? { state: { samplerA: progress.samplerA, samplerB: progress.samplerB } }
      : {}),
    onBadFile: (file, error) => events.push({ type: 'bad-file', file, error }),
  });
  const perceptual = await loadPerceptual(config);
  let trainer: Trainer | undefined;
  try {
    const context: StepContext = { config, networks, rateScale, ...(perceptual && { perceptual }) };
    trainer = openTrainer(context, await shareState(world, config, networks, undefined));
    const peers = new Peers(world);
    const augment = new AdaptiveAugment(config.training, progress?.adaptiveAugment, world.size);
    const lecam = new LecamAnchors(config.training, progress?.lecamAnchors);
    let step = from;
    let next: Next = 'go on';
    const { unfinished } = progress ?? {};
    if (unfinished !== undefined) {
      next = await peers.next(signal);
      if (next === 'go on' && unfinished.observer === 'evaluation')
        await shareEvaluation(world, trainer, evaluate);
    }
    while (step < until) {
      next = await peers.next(signal);
      if (next !== 'go on') break;
      const batch = await batches.next(step, augment.probabilities, lecam.anchors);
      await advance({ context, trainer, augment, lecam, peers }, batch, step);
      step++;
      yield* events.splice(0);
      if (isEvaluated(step, config)) await shareEvaluation(world, trainer, evaluate);
    }
    // After rank 0 has saved the last step.
    if (next !== 'restart') next = await peers.next(signal);
    if (next === 'restart' || (step < steps && next === 'go on')) return true;
    yield { type: 'end', step, interrupted: step < steps };
    return false;
  } finally {
    await batches.close();
    trainer?.dispose();
    perceptual?.dispose();
  }
}

/** Does this rank's part of an evaluation of the weights. */
async function shareEvaluation(
  world: World,
  trainer: Trainer,
  evaluate: FollowOptions['evaluate'],
): Promise<void> {
  if (evaluate === undefined) return;
  try {
    await world.alone(() => measureWeights(trainer, evaluate));
  } catch (error) {
    // Rank 0 throws it too, saves the steps since the last checkpoint, and then ends the run.
    if (!(error instanceof SharedInputError)) throw error;
  }
}
