// One sitting of an ablation: does what is missing, until it is done or stopped.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError, messageOf } from '../../dist/base/errors.js';
import { writeJson } from '../../dist/base/write-json.js';
import { printError, printLine, startProgress } from '../../dist/cli/output.js';
import { configAt } from '../../dist/config/growth.js';
import { loadConfig } from '../../dist/config/load.js';
import { drawSampleDataset } from '../../dist/sample/draw.js';
import { datasetFolder, referenceFile, resultsFile, stateFile } from './layout.mjs';
import { BASE, configOf, costKey } from './plan.mjs';
import {
  costOf,
  decided,
  finalFigures,
  measuresHash,
  readJson,
  readRuns,
  readStateFile,
  resultsOf,
} from './results.mjs';
import { inParallel, runTask } from './workers.mjs';

/** Says what failed and goes on with the rest: sittings take hours. */
const onError = ({ name }, error) => printError(`ablation: ${name}: ${messageOf(error)}`);

async function drawDataset(plan, dir, state, signal) {
  const root = datasetFolder(dir);
  if (!existsSync(root)) {
    const total = 2 * (plan.dataset.images + plan.dataset.testImages);
    const progress = startProgress({ label: 'drawing the dataset', total, unit: 'images' });
    await drawSampleDataset({
      dir: root,
      ...plan.dataset,
      signal,
      onProgress: (done) => progress.update(done),
    }).finally(() => progress.finish());
    state.dataset = plan.dataset;
    await writeJson(stateFile(dir), state);
  }
  // A killed sitting may have drawn it and not noted that.
  const drawn = state.dataset ?? plan.dataset;
  if (JSON.stringify(drawn) === JSON.stringify(plan.dataset)) return;
  throw new InputError({
    expected: `the dataset of the plan in ${root}`,
    found: `one drawn with ${JSON.stringify(drawn)}`,
    remedy: 'choose another folder for this plan',
  });
}

async function measureCosts(plan, dir, state, options) {
  const missing = plan.recipes.filter((recipe) => costOf(plan, recipe, state) === undefined);
  if (missing.length === 0) return;
  const total = missing.length * plan.costRounds;
  const progress = startProgress({ label: 'measuring costs', total, unit: 'rounds' });
  const place = { root: datasetFolder(dir), seed: plan.seeds[0], steps: plan.steps };
  const base = configOf(plan, plan.recipes[0], place);
  let done = 0;
  try {
    // One at a time: two would disturb each other.
    await inParallel(missing, { ...options, jobs: 1, onError }, async (recipe) => {
      const request = {
        task: 'cost',
        base,
        config: configOf(plan, recipe, place),
        rounds: plan.costRounds,
      };
      const onDone = () => progress.update(++done, recipe.name);
      const result = await runTask(request, { ...options, onDone });
      if (result === undefined) return;
      state.costs[recipe.name] = { key: costKey(plan, recipe), ...result };
      await writeJson(stateFile(dir), state);
    });
  } finally {
    progress.finish();
  }
}

/** What training depends on, of a config with all keys, when its networks have their last size. */
function recipeOf(config) {
  const { model, training, losses, data } = configAt(config, config.training.steps);
  return JSON.stringify([model, training, losses, data.augment]);
}

function runConfig(plan, dir, { recipe, seed, steps }) {
  return configOf(plan, recipe, { root: datasetFolder(dir), seed, steps });
}

/** @throws InputError if the folder has a run of another recipe, which an earlier plan made. */
function checkSameRecipe(plan, dir, run) {
  const { runDir } = run;
  const config = runConfig(plan, dir, run);
  const file = path.join(runDir, 'config.json');
  if (!existsSync(file) || recipeOf(loadConfig({ file, overrides: [] })) === recipeOf(config)) return;
  throw new InputError({
    expected: `a run of the plan's recipe in ${runDir}`,
    found: 'one of another recipe or length',
    remedy: 'rename the variant in the plan, or move that folder away',
  });
}

