// One rank of run.mjs: times steps without and with all-reduces, and the bandwidth between the ranks. Prints one line of JSON.
import process from 'node:process';
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../dist/base/rng.js';
import { noiseBatch } from '../../dist/bench/bench.js';
import { readTimeline } from '../../dist/bench/scaling.js';
import { loadConfig } from '../../dist/config/load.js';
import { withWorld } from '../../dist/distributed/with-world.js';
import { buildNetworks, initNetworks } from '../../dist/gan/networks.js';
import { ranksOf } from '../../dist/ops/ranks.js';
import { kernels } from '../../dist/runtime/kernels.js';
import { loadEngine } from '../../dist/runtime/node.js';
import { median } from '../../dist/train/forecast.js';
import { openTrainer } from '../../dist/train/open-trainer.js';

const WARM_UP = 2;
const PROBES = 6;
const PROBE_BYTES = 25e6;
/** A step without R1. */
const STEP = 1;

const [stepsText, ...overrides] = process.argv.slice(2);
const steps = Number(stepsText) + WARM_UP;

/** Times steps of all ranks at once. @param ranks how many the gradients are averaged over. */
async function timeSteps(config, world, ranks) {
  const networks = buildNetworks(config, ranksOf(ranks));
  const context = { config, networks };
  const rng = new Rng(config.training.seed, 'bench');
  const trainer = openTrainer(context, { values: initNetworks(networks, rng.fork('init')) });
  const batch = noiseBatch(context, rng);
  const seconds = [];
  const timelines = [];
  for (let i = 0; i < steps; i++) {
    await world.barrier();
    world.timeline?.();
    const start = performance.now();
    await trainer.step(batch, STEP);
    // A step is over when all ranks have done it.
    await world.barrier();
    if (i < WARM_UP) continue;
    seconds.push((performance.now() - start) / 1000);
    timelines.push(readTimeline(world.timeline?.() ?? []));
  }
  trainer.dispose();
  return { seconds: median(seconds), timelines };
}

/** Bytes a second that leave each rank in an all-reduce of one bucket. */
async function measureBandwidth(world) {
  world.timeline();
  const x = tf.zeros([PROBE_BYTES / 4]);
  for (let i = 0; i < PROBES; i++) {
    await world.barrier();
    const [mean] = kernels().allReduce([x]);
    mean.dataSync();
    mean.dispose();
  }
  const rates = world.timeline().map(({ started, ended, bytes }) => bytes / (ended - started));
  return (median(rates.slice(1)) * 2 * (world.size - 1)) / world.size;
}

await withWorld(async (world) => {
  const config = await loadConfig({ overrides });
  await loadEngine({ ...config.runtime, work: 'training', world });
  const alone = await timeSteps(config, world, 1);
  const result = { ranks: world.size, aloneSeconds: alone.seconds };
  if (world.size > 1) {
    result.bandwidth = await measureBandwidth(world);
    const { seconds, timelines } = await timeSteps(config, world, world.size);
    result.seconds = seconds;
    for (const name of ['bytes', 'buckets', 'queued', 'transfer', 'hidden'])
      result[name] = median(timelines.map((each) => each[name]));
  }
  if (world.isFirst) process.stdout.write(`${JSON.stringify(result)}\n`);
});
