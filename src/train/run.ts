// All that the steps of a run need, and what is written beside them: sample grids and the run's page.
import { messageOf } from '../base/errors.js';
import { freeUnusedMemory } from '../base/malloc-trim.js';
import type { World } from '../distributed/world.js';
import type { TranslatingWeights } from '../gan/state.js';
import type { StepContext } from '../gan/step.js';
import type { ComputeFacts } from '../runtime/compute-facts.js';
import type { Translator } from '../translate/translator.js';
import type { AdaptiveAugment } from './adaptive-augment.js';
import type { Batches } from './batches.js';
import type { TrainEvent } from './events.js';
import type { LecamAnchors } from './lecam-anchors.js';
import type { RunLog } from './log/run-log.js';
import type { RunPage } from './log/run-report.js';
import type { Samples } from './log/samples.js';
import type { Peers } from './peers.js';
import type { RunLock } from './run-lock.js';
import type { TermValues, Trainer } from './trainer.js';
import type { BestCheckpoint } from './watch/best-checkpoint.js';
import type { CollapseWatch } from './watch/collapse-watch.js';
import type { StyleDiversity } from './watch/style-diversity.js';

/** All that the steps of a run need. */
export interface Run {
  context: StepContext;
  runDir: string;
  lock: RunLock;
  /** All processes of the run; this one is rank 0. */
  world: World;
  peers: Peers;
  trainer: Trainer;
  batches: Batches;
  augment: AdaptiveAugment;
  lecam: LecamAnchors;
  watch: CollapseWatch;
  diversity: StyleDiversity | undefined;
  best: BestCheckpoint;
  log: RunLog;
  samples: Samples;
  page: RunPage;
  /** Device, versions and arithmetic, for checkpoints. */
  engine: ComputeFacts;
  evaluate?: (translator: Translator) => Promise<TermValues>;
  /** Milliseconds from any origin, for checkpoints by time. */
  clock: () => number;
  /** Events from beside the steps; the next step yields them. */
  events: TrainEvent[];
}

/** Writes the sample grids of a step, and then the page, which shows them. */
export async function writeSamples(run: Run, step: number): Promise<TrainEvent> {
  const { context, samples, trainer, log, runDir } = run;
  const write = async (weights: TranslatingWeights): Promise<string> => {
    const path = await samples.write(runDir, step, trainer.translator(weights), weights);
    await log.tensorboard?.samples(step, path, weights);
    return path;
  };
  const path = await write('ema');
  const rawPath = context.config.log.sampleRaw && (await write('raw'));
  await writePage(run, step);
  freeUnusedMemory();
  return { type: 'samples', step, path, ...(rawPath && { rawPath }) };
}

/** Writes the run's page; a failure becomes a warning. */
export async function writePage({ page, events }: Run, step: number): Promise<void> {
  const error = await page.write({ isTraining: true, step });
  if (error === undefined) return;
  const text = `step ${step}: the report page was not written: ${messageOf(error)}`;
  events.push({ type: 'warning', step, text });
}
