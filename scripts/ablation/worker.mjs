// One task of an ablation, in a process of its own: measures a recipe's cost, makes a run, or draws a sheet. It takes its task from
// the command line, and writes progress and its result to standard output, one JSON value a line.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { writeFileAtomic } from '../../dist/base/atomic-files.js';
import { messageOf } from '../../dist/base/errors.js';
import { stepName } from '../../dist/base/step-names.js';
import { writeJson } from '../../dist/base/write-json.js';
import { latestCheckpoint } from '../../dist/checkpoint/checkpoint.js';
import { checkpointFolder, stepsOf } from '../../dist/checkpoint/layout.js';
import { dataRoot } from '../../dist/config/load.js';
import { openDataset } from '../../dist/data/folder.js';
import { joinFloats, splitImages } from '../../dist/data/image-arrays.js';
import { translatedGrid, translations } from '../../dist/demo/translated-grid.js';
import { writeModelFolder } from '../../dist/export/model-folder.js';
import { buildNetworks } from '../../dist/gan/networks.js';
import { composeGrid } from '../../dist/images/grid.js';
import { loadEngine } from '../../dist/runtime/node.js';
import { readSampleTestSet, referenceFigures, sampleFigures } from '../../dist/sample/sample-evaluation.js';
import { Batches } from '../../dist/train/batches.js';
import { DivergedError } from '../../dist/train/divergence.js';
import { median } from '../../dist/train/forecast.js';
import { trainRun } from '../../dist/train/loop.js';
import { openTrainer } from '../../dist/train/open-trainer.js';
import { loadPerceptual } from '../../dist/train/perceptual-weights.js';
import { takeHost } from '../../dist/train/start.js';
import { readModel } from '../../dist/translate/model.js';
import { openTranslator } from '../../dist/translate/open-translator.js';
import { DIVERGED, FIGURES, flatten, modelFolder, SHEET } from './layout.mjs';

const REPORT_MILLISECONDS = 500;
/** Photos, and styles of each, in a recipe's row of the sheet of all recipes. */
const SHEET_PHOTOS = 4;
const SHEET_STYLES = 3;

const send = (message) => new Promise((done) => process.stdout.write(`${JSON.stringify(message)}\n`, done));

/**
 * Times steps of two configs by turns, so that both meet the same load. On processors the ratio is that of processor time, which
 * other work hardly changes: runs that use all processors together take as long as that says.
 *
 * @returns the ratio of their times (median of the rounds), and seconds a step of the base.
 */
async function cost({ base, config, rounds }) {
  const { device } = await loadEngine({ ...base.runtime, work: 'training' });
  const sides = [];
  for (const side of [base, config]) sides.push(await openSide(side));
  try {
    // Whole periods of R1, which only some steps have.
    const steps = Math.max(...sides.map(({ period }) => period));
    for (const side of sides) await side.take(Math.min(steps, 3));
    const taken = [];
    for (let round = 0; round < rounds; round++) {
      const times = [];
      for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) times[i] = await sides[i].take(steps);
      taken.push(times);
      await send({ done: round + 1 });
    }
    const ratio = (kind) => median(taken.map(([one, other]) => other[kind] / one[kind]));
    const baseStep = (kind) => median(taken.map(([one]) => one[kind] / steps));
    return {
      ratio: ratio(device === 'gpu' ? 'seconds' : 'processorSeconds'),
      clockRatio: ratio('seconds'),
      baseSeconds: baseStep('seconds'),
      baseProcessorSeconds: baseStep('processorSeconds'),
    };
  } finally {
    for (const side of sides) await side.close();
  }
}

async function openSide(config) {
  const dataset = await openDataset(dataRoot(config), { requireTest: false });
  const networks = buildNetworks(config);
  const perceptual = await loadPerceptual(config);
  const context = { config, networks, ...(perceptual && { perceptual }) };
  const trainer = openTrainer(context, takeHost({ step: 0 }, networks, config.training.seed));
  const batches = new Batches(config, dataset);
  let step = 0;
  return {
    period: config.training.r1EverySteps,
    async take(count) {
      const began = performance.now();
      const processor = process.cpuUsage();
      for (const end = step + count; step < end; step++) await trainer.step(await batches.next(step), step);
      const { user, system } = process.cpuUsage(processor);
      return { seconds: (performance.now() - began) / 1000, processorSeconds: (user + system) / 1e6 };
    },
    async close() {
      await batches.close();
      trainer.dispose();
      perceptual?.dispose();
    },
  };
}

