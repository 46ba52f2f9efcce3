// The report of an ablation: a Markdown file, and beside it a folder with charts and a sheet of images.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../../dist/base/atomic-files.js';
import { InputError } from '../../dist/base/errors.js';
import { formatNumber } from '../../dist/report/numbers.js';
import { drawChart } from './chart.mjs';
import { datasetFolder, modelFolder, referenceFile } from './layout.mjs';
import { BASE, configOf } from './plan.mjs';
import {
  decided,
  figureNames,
  finalFigures,
  readJson,
  readRuns,
  readStateFile,
  summarise,
  unknownFigures,
} from './results.mjs';
import { runTask } from './workers.mjs';

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

function titleOf(plan, name) {
  const figure = plan.figures.find((other) => other.name === name);
  const arrow = figure === undefined ? '' : figure.better === 'higher' ? ' ↑' : ' ↓';
  return `${figure?.title ?? name}${arrow}`;
}

/** `0.672 ± 0.012 (1.05) +`: mean, spread, ratio to the base, and whether it differs by more than the spread. */
function cell(figure) {
  if (figure === undefined) return '';
  const { mean, spread, ratio, isBeyondSpread, isBetter } = figure;
  const parts = [formatNumber(mean)];
  if (spread !== undefined) parts.push(`± ${formatNumber(spread, 2)}`);
  if (ratio !== undefined && Number.isFinite(ratio)) parts.push(`(${ratio.toFixed(2)})`);
  if (isBeyondSpread) parts.push(isBetter === undefined ? '**≠**' : isBetter ? '**+**' : '**−**');
  return parts.join(' ');
}

/** The table of recipes with means over seeds. */
function recipeTable(plan, dir, runs) {
  const names = figureNames(plan, runs);
  const head = ['recipe', 'seeds', 'steps', 'score', ...names.map((name) => titleOf(plan, name))];
  const rows = summarise(plan, runs).map(({ name, seeds, steps, score, figures }) => [
    name,
    seeds.length,
    steps,
    score === undefined ? '' : score.toFixed(3),
    ...names.map((figure) => cell(figures[figure])),
  ]);
  const real = readJson(referenceFile(dir))?.figures;
  const ofReal = (name) => (real?.[name] === undefined ? '' : formatNumber(real[name]));
  return table(head, [...rows, ['real anime', '', '', '', ...names.map(ofReal)]]);
}

/** All runs as they are: state, steps, and figures of the plan. */
export async function statusTable(plan, dir) {
  const runs = await readRuns(plan, dir, readStateFile(dir));
  const names = figureNames(plan, runs).filter((name) => plan.figures.some((figure) => figure.name === name));
  const further = decided(plan, runs);
  const state = ({ figures, diverged, done, steps, seed, recipe }) => {
    if (diverged) return `diverged at step ${diverged.step}`;
    if (figures) return 'measured';
    if (done > 0) return done === steps ? 'trained' : 'under way';
    return seed === plan.seeds[0] || further.has(recipe.name) ? 'waits' : 'not needed';
  };
  const rows = runs.map((run) => [
    run.name,
    state(run),
    `${run.done}/${run.steps ?? '?'}`,
    ...names.map((name) => {
      const value = finalFigures(run)?.[name];
      return value === undefined ? '' : formatNumber(value);
    }),
  ]);
  return table(['run', 'state', 'steps', ...names], rows);
}

const meanBy = (points) => {
  const sums = new Map();
  for (const [x, y] of points) sums.set(x, [...(sums.get(x) ?? []), y]);
  return [...sums]
    .map(([x, values]) => [x, values.reduce((all, value) => all + value, 0) / values.length])
    .sort((a, b) => a[0] - b[0]);
};

/** Charts of the plan's figures over time, the base and one group of variants in each. */
function curves(plan, runs) {
  const names = figureNames(plan, runs);
  const groups = [...new Set(plan.recipes.map(({ group }) => group))].filter((group) => group !== BASE);
  return groups.flatMap((group) =>
    plan.figures
      .filter(({ name }) => names.includes(name))
      .map(({ name }) => {
        const series = plan.recipes
          .filter((recipe) => recipe.name === BASE || recipe.group === group)
          .map((recipe) => ({
            name: recipe.name,
            // Equal time: a recipe's steps count as those of the base that take as long.
            points: meanBy(
              runs
                .filter((run) => run.recipe === recipe && run.figures)
                .flatMap(({ figures, steps }) =>
                  figures.points.map((point) => [
                    Math.round((point.step / steps) * plan.steps),
                    point.figures[name],
                  ]),
                ),
            ),
          }))
          .filter(({ points }) => points.length > 0);
        const title = `${titleOf(plan, name)}: ${group}`;
        return {
          file: `curve-${group}-${name}.svg`.replaceAll(/[^a-zA-Z0-9.-]+/g, '-'),
          title,
          series,
          x: { label: 'time, in steps of the base' },
        };
      })
      .filter(({ series }) => series.length > 1),
  );
}

