// Prints the Markdown tables of docs/gpu.md: the cost of a training step with every config, and the least time that it takes
// on some GPUs, computed from recorded graphs. Needs `npm run build`, and neither a GPU nor weights; takes a minute.
//
//     node scripts/roofline.mjs [--memory]
//
// `--memory` prints the memory of a step by size and batch instead.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ARITHMETIC_VARIANTS, recordTraining } from '../dist/bench/captured-programs.js';
import { CARDS, floorOf } from '../dist/bench/roofline.js';
import { loadConfig } from '../dist/config/load.js';
import { costOf, kernelWorks } from '../dist/runtime/capture/cost.js';
import { liveMemory } from '../dist/runtime/capture/live-memory.js';
import { loadEngine } from '../dist/runtime/node.js';

const CONFIGS = path.join(import.meta.dirname, '..', 'configs');
const PAPER = 'selfie2anime';
const STEP_KINDS = ['plain', 'withR1'];

const log = (text = '') => process.stdout.write(`${text}\n`);
const count = (number) => number.toLocaleString('en');
const fixed = (number, digits) =>
  number.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

function table(heads, rows) {
  log(`| ${heads.join(' | ')} |`);
  log(`| ${heads.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`);
  for (const row of rows) log(`| ${row.join(' | ')} |`);
  log();
}

function configs() {
  const names = readdirSync(CONFIGS).filter((name) => name.endsWith('.json'));
  const files = names.map((name) => path.join(CONFIGS, name));
  return files
    .filter((file) => JSON.parse(readFileSync(file, 'utf8')).$schema === './schema.json')
    .map((file) => ({ name: path.basename(file, '.json'), file }));
}

/** The nodes of a step without R1, and of one with it. */
function stepNodes(config) {
  const { graph, endpoints } = recordTraining(config);
  return STEP_KINDS.map((kind) => graph.nodesFor(Object.values(endpoints[kind].outputs)));
}

/** Seconds of an average step; one of `r1EverySteps` has R1. */
function averageSeconds(works, { r1Weight, r1EverySteps }, card, products) {
  const [plain, withR1] = works.map((of) => floorOf(of, card, products));
  const share = r1Weight === 0 ? 0 : 1 / r1EverySteps;
  const mean = (key) => plain[key] * (1 - share) + withR1[key] * share;
  return { gpuSeconds: mean('gpuSeconds'), launchSeconds: mean('launchSeconds') };
}

/** The kinds of float32 products that a variant may use. */
const productsOf = (variant) =>
  variant.runtime.arithmetic === 'float32' ? ['float32', 'tf32'] : ['float32'];

function roofline() {
  const costs = [];
  const floors = [];
  const durations = [];
  for (const { name, file } of configs())
    for (const variant of ARITHMETIC_VARIANTS) {
      const overrides = Object.entries(variant.runtime).map(([key, value]) => `runtime.${key}=${value}`);
      const config = loadConfig({ file, overrides });
      const nodes = stepNodes(config);
      const works = nodes.map(kernelWorks);
      const [plain, withR1] = works.map(costOf);
      const memory = nodes.map((of) => fixed(liveMemory(of).peakBytes / 1e9, 1)).join(' / ');
      const both = (of) => `${of(plain)} / ${of(withR1)}`;
      costs.push([
        name,
        variant.name,
        both(({ kernels }) => count(kernels)),
        both(({ smallKernels }) => count(smallKernels)),
        both(({ matrixFlops }) => fixed(matrixFlops / 1e12, 2)),
        both(({ bytes }) => fixed(bytes / 1e9, 0)),
        memory,
      ]);
      for (const products of productsOf(variant)) {
        const arithmetic = variant.name === 'float32' ? products : variant.name;
        const seconds = CARDS.map((card) => averageSeconds(works, config.training, card, products));
        floors.push([
          name,
          arithmetic,
          ...seconds.map(({ gpuSeconds }) => fixed(gpuSeconds * 1e3, 0)),
          fixed(seconds[0].launchSeconds * 1e3, 0),
        ]);
        if (name === PAPER)
          durations.push([
            arithmetic,
            ...seconds.map((floor) =>
              fixed((Math.max(...Object.values(floor)) * config.training.steps) / 3600, 1),
            ),
          ]);
      }
    }
  const cards = CARDS.map(({ name }) => name);
  log('A step, without / with R1:\n');
  table(['config', 'arithmetic', 'kernels', 'below 2 MB', 'TFLOP', 'GB moved', 'GB alive'], costs);
  log('Least time of an average step, ms:\n');
  table(['config', 'arithmetic', ...cards, 'launches'], floors);
  log(`Least time of all steps of ${PAPER}, hours:\n`);
  table(['arithmetic', ...cards], durations);
}

function memory() {
  const file = path.join(CONFIGS, `${PAPER}.json`);
  const rows = [];
  for (const size of [64, 128, 256, 512])
    for (const batch of [1, 2, 4, 8]) {
      const row = [`${size} px, ${batch}`];
      for (const runtime of [[], ['runtime.recomputeActivations=true']])
        for (const loss of [['losses.lpips.weight=0'], []]) {
          const model = [`model.size=${size}`, `model.numDown=${size === 512 ? 4 : 3}`];
          const overrides = [...model, `training.batch=${batch}`, ...loss, ...runtime];
          const [, withR1] = stepNodes(loadConfig({ file, overrides }));
          row.push(fixed(liveMemory(withR1).peakBytes / 1e9, 1));
        }
      rows.push(row);
    }
  log('Peak of live tensors in a step with R1, GB:\n');
  table(['size, batch', 'without LPIPS', 'with LPIPS', 'recomputed', 'recomputed, with LPIPS'], rows);
}

const { values: options } = parseArgs({ options: { memory: { type: 'boolean', default: false } } });
await loadEngine();
if (options.memory) memory();
else roofline();
