// A run on the ranks that follow rank 0: they take the same steps on batches of their own, and write nothing.
import { configAt, stageEnd } from '../config/growth.js';
import type { Config } from '../config/schema.js';
import { openDataset } from '../data/folder.js';
import type { World } from '../distributed/world.js';
import { buildNetworks } from '../gan/networks.js';
import type { StepContext } from '../gan/step.js';
import { ranksOf } from '../ops/ranks.js';
import { AdaptiveAugment } from './adaptive-augment.js';
import { Batches } from './batches.js';
import type { TrainEvent } from './events.js';
import { LecamAnchors } from './lecam-anchors.js';
import { openTrainer } from './open-trainer.js';
import { type Next, Peers } from './peers.js';
import { loadPerceptual } from './perceptual-weights.js';
import { advance } from './run-steps.js';
import { checkSameDataset, type SharedStart, shareState } from './shared-start.js';
import type { Trainer } from './trainer.js';

export interface FollowOptions {
  config: Config;
  world: World;
  root: string;
  signal?: AbortSignal | undefined;
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
  { config: whole, world, signal }: FollowOptions,
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
    while (step < until) {
      next = await peers.next(signal);
      if (next !== 'go on') break;
      const batch = await batches.next(step, augment.probabilities, lecam.anchors);
      await advance({ context, trainer, augment, lecam, peers }, batch, step);
      step++;
      yield* events.splice(0);
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