function sweeps(plan, dir, runs) {
  return plan.sweeps.flatMap(({ title, key, figure, variants }, i) => {
    const keyValue = (recipe) => {
      const config = configOf(plan, recipe, { root: datasetFolder(dir), seed: 1, steps: plan.steps });
      return key.split('.').reduce((tree, part) => tree?.[part], config);
    };
    const points = plan.recipes
      .filter(({ name }) => variants.includes(name))
      .flatMap((recipe) =>
        runs
          .filter((run) => run.recipe === recipe && finalFigures(run)?.[figure] !== undefined)
          .map((run) => [keyValue(recipe), finalFigures(run)[figure]]),
      );
    const values = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
    if (values.length < 2) return [];
    const series = [
      { name: 'one seed', points, line: false },
      { name: 'mean', points: meanBy(points) },
    ];
    return [{ file: `sweep-${i + 1}.svg`, title, series, x: { label: key, values } }];
  });
}

/**
 * Writes a report of what is measured so far.
 *
 * @throws InputError if nothing is.
 */
export async function writeReport(plan, dir, file, options) {
  const runs = await readRuns(plan, dir, readStateFile(dir));
  const measured = runs.filter((run) => run.figures);
  if (measured.length === 0)
    throw new InputError({
      expected: `measured runs in ${dir}`,
      found: 'none',
      remedy: 'call the script without --report first',
    });
  const folder = path.join(path.dirname(file), path.basename(file, path.extname(file)));
  await mkdir(folder, { recursive: true });
  const models = plan.recipes.flatMap(({ name }) => {
    const run = measured.find(({ recipe }) => recipe.name === name);
    return run ? [{ name, dir: modelFolder(run.runDir, run.steps) }] : [];
  });
  const place = { root: datasetFolder(dir), seed: plan.seeds[0], steps: plan.steps };
  const config = configOf(plan, plan.recipes[0], place);
  const { evaluation, dataset } = plan;
  const sheet = { config, models, evaluation, testImages: dataset.testImages };
  await runTask({ task: 'sheet', ...sheet, file: path.resolve(folder, 'sheet.png') }, options);
  const charts = [...sweeps(plan, dir, measured), ...curves(plan, measured)];
  for (const chart of charts) await writeFileAtomic(path.join(folder, chart.file), drawChart(chart));
  const image = (name, text) => `![${text}](${path.basename(folder)}/${name})`;
  const diverged = runs.filter((run) => run.diverged);
  const unknown = unknownFigures(plan, measured);
  const text = [
    '# Ablation',
    `Every recipe had the time of ${plan.steps} steps of the base. Figures are those of the averaged (EMA) weights at the end, on the ${dataset.testImages} test photos in ${evaluation.styles} styles each: mean over seeds ± standard deviation, and in parentheses the ratio to the base. **+** and **−** mark what is better or worse than the base by more than the spread (the larger standard deviation of the two), **≠** a difference of figures for which the plan names no better side. The score is the mean of how much better the deciding figures are: 0.05 for 5 %.`,
    recipeTable(plan, dir, measured),
    ...diverged.map((run) => `${run.name} diverged at step ${run.diverged.step}.`),
    ...(unknown.length > 0 ? [`The plan names figures that are not measured: ${unknown.join(', ')}.`] : []),
    '## Recipes',
    table(
      ['recipe', 'changes', 'cost of a step', 'why'],
      plan.recipes.map((recipe) => {
        const ofSteps = Object.entries(recipe.shares).map(([key, share]) => `${key} = ${share} of the steps`);
        const { cost } = runs.find((run) => run.recipe === recipe);
        const changes = [...recipe.set, ...ofSteps].map((change) => `\`${change}\``).join(', ');
        return [recipe.name, changes, cost?.toFixed(2) ?? '', recipe.why];
      }),
    ),
    '## Images',
    'The same photos in the same styles, first seed.',
    image('sheet.png', 'Photos, and their translations by every recipe'),
    '## Curves',
    ...charts.map(({ file: name, title }) => image(name, title)),
  ].join('\n\n');
  await writeFileAtomic(file, `${text}\n`);
}
