// Trains the landmark network (src/landmarks) on newly drawn portraits of both domains, prints its error on others, and writes
// models/landmarks/model.safetensors. The same seed gives the same bytes on the same machine. Needs `npm run build`.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../dist/base/rng.js';
import { writeSafetensors } from '../dist/checkpoint/safetensors.js';
import { LANDMARK_WEIGHTS, LandmarkFinder, readLandmarkWeights } from '../dist/landmarks/landmark-finder.js';
import {
  FEATURES,
  INPUT_PX,
  landmarkMaps,
  landmarkSpecs,
  MAP_CELLS,
} from '../dist/landmarks/landmark-network.js';
import { initParameters } from '../dist/model/parameters.js';
import { Tape } from '../dist/ops/autodiff.js';
import { adamScalars, adamUpdate, emaUpdate } from '../dist/optim/adam.js';
import { loadEngine } from '../dist/runtime/node.js';
import { errorFigures, heldOut, portraits } from './landmarks/portraits.mjs';
import { trainingExample } from './landmarks/training-example.mjs';

const BATCH = 32;
const BETAS = { first: 0.9, second: 0.99 };
const LEARNING_RATE = 3e-3;
const WARM_UP_STEPS = 50;
const EMA_DECAY = 0.995;
/** Standard deviation of the target in the heat maps, cells. */
const TARGET_CELLS = 1;

const { values: args } = parseArgs({
  options: {
    steps: { type: 'string', default: '3000' },
    images: { type: 'string', default: '800' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: LANDMARK_WEIGHTS },
    /** Prints the error of the package's weights, and trains nothing. */
    measure: { type: 'boolean', default: false },
  },
});
const log = (text) => process.stderr.write(`${text}\n`);

/** The probabilities that the softmax of a map's cells should give: a bell around the place; none for what is not there. */
function writeTarget(target, at, point) {
  if (point === undefined) return;
  const reach = 4 * TARGET_CELLS;
  const [column, row] = point.map((share) => share * MAP_CELLS - 0.5);
  const cells = [];
  for (let r = Math.max(0, Math.ceil(row - reach)); r <= Math.min(MAP_CELLS - 1, row + reach); r++)
    for (let c = Math.max(0, Math.ceil(column - reach)); c <= Math.min(MAP_CELLS - 1, column + reach); c++)
      cells.push([r, c, Math.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * TARGET_CELLS ** 2))]);
  const total = cells.reduce((sum, [, , weight]) => sum + weight, 0);
  for (const [r, c, weight] of cells) target[at + (r * MAP_CELLS + c) * FEATURES.length] = weight / total;
}

function drawBatch(set, rng) {
  const pixels = INPUT_PX ** 2 * 3;
  const cells = MAP_CELLS ** 2 * FEATURES.length;
  const images = new Float32Array(BATCH * pixels);
  const targets = new Float32Array(BATCH * cells);
  for (let i = 0; i < BATCH; i++) {
    const { image, points } = trainingExample(rng.pick(set), rng);
    images.set(image, i * pixels);
    for (const [k, point] of points.entries()) writeTarget(targets, i * cells + k, point);
  }
  return { images, targets };
}

/** The softmax over the cells of each map and "nowhere" (logit 0), without the latter. */
function probabilities(maps) {
  const cells = maps.reshape([BATCH, MAP_CELLS ** 2, FEATURES.length]);
  const nowhere = tf.zeros([BATCH, 1, FEATURES.length]);
  const all = tf.softmax(tf.concat([cells, nowhere], 1).transpose([0, 2, 1]));
  return all
    .slice([0, 0, 0], [-1, -1, MAP_CELLS ** 2])
    .transpose([0, 2, 1])
    .reshape(maps.shape);
}

