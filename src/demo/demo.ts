// The demo: draws a dataset, trains on it, translates test photos and writes a page.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError, InterruptedError } from '../base/errors.js';
import { Rng } from '../base/rng.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import type { Config } from '../config/schema.js';
import { openDataset } from '../data/folder.js';
import { buildNetworks, initNetworks } from '../gan/networks.js';
import type { NetworkValues } from '../model/parameters.js';
import { drawSampleDataset } from '../sample/draw.js';
import { FACTORS_FILE } from '../sample/factors-file.js';
import {
  readSampleTestSet,
  referenceFigures,
  type SampleFigures,
  type SampleTestSet,
  sampleFigures,
} from '../sample/sample-evaluation.js';
import type { TrainEvent } from '../train/events.js';
import { trainRun } from '../train/loop.js';
import { readModel, type StoredModel } from '../translate/model.js';
import { openTranslator } from '../translate/open-translator.js';
import { writeDemoReport } from './demo-report.js';
import { translatedGrid } from './translated-grid.js';

const TEST_IMAGES = 48;
const STYLES_PER_PHOTO = 4;

/** An event of the demo. */
export type DemoEvent =
  | { type: 'drawing'; done: number; total: number }
  | { type: 'translating'; done: number; total: number }
  | ({ type: 'sampleModel' } & SampleModelResult)
  | { type: 'noSampleModel'; reason: string }
  | { type: 'training'; event: TrainEvent }
  | { type: 'measuring'; done: number; total: number }
  | { type: 'done'; grid: string; report: string; figures: DemoFigures };

/** The figures of the untrained network, of the trained network, and of real anime images. */
export interface DemoFigures {
  untrained: SampleFigures;
  trained: SampleFigures;
  reference: SampleFigures;
}

/** The sample model's translations of the test photos: the path of their grid, and figures. */
export interface SampleModelResult {
  grid: string;
  figures: SampleFigures;
  reference: SampleFigures;
}

export interface DemoOptions {
  /** The folder for all output: `dataset/`, `run/`, `sample-model.png`, `translated.png`, `report.html`. */
  outDir: string;
  /** The folder of a trained model to show first; the demo continues without it if it cannot be read. */
  sampleModel: string;
  /** The config of training; the demo sets `data.root`. */
  config: Config;
  /** Number of images in each training folder of the sample dataset. */
  images: number;
  /** Name of the device on the page. */
  device: string;
  /** Date on the page. */
  date: string;
  signal: AbortSignal;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Lets signals arrive between computations that take seconds. @throws InterruptedError after `signal`. */
async function pause(signal: AbortSignal): Promise<void> {
  await setImmediate();
  if (signal.aborted) throw new InterruptedError('stopped; the same command continues from there');
}

/** Draws the dataset unless an earlier demo has; yields progress. */
async function* drawDataset(dir: string, { config, images, signal }: DemoOptions): AsyncGenerator<DemoEvent> {
  if (await exists(join(dir, FACTORS_FILE))) return;
  // Progress is polled, because a callback cannot yield.
  let progress = { done: 0, total: 0 };
  let isOver = false;
  const work = drawSampleDataset({
    dir,
    images,
    size: 2 * config.model.size,
    seed: config.training.seed,
    signal,
    onProgress: (done, total) => {
      progress = { done, total };
    },
  }).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([work, new Promise((resolve) => setTimeout(resolve, 200))]);
    yield { type: 'drawing', ...progress };
  }
  await work;
}

/** A model's figures on the test set, and its grid. */
async function translateTestSet(
  { config }: DemoOptions,
  { architecture, values }: Pick<StoredModel, 'architecture' | 'values'>,
  set: SampleTestSet,
): Promise<{ figures: SampleFigures; png: Buffer }> {
  const { seed } = config.training;
  const translator = openTranslator(architecture, values, config.runtime);
  try {
    const png = await translatedGrid(translator, set, seed);
    return { png, figures: sampleFigures(translator, set, { styles: STYLES_PER_PHOTO, seed }) };
  } finally {
    translator.dispose();
  }
}