/** Trains a run to its end, goes on where an earlier call stopped. @returns whether it has ended. */
async function train({ config, runDir }, signal) {
  const newest = await latestCheckpoint(runDir);
  if (newest?.step === config.training.steps) return true;
  let reported = 0;
  let ended = false;
  for await (const event of trainRun({ config, runDir, resume: newest !== undefined, signal })) {
    if (event.type === 'end') ended = !event.interrupted;
    if (event.type !== 'step' || performance.now() - reported < REPORT_MILLISECONDS) continue;
    reported = performance.now();
    await send({ done: event.step });
  }
  return ended;
}

/** Turns the checkpoints of a run's points into small models, and removes all but the last. */
async function keepModels({ config, runDir, points }) {
  for (const step of points) {
    const dir = modelFolder(runDir, step);
    if (existsSync(dir)) continue;
    const model = await readModel(checkpointFolder(runDir, step));
    await writeModelFolder(dir, model, {
      // A run that grows has models of several sizes.
      config: { ...config, model: model.architecture },
      card: `# ${stepName(step)}\n`,
    });
  }
  for (const step of await stepsOf(runDir))
    if (step !== config.training.steps)
      await rm(checkpointFolder(runDir, step), { recursive: true, force: true });
}

async function withModel(dir, config, use) {
  const { architecture, values } = await readModel(dir);
  const translator = openTranslator(architecture, values, config.runtime);
  try {
    return await use(translator);
  } finally {
    translator.dispose();
  }
}

/** Measures the models of a run. @returns false if it was stopped before the end. */
async function measure({ config, runDir, points, evaluation, testImages, measures }, signal) {
  const sets = new Map();
  const setOf = (size) => {
    if (!sets.has(size)) sets.set(size, readSampleTestSet(dataRoot(config), size, testImages));
    return sets.get(size);
  };
  const measured = [];
  for (const step of points) {
    if (signal.aborted) return false;
    const figures = await withModel(modelFolder(runDir, step), config, async (translator) => {
      const set = await setOf(translator.architecture.size);
      if (step === points.at(-1))
        await writeFileAtomic(
          path.join(runDir, SHEET),
          await translatedGrid(translator, set, evaluation.seed),
        );
      return sampleFigures(translator, set, evaluation);
    });
    measured.push({ step, figures: flatten(figures) });
  }
  await writeJson(path.join(runDir, FIGURES), { measures, points: measured });
  return true;
}

async function run(request, signal) {
  const { config, runDir, points } = request;
  await loadEngine({ ...config.runtime, work: 'training' });
  if (!points.every((step) => existsSync(modelFolder(runDir, step)))) {
    try {
      if (!(await train(request, signal))) return { ended: false };
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      // The same seed diverges again, so another call would not help.
      await writeJson(path.join(runDir, DIVERGED), { step: error.step, message: error.message });
      return { ended: true };
    }
    await keepModels(request);
  }
  return { ended: await measure(request, signal) };
}

/** The figures of real anime images. */
async function reference({ config, testImages, measures, file }) {
  await loadEngine({ ...config.runtime, work: 'training' });
  const set = await readSampleTestSet(dataRoot(config), config.model.size, testImages);
  await writeJson(file, { measures, figures: flatten(await referenceFigures(set)) });
  return {};
}

/** Draws one sheet of all recipes: the same photos in the same styles, one row a recipe. Their models have the base's size. */
async function sheet({ config, models, evaluation, testImages, file }) {
  await loadEngine({ ...config.runtime, work: 'translation' });
  const set = await readSampleTestSet(dataRoot(config), config.model.size, testImages);
  const photos = set.photos.slice(0, SHEET_PHOTOS).map(({ data }) => data);
  const images = splitImages(joinFloats(photos), config.model.size);
  const rows = [images.flatMap((photo) => [photo, ...Array(SHEET_STYLES - 1).fill(null)])];
  for (const [i, { dir }] of models.entries()) {
    const options = { styles: SHEET_STYLES, seed: evaluation.seed };
    const results = await withModel(dir, config, (translator) => translations(translator, photos, options));
    rows.push(results.flat());
    await send({ done: i + 1 });
  }
  const rowLabels = ['photo', ...models.map(({ name }) => name)];
  const { png } = await composeGrid({ rows, rowLabels, cellSize: Math.max(64, config.model.size), gap: 2 });
  await writeFileAtomic(file, png);
  return {};
}

const TASKS = { cost, run, reference, sheet };

// Standard input is a pipe from the script: it closes when the script ends, however that happens, and a run without it
// would keep its folder locked.
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
const controller = new AbortController();
const { task, ...request } = JSON.parse(process.argv[2]);
for (const name of ['SIGTERM', 'SIGINT'])
  process.on(name, () => {
    controller.abort();
    // Only a run has something to save.
    if (task !== 'run') process.exit(130);
  });
try {
  await send({ result: await TASKS[task](request, controller.signal) });
  process.exit(0);
} catch (error) {
  await send({ error: messageOf(error), name: error.name, details: error.details });
  process.exit(1);
}