/** One step of Adam on the cross entropy; replaces the tensors of `state`. @returns the mean distance of probabilities. */
function step(state, { images, targets }, learningRate) {
  state.step++;
  const results = tf.tidy(() => {
    const params = Object.fromEntries(Object.entries(state.values));
    const tape = new Tape(Object.values(params));
    const input = tf.tensor4d(images, [BATCH, INPUT_PX, INPUT_PX, 3]);
    const maps = tape.record(() => landmarkMaps(params, input));
    const target = tf.tensor4d(targets, maps.shape);
    // The gradient of the cross entropy in the logits.
    const difference = tf.sub(probabilities(maps), target);
    const names = Object.keys(params);
    const gradients = tape.gradientsFrom(
      [maps],
      [tf.div(difference, BATCH)],
      names.map((name) => params[name]),
    );
    const { stepSize, rootCorrection } = adamScalars(learningRate, BETAS, state.step);
    const scalars = { stepSize: tf.scalar(stepSize), rootCorrection: tf.scalar(rootCorrection) };
    const next = { values: {}, first: {}, second: {}, ema: {} };
    for (const [i, name] of names.entries()) {
      const moments = { first: state.first[name], second: state.second[name] };
      const updated = adamUpdate(params[name], gradients[i], moments, BETAS, scalars);
      next.values[name] = updated.value;
      next.first[name] = updated.moments.first;
      next.second[name] = updated.moments.second;
      next.ema[name] = emaUpdate(
        state.ema[name],
        updated.value,
        1 - Math.min(EMA_DECAY, state.step / (state.step + 20)),
      );
    }
    return { ...next, distance: tf.sum(tf.abs(difference)) };
  });
  const { distance, ...next } = results;
  for (const group of Object.keys(next)) {
    tf.dispose(state[group]);
    state[group] = next[group];
  }
  const value = distance.dataSync()[0] / (BATCH * FEATURES.length);
  distance.dispose();
  return value;
}

function learningRateAt(done, steps) {
  const warmUp = Math.min(1, (done + 1) / WARM_UP_STEPS);
  return LEARNING_RATE * warmUp * (0.02 + 0.98 * 0.5 * (1 + Math.cos((Math.PI * done) / steps)));
}

const onHost = (tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, new Float32Array(tensor.dataSync())]),
  );

async function train(set) {
  const seed = Number(args.seed);
  const steps = Number(args.steps);
  const initial = initParameters(landmarkSpecs, new Rng(seed, 'landmarks'));
  const tensors = (fill) =>
    Object.fromEntries(
      Object.entries(landmarkSpecs).map(([name, { shape }]) => [
        name,
        tf.tensor(fill ? initial[name] : new Float32Array(initial[name].length), shape),
      ]),
    );
  const state = {
    step: 0,
    values: tensors(true),
    ema: tensors(true),
    first: tensors(false),
    second: tensors(false),
  };
  const rng = new Rng(seed, 'landmark-batches');
  const start = performance.now();
  let distance = 0;
  for (let done = 0; done < steps; done++) {
    distance += step(state, drawBatch(set, rng), learningRateAt(done, steps)) / 100;
    if ((done + 1) % 100 !== 0) continue;
    log(
      `step ${done + 1} of ${steps}, ${((performance.now() - start) / 1000).toFixed(0)} s: ${distance.toFixed(3)}`,
    );
    distance = 0;
    if ((done + 1) % 1000 === 0 && done + 1 < steps) await measure(onHost(state.ema), 48);
  }
  return onHost(state.ema);
}

let kept;
async function measure(values, count) {
  kept ??= new Map();
  if (!kept.has(count)) kept.set(count, await heldOut(count, Number(args.seed)));
  const finder = new LandmarkFinder(values);
  for (const [name, set] of kept.get(count)) log(`${name.padEnd(28)} ${errorFigures(finder, set)}`);
  finder.dispose();
}

await loadEngine({ work: 'training' });
if (args.measure) {
  await measure(await readLandmarkWeights(), 200);
} else {
  const set = await portraits('train', Number(args.images), Number(args.seed), log);
  const values = await train(set);
  await mkdir(path.dirname(args.out), { recursive: true });
  await writeSafetensors(
    args.out,
    new Map(
      Object.entries(landmarkSpecs).map(([name, { shape }]) => [
        name,
        { dtype: 'F32', shape, data: values[name] },
      ]),
    ),
    { format: 'pt' },
  );
  log(`written to ${args.out}`);
  await measure(values, 200);
}
