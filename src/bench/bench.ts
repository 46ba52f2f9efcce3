// Times training steps and translation on this machine.
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { buildNetworks, initNetworks } from '../gan/networks.js';
import { noiseBatch } from '../gan/noise-batch.js';
import type { StepContext } from '../gan/step.js';
import { buildGenerator } from '../model/generator.js';
import { initParameters } from '../model/parameters.js';
import { hasR1 } from '../optim/schedule.js';
import { type PeakMemory, peakMemory } from '../runtime/memory.js';
import { CapturedTrainer } from '../train/captured-trainer.js';
import { median } from '../train/forecast.js';
import { openTrainer } from '../train/open-trainer.js';
import { CapturedTranslator } from '../translate/captured-translator.js';
import { openTranslator } from '../translate/open-translator.js';
import { drawStyles } from '../translate/translator.js';

/** Number of runs before those that count: they allocate memory and select algorithms. */
export const WARM_UP = 2;

/** The result of a benchmark. Seconds are per training step, or per translated batch. */
export interface BenchResult extends PeakMemory {
  work: 'train' | 'translate';
  size: number;
  batch: number;
  captured: boolean;
  arithmetic: Config['runtime']['arithmetic'];
  activations: Config['runtime']['activations'];
  /** Whether the training steps had R1. */
  withR1?: boolean;
  /** Median after the warm-up. */
  seconds: number;
  /** Seconds of every run in order, including the warm-up. */
  all: number[];
  /** Number of graph nodes of a step without R1, or of encoding and decoding; absent without capture. */
  kernels?: number;
  /** Seconds for recording and loading the graph. */
  captureSeconds?: number;
}

function summary(config: Config, work: BenchResult['work'], all: number[]): BenchResult {
  return {
    work,
    size: config.model.size,
    batch: config.training.batch,
    captured: config.runtime.capture,
    arithmetic: config.runtime.arithmetic,
    activations: config.runtime.activations,
    seconds: median(all.length > WARM_UP ? all.slice(WARM_UP) : all),
    all,
    ...peakMemory(),
  };
}

/** A trainer with random weights; a separate function, so that the host's copy of them can be freed. */
function makeTrainer(context: StepContext, rng: Rng) {
  const values = initNetworks(context.networks, rng.fork('init'));
  const began = performance.now();
  const trainer = openTrainer(context, { values });
  return { trainer, captureSeconds: (performance.now() - began) / 1000 };
}

/**
 * Times training steps, either all with R1 or all without (training has R1 every `training.r1EverySteps` steps, and it
 * takes more time and memory).
 *
 * @param onStep called with the number of steps done.
 */
export async function benchTrain(
  config: Config,
  steps: number,
  onStep: (done: number) => void,
  withR1 = false,
): Promise<BenchResult> {
  const networks = buildNetworks(config);
  const context: StepContext = { config, networks };
  const rng = new Rng(config.training.seed, 'bench');
  const { trainer, captureSeconds } = makeTrainer(context, rng);
  freeUnusedMemory();
  const batch = noiseBatch(config, config.training.seed);
  // Step 0 has R1 if its weight is not 0, and step 1 has none.
  const index = withR1 ? 0 : 1;
  const all: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await trainer.step(batch, index);
    all.push((performance.now() - start) / 1000);
    onStep(i + 1);
  }
  const kernels = trainer instanceof CapturedTrainer ? trainer.kernels : undefined;
  trainer.dispose();
  return {
    ...summary(config, 'train', all),
    withR1: hasR1(index, config.training),
    ...(kernels && { kernels, captureSeconds }),
  };
}

/** A translator with random weights; a separate function, so that the host's copy of them can be freed. */
function makeTranslator({ model, training, runtime }: Config, rng: Rng) {
  const { specs } = buildGenerator(model);
  const draw = (name: string) => initParameters(specs, rng.fork(name));
  const values = { G_A2B: draw('G_A2B'), G_B2A: draw('G_B2A') };
  const began = performance.now();
  const translator = openTranslator(model, values, { ...runtime, batch: training.batch });
  return { translator, captureSeconds: (performance.now() - began) / 1000 };
}

/** Times encoding and decoding a batch of images with random styles. @param onRun called with the number of runs done. */
export function benchTranslate(config: Config, runs: number, onRun: (done: number) => void): BenchResult {
  const { size, latentDim } = config.model;
  const { batch } = config.training;
  const rng = new Rng(config.training.seed, 'bench');
  const { translator, captureSeconds } = makeTranslator(config, rng.fork('init'));
  freeUnusedMemory();
  const images = rng.normals(batch * size * size * 3);
  const all: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    translator.translate('A2B', images, drawStyles(rng, batch, latentDim));
    all.push((performance.now() - start) / 1000);
    onRun(i + 1);
  }
  const kernels = translator instanceof CapturedTranslator ? translator.kernels(batch) : undefined;
  translator.dispose();
  return { ...summary(config, 'translate', all), ...(kernels && { kernels, captureSeconds }) };
}
