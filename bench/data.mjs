#!/usr/bin/env node
// Times only the preparation of training images (read, decode, warp), in the main thread and with worker threads
// (data.workers), one after the other in each round. Prints images a second, milliseconds a step, and ratios to the main
// thread, which show whether the data keeps up with a GPU. Needs `npm run build`.
//
// usage: node bench/data.mjs [--size PX ...] [--batch N] [--workers N ...] [--steps N] [--rounds N] [--data DIR]
//
// A step uses 4 x batch images, made of 2 x batch files. "cached": decoded images stay in memory; "decoded": every
// file is read and decoded again. Without --data the images are a sample dataset (PNG) of the size.

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const many = (...values) => ({ type: 'string', multiple: true, default: values });
const { values } = parseArgs({
  options: {
    size: many('64', '128', '256'),
    batch: { type: 'string', default: '4' },
    workers: many('0', '1', '2', '4'),
    steps: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
    data: { type: 'string' },
  },
});
const [batch, steps, rounds] = [values.batch, values.steps, values.rounds].map(Number);
const workers = values.workers.map(Number);
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { resolveConfig } = await dist('config/load.js');
const { openDataset } = await dist('data/folder.js');
const { drawSampleDataset } = await dist('sample/draw.js');
const { Batches } = await dist('train/batches.js');

/** Images of each domain in the drawn dataset. */
const IMAGES = 48;
/** Steps before the clock starts, in which threads start, functions are compiled and caches fill. */
const WARM_UP = 30;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Milliseconds a step while nothing else runs. */
async function time(dataset, size, count, cacheBytes) {
  const config = resolveConfig({
    model: { size },
    training: { batch },
    losses: { lpips: { weight: 0 } },
    data: { workers: count, ...(cacheBytes === undefined ? {} : { cacheBytes }) },
  });
  const batches = new Batches(config, dataset);
  try {
    let step = 0;
    while (step < WARM_UP) await batches.next(step++);
    const began = performance.now();
    while (step < WARM_UP + steps) await batches.next(step++);
    return (performance.now() - began) / steps;
  } finally {
    await batches.close();
  }
}

async function measure(root, size) {
  const dataset = await openDataset(root, { requireTest: false });
  for (const [name, cacheBytes] of [['cached'], ['decoded', 0]]) {
    const runs = workers.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [i, count] of workers.entries()) runs[i].push(await time(dataset, size, count, cacheBytes));
    const [first, ...others] = runs.map(median);
    const cell = (count, ms, ratio) =>
      `${count} workers: ${((4000 * batch) / ms).toFixed(0)}/s, ${ms.toFixed(2)} ms${ratio}`;
    const cells = others.map((ms, i) => cell(workers[i + 1], ms, ` (${(first / ms).toFixed(2)})`));
    process.stdout.write(`${size} px, ${name}: ${[cell(workers[0], first, ''), ...cells].join('; ')}\n`);
  }
}

process.stdout.write(
  `Batch ${batch}, ${availableParallelism()} processors, load ${loadavg()[0].toFixed(1)}: images a second and time a step (ratio of speed to ${workers[0]} workers)\n`,
);
const work = mkdtempSync(join(tmpdir(), 'gnr-bench-data-'));
try {
  for (const size of values.size.map(Number)) {
    const root = values.data ?? join(work, String(size));
    if (values.data === undefined)
      await drawSampleDataset({ dir: root, images: IMAGES, testImages: 0, size });
    await measure(root, size);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