/** Translates the test photos with the sample model. @returns its grid and figures; undefined if there is no model. */
async function* showSampleModel(
  options: DemoOptions,
  root: string,
  set: SampleTestSet,
): AsyncGenerator<DemoEvent, (SampleModelResult & { png: Buffer }) | undefined> {
  const { sampleModel, outDir, config, signal } = options;
  let model: StoredModel;
  try {
    model = await readModel(sampleModel);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    yield { type: 'noSampleModel', reason: error.message };
    return undefined;
  }
  const total = set.photos.length;
  yield { type: 'translating', done: 0, total };
  await pause(signal);
  const { size } = model.architecture;
  const modelSet = size === config.model.size ? set : await readSampleTestSet(root, size, total);
  const { png, figures } = await translateTestSet(options, model, modelSet);
  const grid = join(outDir, 'sample-model.png');
  await writeFileAtomic(grid, png);
  yield { type: 'translating', done: total, total };
  const result = { grid, figures, reference: referenceFigures(modelSet) };
  yield { type: 'sampleModel', ...result };
  await pause(signal);
  return { ...result, png };
}

/** Measures the untrained and the trained network and real images; yields progress. @returns figures, and the trained network's grid. */
async function* measure(
  options: DemoOptions,
  set: SampleTestSet,
  weights: { untrained: NetworkValues; trained: NetworkValues },
): AsyncGenerator<DemoEvent, { figures: DemoFigures; png: Buffer }> {
  const { config, signal } = options;
  const translated = (values: NetworkValues) =>
    translateTestSet(options, { architecture: config.model, values }, set);
  const total = 2 * set.photos.length;
  yield { type: 'measuring', done: 0, total };
  await pause(signal);
  const untrained = await translated(weights.untrained);
  yield { type: 'measuring', done: set.photos.length, total };
  await pause(signal);
  const trained = await translated(weights.trained);
  yield { type: 'measuring', done: total, total };
  await pause(signal);
  const reference = referenceFigures(set);
  return {
    figures: { untrained: untrained.figures, trained: trained.figures, reference },
    png: trained.png,
  };
}

/**
 * Runs the demo: draws the sample dataset, translates its test photos with the sample model, trains on it, translates the
 * photos with the result, measures the images and writes a page. An interrupted demo keeps its output, and another call
 * continues from there.
 *
 * @throws InterruptedError after `signal`.
 */
export async function* runDemo(demoOptions: DemoOptions): AsyncGenerator<DemoEvent> {
  const { outDir, signal } = demoOptions;
  const root = join(outDir, 'dataset');
  const runDir = join(outDir, 'run');
  yield* drawDataset(root, demoOptions);
  const config = { ...demoOptions.config, data: { ...demoOptions.config.data, root } };
  const options = { ...demoOptions, config };
  await openDataset(root);
  const set = await readSampleTestSet(root, config.model.size, TEST_IMAGES);
  const sampleModel = yield* showSampleModel(options, root, set);
  const earlier = await latestCheckpoint(runDir);
  if (earlier === undefined || earlier.step < config.training.steps) {
    const events = trainRun({ config, runDir, resume: earlier !== undefined, signal });
    for await (const event of events) {
      yield { type: 'training', event };
      if (event.type === 'end' && event.interrupted)
        throw new InterruptedError('stopped; the same command continues from the checkpoint');
    }
  }
  const { values: trained } = await readModel(runDir);
  const untrained = initNetworks(buildNetworks(config), new Rng(config.training.seed, 'init'));
  const { figures, png } = yield* measure(options, set, { untrained, trained });
  const grid = join(outDir, 'translated.png');
  await writeFileAtomic(grid, png);
  const report = join(outDir, 'report.html');
  await writeDemoReport(report, options, { runDir, figures, png, sampleModel });
  yield { type: 'done', grid, report, figures };
}
