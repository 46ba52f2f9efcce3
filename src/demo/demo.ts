import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import type { Config } from '../config/schema.js';
import { openDataset } from '../data/folder.js';
import { joinPictures, splitPictures } from '../data/pictures.js';
import { drawSampleDataset } from '../data/sample/draw.js';
import { FACTORS_FILE } from '../data/sample/factors-file.js';
import { InterruptedError } from '../errors.js';
import {
  readSampleTestSet,
  referenceFigures,
  type SampleFigures,
  sampleFigures,
} from '../eval/sample-evaluation.js';
import type { NetworkValues } from '../model/parameter-groups.js';
import { Rng } from '../runtime/rng.js';
import { type TrainEvent, trainRun } from '../train/loop.js';
import { buildNetworks, initNetworks } from '../train/networks.js';
import { composeGrid } from '../translate/grid.js';
import { loadModel } from '../translate/model.js';
import { randomStyles } from '../translate/translate-images.js';
import { Translator } from '../translate/translator.js';
import { writeDemoReport } from './demo-report.js';

const TEST_PICTURES = 48;
const STYLES_PER_PHOTO = 4;
const GRID_PHOTOS = 8;
const GRID_STYLES = 6;
const GRID_CELL_PX = 128;

/** What a demo tells while it goes on. */
export type DemoEvent =
  | { type: 'drawing'; done: number; total: number }
  | { type: 'training'; event: TrainEvent }
  | { type: 'measuring'; done: number; total: number }
  | { type: 'done'; grid: string; report: string; figures: DemoFigures };

/** The same figures of the network as drawn, after training, and of real anime pictures. */
export interface DemoFigures {
  untrained: SampleFigures;
  trained: SampleFigures;
  reference: SampleFigures;
}

export interface DemoOptions {
  /** Where everything goes: `dataset/`, `run/`, `translated.png`, `report.html`. */
  outDir: string;
  /** The training's config; `data.root` is set by the demo. */
  config: Config;
  /** Pictures in each training folder of the sample dataset. */
  images: number;
  /** What the machine is called in the report. */
  device: string;
  /** In the report, for instance today's. */
  date: string;
  signal: AbortSignal;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Lets signals have their turn between computations that take seconds. @throws InterruptedError after `signal`. */
async function pause(signal: AbortSignal): Promise<void> {
  await setImmediate();
  if (signal.aborted) throw new InterruptedError('stopped; the same command goes on from there');
}

/** Draws the dataset, unless an earlier demo has; yields progress. */
async function* drawDataset(dir: string, { config, images, signal }: DemoOptions): AsyncGenerator<DemoEvent> {
  if (await exists(join(dir, FACTORS_FILE))) return;
  // The drawing runs by itself; its progress is polled, as a generator cannot be yielded from a callback.
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

/** The untrained, trained and real figures; yields progress. */
async function* measure(
  { config, signal }: DemoOptions,
  root: string,
  weights: { untrained: NetworkValues; trained: NetworkValues },
): AsyncGenerator<DemoEvent, DemoFigures> {
  const set = await readSampleTestSet(root, config.model.size, TEST_PICTURES);
  const total = 2 * set.photos.length;
  const figures = (values: NetworkValues): SampleFigures => {
    const translator = new Translator(config.model, values);
    try {
      return sampleFigures(translator, set, { styles: STYLES_PER_PHOTO, seed: config.training.seed });
    } finally {
      translator.dispose();
    }
  };
  yield { type: 'measuring', done: 0, total };
  await pause(signal);
  const untrained = figures(weights.untrained);
  yield { type: 'measuring', done: set.photos.length, total };
  await pause(signal);
  const trained = figures(weights.trained);
  yield { type: 'measuring', done: total, total };
  await pause(signal);
  return { untrained, trained, reference: referenceFigures(set) };
}

/** Test photos beside their translations, one column for each style. */
async function translatedGrid({ config }: DemoOptions, root: string, values: NetworkValues): Promise<Buffer> {
  const { size, latentDim } = config.model;
  const { photos } = await readSampleTestSet(root, size, GRID_PHOTOS);
  const translator = new Translator(config.model, values);
  try {
    const content = translator.encode('A2B', joinPictures(photos.map(({ data }) => data)));
    const columns = randomStyles(GRID_STYLES, config.training.seed, latentDim).map(({ code }) =>
      splitPictures(translator.decode(content, joinPictures(photos.map(() => code))), size),
    );
    content.codes.dispose();
    const sources = splitPictures(joinPictures(photos.map(({ data }) => data)), size);
    const { png } = await composeGrid({
      rows: sources.map((source, row) => [source, ...columns.map((column) => column[row]!)]),
      columnLabels: ['photo', ...columns.map((_, i) => `style ${i + 1}`)],
      cellSize: GRID_CELL_PX,
      gap: 4,
    });
    return png;
  } finally {
    translator.dispose();
  }
}

/**
 * From nothing to translated pictures: draws the sample dataset, trains on it, translates its test photos, measures
 * them and writes a report. What an interrupted demo has done is kept, and another call goes on from there.
 *
 * @throws InterruptedError after `signal`.
 */
export async function* runDemo(options: DemoOptions): AsyncGenerator<DemoEvent> {
  const { outDir, signal } = options;
  const root = join(outDir, 'dataset');
  const runDir = join(outDir, 'run');
  yield* drawDataset(root, options);
  const config = { ...options.config, data: { ...options.config.data, root } };
  await openDataset(root);
  const earlier = await latestCheckpoint(runDir);
  if (earlier === undefined || earlier.step < config.training.steps) {
    const events = trainRun({ config, runDir, resume: earlier !== undefined, signal });
    for await (const event of events) {
      yield { type: 'training', event };
      if (event.type === 'end' && event.interrupted)
        throw new InterruptedError('stopped; the same command goes on from the checkpoint');
    }
  }
  const { values: trained } = await loadModel(runDir);
  const untrained = initNetworks(buildNetworks(config), new Rng(config.training.seed, 'init'));
  const figures = yield* measure({ ...options, config }, root, { untrained, trained });
  const grid = join(outDir, 'translated.png');
  const png = await translatedGrid(options, root, trained);
  await writeFileAtomic(grid, png);
  const report = join(outDir, 'report.html');
  await writeDemoReport(report, { ...options, config }, { runDir, figures, png });
  yield { type: 'done', grid, report, figures };
}
