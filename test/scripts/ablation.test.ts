import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChild } from '../support/child-process.js';
import { MIN_LAYERS, TINY } from '../support/config.js';
import { compileGnr } from '../support/gnr.js';

interface Figure {
  mean: number;
  spread?: number;
  values: number[];
  ratio?: number;
}
interface Results {
  reference: Record<string, number>;
  decided: string[];
  recipes: { name: string; seeds: number[]; score?: number; figures: Record<string, Figure> }[];
  runs: { name: string; cost: number; steps: number; points: { step: number; figures: object }[] }[];
}

let folder: string;

const PLAN = {
  dataset: { images: 6, testImages: 3, size: 32, seed: 1 },
  base: { config: 'tiny.json', why: 'the tests' },
  steps: 24,
  points: 2,
  seeds: [1, 2],
  costRounds: 1,
  evaluation: { styles: 2, seed: 1 },
  variants: [{ name: 'slow', cost: 2, why: 'twice the time', set: ['training.learningRate=0.001'] }],
  figures: [{ name: 'diversity', better: 'higher' }],
  decide: { margin: 0, variants: ['base'] as string[] },
  sweeps: [
    {
      title: 'Diversity by rate',
      key: 'training.learningRate',
      figure: 'diversity',
      variants: ['base', 'slow'],
    },
  ],
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-ablation-'));
  await compileGnr(folder);
  await symlink('src', join(folder, 'dist'), 'dir');
  await mkdir(join(folder, 'scripts'));
  await cp('scripts/ablation.mjs', join(folder, 'scripts', 'ablation.mjs'));
  await cp('scripts/ablation', join(folder, 'scripts', 'ablation'), { recursive: true });
  const config = {
    ...TINY,
    model: { ...TINY.model, ...MIN_LAYERS },
    log: { sampleImages: 1 },
    watch: { everySteps: 1000 },
    runtime: { capture: false },
  };
  await writeFile(join(folder, 'tiny.json'), JSON.stringify(config));
  await writePlan('plan', PLAN);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (...names: string[]) => join(folder, ...names);

function writePlan(name: string, plan: unknown) {
  return writeFile(at(`${name}.json`), typeof plan === 'string' ? plan : JSON.stringify(plan));
}

function start(dir: string, ...words: string[]) {
  const args = words.includes('--plan') ? words : ['--plan', at('plan.json'), ...words];
  return startChild(folder, `await import('./scripts/ablation.mjs');`, { args: [at(dir), ...args] });
}

interface Plan {
  recipes: { name: string; set: string[] }[];
  sweeps: { key: string; variants: string[] }[];
}

/** The script's own module, which imports the compiled program. */
const planModule = () =>
  import(at('scripts', 'ablation', 'plan.mjs')) as Promise<{ readPlan: (file: string) => Plan }>;

async function run(dir: string, ...words: string[]) {
  return (await start(dir, ...words)).done;
}

const readResults = async (dir: string) =>
  JSON.parse(await readFile(at(dir, 'results.json'), 'utf8')) as Results;

test('an ablation that was killed goes on, with the results of one that was not; it compares, reports, and does nothing twice', async () => {
  const whole = await run('whole');
  expect(whole).toMatchObject({ status: 0, stderr: expect.not.stringContaining('ablation:') as string });
  expect(whole.stdout).toContain('All is done.');
  const results = await readResults('whole');
  // The variant takes half the steps, and the plan's list gives only the base a second seed.
  expect(results.runs.map(({ name, steps }) => [name, steps])).toEqual([
    ['base-1', 24],
    ['slow-1', 12],
    ['base-2', 24],
  ]);
  expect(results.runs[1]!.points.map(({ step }) => step)).toEqual([6, 12]);
  expect(results.decided).toEqual(['base']);
  const [base, slow] = results.recipes as [Results['recipes'][0], Results['recipes'][0]];
  const [one, two] = base.figures.diversity!.values as [number, number];
  expect(base.figures.diversity!.mean).toBeCloseTo((one + two) / 2, 12);
  expect(base.figures.diversity!.spread).toBeCloseTo(Math.abs(one - two) / Math.SQRT2, 12);
  expect(slow.figures.diversity!.ratio).toBeCloseTo(slow.figures.diversity!.mean / ((one + two) / 2), 12);
  expect(slow.score).toBeCloseTo(Math.log(slow.figures.diversity!.ratio!), 12);
  expect(Object.keys(slow.figures)).toEqual(expect.arrayContaining(['correlation.x', 'statisticsDistance']));
  expect(results.reference['correlation.x']).toBeGreaterThan(0);

  const killed = await start('killed', '--jobs', '1');
  while (!existsSync(at('killed', 'runs', 'slow-1', 'checkpoints', 'step-000006'))) await setTimeout(5);
  killed.child.kill('SIGKILL');
  expect((await killed.done).signal).toBe('SIGKILL');
  const status = await run('killed', '--status');
  expect(status.stdout).toMatch(/\| base-1 \| measured \| 24\/24 \|/);
  expect(status.stdout).toMatch(/\| slow-1 \| (under way|trained) \| \d+\/12 \|/);
  expect(status.stdout).toMatch(/\| slow-2 \| not needed \|/);
  expect((await run('killed')).status).toBe(0);
  expect(await readResults('killed')).toEqual(results);

  const model = at('whole', 'runs', 'base-1', 'models', 'step-000024', 'model.safetensors');
  const before = await readFile(model);
  await rm(at('whole', 'runs', 'base-1', 'checkpoints'), { recursive: true });
  await rm(at('whole', 'runs', 'base-1', 'figures.json'));
  const again = await run('whole');
  expect(again.stdout).toMatch(/^base-1: diversity [\d.]+\nAll is done\.\n$/);
  expect(await readFile(model)).toEqual(before);
  expect(await readResults('whole')).toEqual(results);

  expect((await run('whole', '--report', at('report.md'))).status).toBe(0);
  const report = await readFile(at('report.md'), 'utf8');
  expect(report).toMatch(/\| recipe \| seeds \| steps \| score \| diversity ↑ \| /);
  expect(report).toMatch(/\| base \| 2 \| 24 \|/);
  expect(report).toMatch(/\| slow \| 1 \| 12 \| [−-]?[\d.]+ \| [\d.]+ \([\d.]+\)/);
  for (const [, file] of report.matchAll(/\]\((report\/[^)]+)\)/g)) expect(existsSync(at(file!))).toBe(true);
  expect(report).toContain('report/sweep-1.svg');
  const chart = await readFile(at('report', 'curve-variants-diversity.svg'), 'utf8');
  expect(chart.match(/<circle/g)).toHaveLength(4);

  // The same folder with a plan of other steps holds runs of another recipe.
  await writePlan('longer', { ...PLAN, steps: 48 });
  const longer = await run('whole', '--plan', at('longer.json'));
  expect(longer).toMatchObject({ status: 2, stderr: expect.stringContaining('another recipe') as string });
});

