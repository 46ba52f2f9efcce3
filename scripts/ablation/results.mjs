// What an ablation has found so far: reads the runs, and compares the variants with the base.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../../dist/base/hash.js';
import { latestCheckpoint } from '../../dist/checkpoint/checkpoint.js';
import { DIVERGED, FIGURES, referenceFile, runFolder, stateFile } from './layout.mjs';
import { BASE, costKey, runName, stepsOf } from './plan.mjs';

/** Folders of the program with code of the measures; what else is in them changes seldom. */
const MEASURES = ['sample', 'landmarks', 'data'];
/** Smaller values count as this in ratios: correlations may be negative. */
const MIN_RATIO_VALUE = 1e-3;

export function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

export function readStateFile(dir) {
  return readJson(stateFile(dir)) ?? { costs: {} };
}

/** A recipe's cost beside the base, or undefined if it is not measured yet. */
export function costOf(plan, recipe, state) {
  if (recipe.cost !== undefined) return recipe.cost;
  const stored = state.costs[recipe.name];
  return stored?.key === costKey(plan, recipe) ? stored.ratio : undefined;
}

let codeHash;

/** What the figures depend on beside the models: the code of the measures and the plan's settings. */
export function measuresHash(plan) {
  // Once a call: what was measured must not become stale because somebody builds dist meanwhile.
  codeHash ??= hashMeasures();
  return sha256(codeHash, JSON.stringify([plan.evaluation, plan.dataset]));
}

function hashMeasures() {
  const root = path.join(import.meta.dirname, '..', '..');
  const inFolder = (name, extension) => {
    const folder = path.join(root, name);
    const names = existsSync(folder) ? readdirSync(folder, { recursive: true }) : [];
    return names
      .filter((file) => file.endsWith(extension))
      .sort()
      .map((file) => path.join(folder, file));
  };
  const files = [
    ...MEASURES.flatMap((name) => inFolder(path.join('dist', name), '.js')),
    ...inFolder(path.join('models', 'landmarks'), '.safetensors'),
  ];
  return sha256(...files.map((file) => readFileSync(file)));
}

/** The runs of recipes and seeds as they are on the disk. */
export async function readRuns(plan, dir, state) {
  const measures = measuresHash(plan);
  const runs = [];
  for (const seed of plan.seeds)
    for (const recipe of plan.recipes) {
      const cost = costOf(plan, recipe, state);
      const name = runName(recipe, seed);
      const runDir = runFolder(dir, name);
      const figures = readJson(path.join(runDir, FIGURES));
      const diverged = readJson(path.join(runDir, DIVERGED));
      const steps = cost === undefined ? undefined : stepsOf(plan, cost);
      const isCurrent = figures?.measures === measures && figures.points.at(-1).step === steps;
      const done = figures ? steps : ((await latestCheckpoint(runDir))?.step ?? 0);
      runs.push({ name, recipe, seed, runDir, cost, steps, done, diverged, ...(isCurrent && { figures }) });
    }
  return runs;
}

export const finalFigures = ({ figures }) => figures?.points.at(-1).figures;

/** The names of all figures, those of the plan first. */
export function figureNames(plan, runs) {
  const measured = new Set(runs.flatMap((run) => Object.keys(finalFigures(run) ?? {})));
  const listed = plan.figures.map(({ name }) => name).filter((name) => measured.has(name));
  return [...listed, ...[...measured].filter((name) => !listed.includes(name)).sort()];
}

/** Figures of the plan that the measures do not give. */
export function unknownFigures(plan, runs) {
  const names = figureNames(plan, runs);
  return names.length === 0
    ? []
    : plan.figures.map(({ name }) => name).filter((name) => !names.includes(name));
}

function statistics(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: Math.sqrt(squares / (values.length - 1)) };
}

/**
 * Compares a recipe's figure with the base's. `isBeyondSpread` if the means differ by more than the larger standard deviation
 * over seeds of the two; undefined if neither has two seeds.
 */
