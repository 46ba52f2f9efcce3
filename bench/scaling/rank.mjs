// One rank of run.mjs: times steps alone and with all-reduces, by turns, and the bandwidth between the ranks. Rank 0 prints one
// line of JSON.
import process from 'node:process';
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../dist/base/rng.js';
import { readTimeline, readTransfers } from '../../dist/bench/scaling.js';
import { loadConfig } from '../../dist/config/load.js';
import { withWorld } from '../../dist/distributed/with-world.js';
import { buildNetworks, initNetworks } from '../../dist/gan/networks.js';
import { noiseBatch } from '../../dist/gan/noise-batch.js';
import { ranksOf } from '../../dist/ops/ranks.js';
import { kernels } from '../../dist/runtime/kernels.js';
import { peakMemory } from '../../dist/runtime/memory.js';
import { loadEngine } from '../../dist/runtime/node.js';
import { kernelTimes } from '../../dist/runtime/session.js';
import { median } from '../../dist/train/forecast.js';
import { openTrainer } from '../../dist/train/open-trainer.js';

const WARM_UP = 2;
const PROBES = 8;
const PROBE_BYTES = 25e6;
const BYTES_PER_VALUE = 4;
/** A step without R1. */
const STEP = 1;

const { steps, overrides, file, timeline } = JSON.parse(process.argv[2]);

/** A function that takes a step. @param ranks how many the gradients are averaged over. */
function stepper(config, ranks) {
  const networks = buildNetworks(config, ranksOf(ranks));
  const context = { config, networks };
  const rng = new Rng(config.training.seed, 'bench');
  const trainer = openTrainer(context, { values: initNetworks(networks, rng.fork('init')) });
  const batch = noiseBatch(config, config.training.seed);
  return () => trainer.step(batch, STEP);
}

/** Wall seconds until all ranks have done it, and processor seconds of this rank. */
async function timed(world, step) {
  await world.barrier();
  const start = performance.now();
  const before = process.cpuUsage();
  await step();
  const { user, system } = process.cpuUsage(before);
  await world.barrier();
  return { seconds: (performance.now() - start) / 1000, processor: (user + system) / 1e6 };
}

/** Bytes a second that leave each rank in an all-reduce of one bucket, while the ranks compute nothing else. */
async function measureBandwidth(world) {
  const x = tf.zeros([PROBE_BYTES / BYTES_PER_VALUE]);
  world.timeline();
  for (let i = 0; i < PROBES; i++) {
    await world.barrier();
    const [mean] = kernels().allReduce([x]);
    mean.dataSync();
    mean.dispose();
  }
  const [own] = readTransfers(await world.gatherValues(world.timeline()));
  const seconds = median(own.buckets.slice(1).map(({ met, ended }) => ended - met));
  return (PROBE_BYTES * 2 * (world.size - 1)) / world.size / seconds;
}

/** Times of kernels and all-reduces of one step, on the clock of the all-reduces. */
async function recordTimeline(world, config, step) {
  world.timeline();
  await step();
  const calls = await world.gatherValues(world.timeline());
  const sinceEpoch =
    (performance.timeOrigin + performance.now()) / 1000 - Number(process.hrtime.bigint()) / 1e9;
  const onClock = kernelTimes().map(({ label, scheduled, started, ended }) => ({
    label,
    scheduled: scheduled - sinceEpoch,
    started: started - sinceEpoch,
    ended: ended - sinceEpoch,
  }));
  const { discriminators } = buildNetworks(config);
  const bytes = discriminators.parameterCount * BYTES_PER_VALUE;
  return world.gatherValues(readTimeline(readTransfers(calls)[world.rank], onClock, bytes));
}

/** Alone, or together: medians of rounds in which each is measured once. */
async function measure(world, config) {
  const alone = stepper(config, 1);
  if (world.size === 1) {
    const all = [];
    for (let i = 0; i < steps + WARM_UP; i++) all.push(await timed(world, alone));
    return { alone: all.slice(WARM_UP) };
  }
  const bandwidth = await measureBandwidth(world);
  const together = stepper(config, world.size);
  const rounds = [];
  for (let i = 0; i < steps + WARM_UP; i++) {
    const round = { alone: await timed(world, alone) };
    world.timeline();
    round.together = await timed(world, together);
    const own = readTransfers(await world.gatherValues(world.timeline()));
    round.bytes = own[0].bytes;
    round.buckets = own[0].buckets.length;
    // The rank that comes last waits for nobody.
    round.waiting = own.reduce((sum, each) => sum + each.waiting, 0) / own.length;
    round.transfer = own[0].transfer;
    if (i >= WARM_UP) rounds.push(round);
  }
  const of = (name) => rounds.map((round) => round[name]);
  const result = { alone: of('alone'), together: of('together'), bandwidth };
  for (const name of ['bytes', 'buckets', 'waiting', 'transfer']) result[name] = median(of(name));
  return result;
}

/** The timeline of a step on each rank. */
async function timelines(world, config) {
  kernelTimes();
  const together = stepper(config, world.size);
  for (let i = 0; i < WARM_UP; i++) await together();
  const rounds = [];
  for (let i = 0; i < steps; i++) rounds.push(await recordTimeline(world, config, together));
  return { timelines: rounds };
}

await withWorld(async (world) => {
  const config = await loadConfig({ file, overrides });
  const { threads } = await loadEngine({ ...config.runtime, work: 'training', world });
  const result = await (timeline ? timelines : measure)(world, config);
  const memory = await world.gatherValues(peakMemory());
  if (world.isFirst)
    process.stdout.write(`${JSON.stringify({ ranks: world.size, threads, memory, ...result })}\n`);
});