test('an ablation measures what a step of a variant costs beside the base, and shares the time by it', async () => {
  const variants = [{ name: 'large', why: 'the tests', set: ['training.batch=6'] }];
  await writePlan('costs', { ...PLAN, variants, sweeps: [], seeds: [1], steps: 8, costRounds: 3 });
  expect(await run('costs', '--plan', at('costs.json'))).toMatchObject({
    status: 0,
    stderr: expect.not.stringContaining('ablation:') as string,
  });
  const { runs } = await readResults('costs');
  const { cost, steps } = runs.find(({ name }) => name === 'large-1')!;
  expect(cost).toBeGreaterThan(0);
  expect(steps).toBe(2 * Math.max(1, Math.round(8 / cost / 2)));
});

test.each<[string, string, unknown]>([
  ['no JSON', 'line 1, column 2', '{'],
  ['an unknown key', 'Unrecognized key', { ...PLAN, stepz: 1 }],
  [
    'an unknown config key',
    'learningRat',
    { ...PLAN, base: { ...PLAN.base, set: ['training.learningRat=1'] } },
  ],
  [
    'a key that the script sets',
    'training.seed',
    { ...PLAN, base: { ...PLAN.base, set: ['training.seed=1'] } },
  ],
  ['two variants of one name', 'slow', { ...PLAN, variants: [...PLAN.variants, ...PLAN.variants] }],
  ['an unknown variant', 'fast', { ...PLAN, decide: { margin: 0, variants: ['fast'] } }],
  [
    'overrides taken over from a variant below',
    '"from": "slow" in early',
    { ...PLAN, variants: [{ name: 'early', why: 'the tests', from: 'slow' }, ...PLAN.variants] },
  ],
])('a plan with %s is an input error that names %s', async (_, words, plan) => {
  await writePlan('wrong', plan);
  const read = async () => (await planModule()).readPlan(at('wrong.json'));
  await expect(read()).rejects.toMatchObject({
    name: 'InputError',
    message: expect.stringContaining(words) as string,
  });
});

test('a variant takes over the overrides of one above it, and its own come last', async () => {
  const later = { name: 'later', why: 'the tests', from: 'slow', set: ['training.batch=2'] };
  const last = { name: 'last', why: 'the tests', from: 'later', set: ['training.batch=3'] };
  await writePlan('chain', { ...PLAN, variants: [...PLAN.variants, later, last] });
  const { recipes } = (await planModule()).readPlan(at('chain.json'));
  expect(recipes.map(({ set }) => set)).toEqual([
    [],
    ['training.learningRate=0.001'],
    ['training.learningRate=0.001', 'training.batch=2'],
    ['training.learningRate=0.001', 'training.batch=2', 'training.batch=3'],
  ]);
});

test('a wrong plan and wrong options end with exit code 2 and leave no folder', async () => {
  await writePlan('wrong', { ...PLAN, steps: 0 });
  const cases: [string, string[]][] = [
    ['steps', ['--plan', at('wrong.json')]],
    ['--jobs many', ['--jobs', 'many']],
    ["Unknown option '--fast'", ['--fast']],
    ['measured runs', ['--report', at('none.md')]],
  ];
  for (const [message, words] of cases) {
    const { status, stderr } = await run('none', ...words);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  }
  expect(existsSync(at('none'))).toBe(false);
});

test("the repository's own plan is valid, and its sweeps vary the key that they name", async () => {
  const { readPlan } = await planModule();
  const plan = readPlan(at('scripts', 'ablation', 'plan.json'));
  expect(plan.recipes[0]!.name).toBe('base');
  for (const { key, variants } of plan.sweeps)
    for (const { name, set } of plan.recipes)
      if (name !== 'base' && variants.includes(name)) expect(set.join()).toContain(`${key}=`);
});
