// The demo from scratch: draws a dataset, trains a small network on it, translates test photos and writes a page.
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import { Rng } from '../base/rng.js';
import { openDataset } from '../data/folder.js';
import { buildNetworks, initNetworks } from '../gan/networks.js';
import type { NetworkValues } from '../model/parameters.js';
import {
  readSampleTestSet,
  referenceFigures,
  type SampleFigures,
  type SampleTestSet,
  sampleFigures,
} from '../sample/sample-evaluation.js';
import { readModel, type StoredModel } from '../translate/model.js';
import { openTranslator } from '../translate/open-translator.js';
import { writeScratchReport } from './from-scratch-report.js';
import type { DemoFigures } from './measures.js';
import {
  drawDataset,
  pause,
  STYLES_PER_PHOTO,
  type StageEvent,
  type StageOptions,
  TEST_IMAGES,
  train,
  withDataset,
} from './stages.js';
import { translatedGrid } from './translated-grid.js';

/** An event of the demo from scratch. */
export type ScratchEvent =
  | StageEvent
  | ({ type: 'sampleModel' } & SampleModelResult)
  | { type: 'noSampleModel'; reason: string };

/** The sample model's translations of the test photos: the path of their grid, and figures. */
export interface SampleModelResult {
  grid: string;
  figures: SampleFigures;
  reference: SampleFigures;
}

/** The options of the demo from scratch. Its output is `dataset/`, `run/`, `sample-model.png`, `translated.png` and `report.html`. */
export interface ScratchOptions extends StageOptions {
  /** The folder of a trained model to show first; the demo continues without it if it cannot be read. */
  sampleModel: string;
}

/** A model's figures on the test set, and its grid. */
async function translateTestSet(
  { config }: ScratchOptions,
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
  options: ScratchOptions,
  root: string,
  set: SampleTestSet,
): AsyncGenerator<ScratchEvent, (SampleModelResult & { png: Buffer }) | undefined> {
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
  options: ScratchOptions,
  set: SampleTestSet,
  weights: { untrained: NetworkValues; trained: NetworkValues },
): AsyncGenerator<ScratchEvent, { figures: DemoFigures; png: Buffer }> {
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
 * Runs the demo from scratch: draws the sample dataset, translates its test photos with the sample model, trains on it, translates the
 * photos with the result, measures the images and writes a page. An interrupted demo keeps its output, and another call
 * continues from there.
 *
 * @throws InterruptedError after `signal`.
 */
export async function* runScratchDemo(scratchOptions: ScratchOptions): AsyncGenerator<ScratchEvent> {
  const { outDir, signal } = scratchOptions;
  const root = join(outDir, 'dataset');
  const runDir = join(outDir, 'run');
  const options = withDataset(scratchOptions, root);
  const { config, images } = options;
  const { seed } = config.training;
  yield* drawDataset({ dir: root, images, size: 2 * config.model.size, seed, signal });
  await openDataset(root);
  const set = await readSampleTestSet(root, config.model.size, TEST_IMAGES);
  const sampleModel = yield* showSampleModel(options, root, set);
  yield* train({ config, runDir, signal });
  const { values: trained } = await readModel(runDir);
  const untrained = initNetworks(buildNetworks(config), new Rng(config.training.seed, 'init'));
  const { figures, png } = yield* measure(options, set, { untrained, trained });
  const grid = join(outDir, 'translated.png');
  await writeFileAtomic(grid, png);
  const report = join(outDir, 'report.html');
  await writeScratchReport(report, options, { runDir, figures, png, sampleModel });
  yield { type: 'done', grid, report, figures };
}