function compare(own, base, better) {
  const spreads = [own.spread, base.spread].filter((spread) => spread !== undefined);
  const difference = own.mean - base.mean;
  const isBeyondSpread = spreads.length === 0 ? undefined : Math.abs(difference) > Math.max(...spreads);
  const isBetter = better === undefined ? undefined : better === 'higher' ? difference > 0 : difference < 0;
  return { ratio: own.mean / base.mean, isBeyondSpread, isBetter };
}

/** Means, spreads and comparisons of all recipes that have a measured run, in the order of the plan. */
export function summarise(plan, runs) {
  const names = figureNames(plan, runs);
  const measured = plan.recipes.flatMap((recipe) => {
    const own = runs.filter((run) => run.recipe === recipe && finalFigures(run) !== undefined);
    if (own.length === 0) return [];
    const values = (name) => own.map((run) => finalFigures(run)[name]).filter((value) => value !== undefined);
    const figures = Object.fromEntries(
      names.map((name) => [name, values(name)]).filter(([, all]) => all.length > 0),
    );
    const { steps, cost } = own[0];
    const seeds = own.map(({ seed }) => seed);
    return [{ name: recipe.name, group: recipe.group, why: recipe.why, seeds, steps, cost, values: figures }];
  });
  const withStatistics = measured.map(({ values, ...recipe }) => ({
    ...recipe,
    figures: Object.fromEntries(
      Object.entries(values).map(([name, all]) => [name, { ...statistics(all), values: all }]),
    ),
  }));
  const base = withStatistics.find(({ name }) => name === BASE);
  if (base === undefined) return withStatistics;
  const betterOf = (name) => plan.figures.find((figure) => figure.name === name)?.better;
  return withStatistics.map((recipe) => {
    if (recipe === base) return recipe;
    const figures = Object.entries(recipe.figures).map(([name, own]) => {
      const of = base.figures[name];
      return [name, of === undefined ? own : { ...own, ...compare(own, of, betterOf(name)) }];
    });
    return { ...recipe, figures: Object.fromEntries(figures), score: scoreOf(plan, recipe, base) };
  });
}

/** The mean over the deciding figures of the logarithm of how much better a recipe is than the base: 0.05 for about 5 %. */
function scoreOf(plan, recipe, base) {
  const logs = plan.figures.flatMap(({ name, better, decides }) => {
    const [own, of] = [recipe.figures[name]?.mean, base.figures[name]?.mean];
    if (!decides || own === undefined || of === undefined) return [];
    const log = Math.log(Math.max(own, MIN_RATIO_VALUE) / Math.max(of, MIN_RATIO_VALUE));
    return [better === 'higher' ? log : -log];
  });
  return logs.length === 0 ? 0 : logs.reduce((sum, log) => sum + log, 0) / logs.length;
}

/** The names of the recipes that get all seeds: the base, and those of the plan's list or rule, by the first seed alone. */
export function decided(plan, runs) {
  if (plan.decide.variants) return new Set([BASE, ...plan.decide.variants]);
  const first = summarise(
    plan,
    runs.filter(({ seed }) => seed === plan.seeds[0]),
  );
  const good = first.filter(({ score }) => score !== undefined && score >= -plan.decide.margin);
  return new Set([BASE, ...good.map(({ name }) => name)]);
}

/** What results.json holds. */
export function resultsOf(plan, dir, runs) {
  return {
    dataset: plan.dataset,
    steps: plan.steps,
    evaluation: plan.evaluation,
    reference: readJson(referenceFile(dir))?.figures,
    decided: [...decided(plan, runs)],
    recipes: summarise(plan, runs),
    runs: runs
      .filter(({ figures, diverged }) => figures ?? diverged)
      .map(({ name, recipe, seed, cost, steps, figures, diverged }) => ({
        name,
        recipe: recipe.name,
        seed,
        cost,
        steps,
        ...(diverged && { diverged }),
        ...(figures && { points: figures.points }),
      })),
  };
}