async function writeResults(plan, dir) {
  const runs = await readRuns(plan, dir, readStateFile(dir));
  await writeJson(resultsFile(dir), resultsOf(plan, dir, runs));
  return runs;
}

const isMissing = ({ figures, diverged }) => figures === undefined && diverged === undefined;

/** Makes and measures runs. Work is counted in steps of the base, so that the time left is about right. */
async function makeRuns(plan, dir, runs, options) {
  const missing = runs.filter(isMissing);
  if (missing.length === 0) return;
  const total = runs.length * plan.steps;
  const done = new Map(runs.map((run) => [run, run.cost * (isMissing(run) ? run.done : run.steps)]));
  const sum = () => Math.min(total, Math.round([...done.values()].reduce((all, steps) => all + steps, 0)));
  const progress = startProgress({ label: 'runs', total, from: sum(), unit: 'base steps' });
  const under = new Set();
  const show = () => progress.update(sum(), [...under].join(', '));
  const measures = measuresHash(plan);
  try {
    await inParallel(missing, { ...options, onError }, async (run) => {
      const { steps, runDir, name, cost } = run;
      const config = runConfig(plan, dir, run);
      const points = Array.from({ length: plan.points }, (_, i) => ((i + 1) * steps) / plan.points);
      const { evaluation, dataset } = plan;
      const request = { config, runDir, points, evaluation, testImages: dataset.testImages, measures };
      under.add(name);
      const onDone = (step) => {
        done.set(run, step * cost);
        show();
      };
      const result = await runTask({ task: 'run', ...request }, { ...options, onDone }).finally(() =>
        under.delete(name),
      );
      if (!result?.ended) return;
      done.set(run, steps * cost);
      const now = (await writeResults(plan, dir)).find((other) => other.name === name);
      const figures = finalFigures(now) ?? {};
      const shown = plan.figures.flatMap(({ name: figure }) =>
        figures[figure] === undefined ? [] : [`${figure} ${figures[figure].toFixed(3)}`],
      );
      printLine(`${name}: ${now.diverged ? now.diverged.message : shown.join(', ')}`);
      show();
    });
  } finally {
    progress.finish();
  }
}

async function measureReference(plan, dir, options) {
  const file = referenceFile(dir);
  const measures = measuresHash(plan);
  if (readJson(file)?.measures === measures) return;
  const { testImages } = plan.dataset;
  const place = { root: datasetFolder(dir), seed: plan.seeds[0], steps: plan.steps };
  const config = configOf(plan, plan.recipes[0], place);
  await runTask({ task: 'reference', config, testImages, measures, file }, options);
}

/**
 * Draws the dataset, measures the costs of the recipes, makes and measures all runs of the first seed, and then those of the other
 * seeds that decide something. What is there already is not made again.
 *
 * @param options.jobs number of runs at once. `signal` stops the work, which the next call continues.
 */
export async function sit(plan, dir, options) {
  const { signal } = options;
  const state = readStateFile(dir);
  await drawDataset(plan, dir, state, signal);
  await measureReference(plan, dir, options);
  await measureCosts(plan, dir, state, options);
  if (signal.aborted) return;
  const runs = await readRuns(plan, dir, state);
  for (const run of runs) checkSameRecipe(plan, dir, run);
  const first = runs.filter(({ seed }) => seed === plan.seeds[0]);
  await makeRuns(plan, dir, first, options);
  const after = await writeResults(plan, dir);
  if (signal.aborted) return;
  const names = decided(plan, after);
  const further = after.filter(({ seed, recipe }) => seed !== plan.seeds[0] && names.has(recipe.name));
  if (further.some(isMissing))
    printLine(`Further seeds for: ${[...names].filter((name) => name !== BASE).join(', ') || BASE}`);
  await makeRuns(plan, dir, further, options);
  await writeResults(plan, dir);
}
