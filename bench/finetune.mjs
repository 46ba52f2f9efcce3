#!/usr/bin/env node
// Fine-tunes a model on few images of the sample dataset's pastel family, trains another from scratch on the same images
// for as many steps, and prints the scores of both on unseen test images. Needs `npm run build`.
//
// usage: node bench/finetune.mjs --base RUN --work DIR [--steps N] [--images 25,50,100,300]
//
// RUN is a run of configs/sample.json or a model of one, such as models/sample. DIR keeps datasets and runs, and a second
// call makes only those that are missing.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadEngine } from '../dist/runtime/node.js';
import { drawSampleDataset } from '../dist/sample/draw.js';
import { readSampleTestSet, referenceFigures, sampleFigures } from '../dist/sample/sample-evaluation.js';
import { readModel } from '../dist/translate/model.js';
import { openTranslator } from '../dist/translate/open-translator.js';

const TEST_IMAGES = 64;
const STYLES = 4;
/** Differs from the seed of the sample model's training images. */
const SEED = 11;

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    work: { type: 'string' },
    steps: { type: 'string', default: '400' },
    images: { type: 'string', default: '25,50,100,300' },
  },
});
const { base, work, steps } = values;
if (base === undefined || work === undefined) {
  process.stderr.write('Expected --base RUN and --work DIR; the head of this file describes them.\n');
  process.exit(2);
}
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const counts = values.images.split(',').map(Number);

/** Makes a dataset of links to all photos and the first `count` anime images. @returns its folder. */
function subset(all, count) {
  const folder = path.join(work, `data-${count}`);
  if (existsSync(folder)) return folder;
  for (const name of ['trainA', 'testA', 'testB']) {
    mkdirSync(folder, { recursive: true });
    symlinkSync(path.resolve(all, name), path.join(folder, name));
  }
  mkdirSync(path.join(folder, 'trainB'));
  for (const name of readdirSync(path.join(all, 'trainB')).sort().slice(0, count))
    symlinkSync(path.resolve(all, 'trainB', name), path.join(folder, 'trainB', name));
  return folder;
}

function train(out, args) {
  if (existsSync(path.join(out, 'done'))) return;
  const settings = [
    `training.steps=${steps}`,
    // Runs are short, so the average is over fewer steps.
    'training.emaDecay=0.99',
    'losses.lpips.weight=0',
    `log.sampleEverySteps=${steps}`,
    'checkpoint.everySteps=100000',
  ].flatMap((setting) => ['--set', setting]);
  const { status, stderr } = spawnSync(
    process.execPath,
    [here('../bin/gnr.mjs'), 'train', '--out', out, ...args, ...settings],
    { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (status !== 0) {
    process.stderr.write(stderr);
    process.exit(1);
  }
  mkdirSync(path.join(out, 'done'));
}

async function score(folder, set) {
  const { architecture, values: weights } = await readModel(folder);
  const translator = openTranslator(architecture, weights);
  const figures = sampleFigures(translator, set, { styles: STYLES, seed: SEED });
  translator.dispose();
  const { statisticsDistance, correlation, diversity } = figures;
  const relative = diversity / referenceFigures(set).diversity;
  return [statisticsDistance, correlation.x, correlation.y, correlation.scale, relative].map((value) =>
    value.toFixed(2),
  );
}

await loadEngine();
const all = path.join(work, 'pastel');
if (!existsSync(all))
  await drawSampleDataset({
    dir: all,
    images: Math.max(...counts),
    testImages: TEST_IMAGES,
    seed: SEED,
    family: 'pastel',
  });
const print = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
print(['images', 'training', 'distance', 'left to right', 'up and down', 'size', 'style diversity']);
print(Array(7).fill('---'));
const sizeOf = async () => (await readModel(base)).architecture.size;
const set = await readSampleTestSet(all, await sizeOf(), TEST_IMAGES);
print([0, 'none', ...(await score(base, set))]);
for (const count of counts) {
  const root = `data.root=${subset(all, count)}`;
  const tuned = path.join(work, `tuned-${count}`);
  // The config's warm-up suits thousands of steps.
  const tuning = ['--config', here('../configs/finetune.json'), '--set', 'training.warmUpSteps=50'];
  train(tuned, [...tuning, '--init', base, '--set', root]);
  print([count, 'fine-tuned', ...(await score(tuned, set))]);
  const fresh = path.join(work, `scratch-${count}`);
  train(fresh, ['--config', here('../configs/sample.json'), '--set', root]);
  print([count, 'from scratch', ...(await score(fresh, set))]);
}
