// The demo: translates photographs with the shipped model, fine-tunes it to other drawings, and shows before and after.
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import { type DecodedImage, fromFloat, toFloat } from '../data/decode.js';
import { openDataset } from '../data/folder.js';
import { decodeInput, type FaceOptions } from '../images/face-crops.js';
import { collectInputs } from '../images/inputs.js';
import type { ReportCommands } from '../report/page.js';
import type { Family } from '../sample/factors.js';
import { readSampleTestSet, referenceFigures, sampleFigures } from '../sample/sample-evaluation.js';
import { readModel, type StoredModel } from '../translate/model.js';
import { openTranslator } from '../translate/open-translator.js';
import { writeDemoReport } from './demo-report.js';
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
import { demoGrid, translations } from './translated-grid.js';

/** The family of the sample dataset that the model is fine-tuned to. */
export const DEMO_FAMILY: Family = 'print';
const PHOTOGRAPH_STYLES = 8;
/** Styles on each side of the grid of before and after. */
const COMPARED_STYLES = 4;
/** Drawn test photos in that grid. */
const COMPARED_DRAWINGS = 6;

/** An event of the demo. */
export type DemoEvent =
  | StageEvent
  /** The photographs are translated: their grid, the page that shows it, and whether an earlier demo has ended training. */
  | {
      type: 'photographs';
      grid: string;
      report: string;
      photographs: number;
      styles: number;
      hasTrained: boolean;
    };

/**
 * The options of the demo. Its config is that of fine-tuning, with the architecture of the model; its output is
 * `photographs.png`, `print/`, `fine-tuned/`, `before-and-after.png` and `report.html`.
 */
export interface DemoOptions extends StageOptions {
  /** The folder of the model that is shown and fine-tuned. */
  model: string;
  /** The folder of photographs to translate. */
  photographs: string;
  /** How their faces are framed. */
  faces: FaceOptions;
  /** Commands for the end of the page. */
  commands: readonly ReportCommands[];
}

/** A grid of the demo: the PNG file, and the labels of its columns. */
export interface DemoGrid {
  png: Buffer;
  columnLabels: readonly string[];
}

const styleLabels = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix} ${i + 1}`);

/** Translates the faces of the photographs with the model as it comes, and writes their grid. */
async function* showPhotographs(
  options: DemoOptions,
  { architecture, values }: StoredModel,
): AsyncGenerator<DemoEvent, { photos: DecodedImage[]; grid: DemoGrid }> {
  const { outDir, photographs, faces, config, signal } = options;
  const photos: DecodedImage[] = [];
  const inputs = await collectInputs([photographs]);
  for (const [done, input] of inputs.entries()) {
    yield { type: 'translating', done, total: inputs.length };
    await pause(signal);
    const { crops } = await decodeInput(input, architecture.size, faces);
    photos.push(...crops.map(({ source }) => source));
  }
  const translator = openTranslator(architecture, values, config.runtime);
  let results: DecodedImage[][];
  try {
    const styles = { styles: PHOTOGRAPH_STYLES, seed: config.training.seed };
    results = translations(translator, photos.map(toFloat), styles);
  } finally {
    translator.dispose();
  }
  const columnLabels = ['photo', ...styleLabels(PHOTOGRAPH_STYLES, 'style')];
  const rows = photos.map((photo, i) => [photo, ...results[i]!]);
  const png = await demoGrid(rows, columnLabels);
  await writeFileAtomic(join(outDir, 'photographs.png'), png);
  yield { type: 'translating', done: inputs.length, total: inputs.length };
  return { photos, grid: { png, columnLabels } };
}

/** Translates photos with the model before and after, and measures both on the test set; yields progress. */
async function* compare(
  options: DemoOptions,
  root: string,
  models: readonly [before: StoredModel, after: StoredModel],
  photographs: readonly DecodedImage[],
): AsyncGenerator<DemoEvent, { figures: DemoFigures; grid: DemoGrid }> {
  const { config, signal } = options;
  const { size } = config.model;
  const { seed } = config.training;
  const set = await readSampleTestSet(root, size, TEST_IMAGES);
  const drawings = set.photos.slice(0, COMPARED_DRAWINGS).map(({ data }) => fromFloat(data, size, size));
  const photos = [...photographs, ...drawings];
  const total = models.length * set.photos.length;
  const sides: { rows: DecodedImage[][]; figures: DemoFigures['trained'] }[] = [];
  for (const [i, { architecture, values }] of models.entries()) {
    yield { type: 'measuring', done: i * set.photos.length, total };
    await pause(signal);
    const translator = openTranslator(architecture, values, config.runtime);
    try {
      sides.push({
        rows: translations(translator, photos.map(toFloat), { styles: COMPARED_STYLES, seed }),
        figures: sampleFigures(translator, set, { styles: STYLES_PER_PHOTO, seed }),
      });
    } finally {
      translator.dispose();
    }
  }
  yield { type: 'measuring', done: total, total };
  await pause(signal);
  const columnLabels = [
    'photo',
    ...['before', 'after'].flatMap((side) => styleLabels(COMPARED_STYLES, side)),
  ];
  const rows = photos.map((photo, i) => [photo, ...sides.flatMap(({ rows }) => rows[i]!)]);
  const [before, after] = sides;
  return {
    figures: { untrained: before!.figures, trained: after!.figures, reference: referenceFigures(set) },
    grid: { png: await demoGrid(rows, columnLabels), columnLabels },
  };
}

/**
 * Runs the demo: translates the photographs with the shipped model and writes a page with them, fine-tunes the model to
 * another family of the sample dataset, and completes the page with before and after. An interrupted demo keeps its output,
 * and another call continues from there.
 *
 * @throws InputError for a model or photographs that cannot be read; InterruptedError after `signal`.
 */
export async function* runDemo(demoOptions: DemoOptions): AsyncGenerator<DemoEvent> {
  const { outDir, model, signal, images } = demoOptions;
  const root = join(outDir, DEMO_FAMILY);
  const runDir = join(outDir, 'fine-tuned');
  const report = join(outDir, 'report.html');
  const options = withDataset(demoOptions, root);
  const { config } = options;
  const before = await readModel(model);
  const shown = yield* showPhotographs(options, before);
  // The page of a demo that has ended holds more than that of this stage.
  const earlier = await latestCheckpoint(runDir);
  const hasTrained = earlier !== undefined && earlier.step >= config.training.steps;
  if (!hasTrained) await writeDemoReport(report, options, { photographs: shown.grid });
  yield {
    type: 'photographs',
    grid: join(outDir, 'photographs.png'),
    report,
    photographs: shown.photos.length,
    styles: PHOTOGRAPH_STYLES,
    hasTrained,
  };
  await pause(signal);
  const { size } = config.model;
  yield* drawDataset({
    dir: root,
    images,
    size: 2 * size,
    seed: config.training.seed,
    family: DEMO_FAMILY,
    signal,
  });
  await openDataset(root);
  yield* train({ config, runDir, init: model, signal });
  const { figures, grid } = yield* compare(options, root, [before, await readModel(runDir)], shown.photos);
  const path = join(outDir, 'before-and-after.png');
  await writeFileAtomic(path, grid.png);
  await writeDemoReport(report, options, { photographs: shown.grid, fineTuned: { runDir, figures, grid } });
  yield { type: 'done', grid: path, report, figures };
}
