// Loads built addons in a process of its own and runs basic operations; prints each operation first, then the result.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const process = require('node:process');
const util = require('node:util');

// tfjs-node 4.22 calls this, and Node 23 removed it.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;

/** `graph` computes `variable * factor` in a session with `config`, both in base64; `preload` lists files to load first. */
const task = JSON.parse(process.argv[2]);
const { packageDirectory, addon, sessionAddon, preloadAddon, allReduceAddon, preload } = task;

/** Loads the files of `preload`. @returns messages about those that do not load. */
function loadFirst() {
  if (preload.length === 0) return [];
  const loader = { exports: {} };
  try {
    process.dlopen(loader, preloadAddon);
  } catch (error) {
    return [`${path.basename(preloadAddon)}: ${error.message}`];
  }
  return loader.exports.preload(preload).filter((failure) => failure !== null);
}

function loadEngine() {
  const ofPackage = createRequire(path.join(packageDirectory, 'package.json'));
  // tfjs asks this module where its addon is.
  const locator = ofPackage.resolve('@mapbox/node-pre-gyp');
  ofPackage.cache[locator] = { id: locator, filename: locator, loaded: true, exports: { find: () => addon } };
  return ofPackage(packageDirectory);
}

const SIDE = 5;
const CHANNELS = { in: 3, out: 4 };
const FILTER = 3;

/** Whole numbers in [-2, 2], which every arithmetic multiplies exactly. */
function numbers(count, factor) {
  return Float32Array.from({ length: count }, (_, i) => ((i * factor + (i % 7)) % 5) - 2);
}

/** Computes a convolution with zero padding at stride 1 and both of its gradients, in plain loops. */
function plainConvolution(x, filter, dy) {
  const y = new Float32Array(SIDE * SIDE * CHANNELS.out);
  const dx = new Float32Array(x.length);
  const dfilter = new Float32Array(filter.length);
  for (let i = 0; i < y.length; i++) {
    const out = i % CHANNELS.out;
    const column = Math.floor(i / CHANNELS.out) % SIDE;
    const row = Math.floor(i / CHANNELS.out / SIDE);
    for (let j = 0; j < FILTER * FILTER * CHANNELS.in; j++) {
      const channel = j % CHANNELS.in;
      const u = row + Math.floor(j / CHANNELS.in / FILTER) - 1;
      const v = column + (Math.floor(j / CHANNELS.in) % FILTER) - 1;
      if (u < 0 || v < 0 || u >= SIDE || v >= SIDE) continue;
      const pixel = (u * SIDE + v) * CHANNELS.in + channel;
      const tap = j * CHANNELS.out + out;
      y[i] += x[pixel] * filter[tap];
      dx[pixel] += dy[i] * filter[tap];
      dfilter[tap] += dy[i] * x[pixel];
    }
  }
  return { y, dx, dfilter };
}

/** The operations by name, with the expected result of each. */
function partsOf(tf, sessions) {
  const x = numbers(SIDE * SIDE * CHANNELS.in, 3);
  const filter = numbers(FILTER * FILTER * CHANNELS.in * CHANNELS.out, 2);
  const dy = numbers(SIDE * SIDE * CHANNELS.out, 4);
  const expected = plainConvolution(x, filter, dy);
  const input = () => tf.tensor4d(x, [1, SIDE, SIDE, CHANNELS.in]);
  const weights = () => tf.tensor4d(filter, [FILTER, FILTER, CHANNELS.in, CHANNELS.out]);
  const convolve = (a, b) => tf.conv2d(a, b, 1, 'same');
  const gradients = () =>
    tf.grads(convolve)([input(), weights()], tf.tensor4d(dy, [1, SIDE, SIDE, CHANNELS.out]));
  const a = [1, 2, 3, 4];
  const b = [5, 6, 7, 8];
  const session = () => {
    const { createSession, makeCallable, run } = sessions;
    const id = createSession(Buffer.from(task.graph, 'base64'), Buffer.from(task.config, 'base64'));
    const call = (node, values, fetches, targets) => {
      const callable = makeCallable(id, [{ node, dtype: 1, shape: [values.length] }], fetches, targets);
      return run(id, callable, [Float32Array.from(values)])[0];
    };
    call('value', a, [], ['assign']);
    return call('factor', b, ['scaled'], []);
  };
  const columns = [2, 2];
  return {
    'a matrix product': [
      () => tf.matMul(tf.tensor2d(a, columns), tf.tensor2d(b, columns)).dataSync(),
      [19, 22, 43, 50],
    ],
    'an elementwise product': [
      () => tf.mul(tf.tensor1d(a), tf.tensor1d(b)).dataSync(),
      a.map((value, i) => value * b[i]),
    ],
    'a convolution': [() => convolve(input(), weights()).dataSync(), expected.y],
    "a convolution's input gradient": [() => gradients()[0].dataSync(), expected.dx],
    "a convolution's filter gradient": [() => gradients()[1].dataSync(), expected.dfilter],
    'a sum': [() => tf.sum(tf.tensor2d(numbers(600, 3), [20, 30]), 0).dataSync(), columnSums()],
    'a session with a variable': [session, a.map((value, i) => value * b[i])],
  };
}

function columnSums() {
  const values = numbers(600, 3);
  return Array.from({ length: 30 }, (_, c) =>
    Array.from({ length: 20 }, (_, r) => values[r * 30 + c]).reduce((sum, value) => sum + value, 0),
  );
}

/** Some algorithms use fractions, so whole numbers come out only nearly whole. */
function isNear(found, expected) {
  if (found.length !== expected.length) return false;
  return Array.from(expected).every((value, i) => Math.abs(found[i] - value) <= 0.05);
}

// Unbuffered: buffered output would be lost if the engine ends the process.
const print = (value) => fs.writeSync(1, `${JSON.stringify(value)}\n`);

function loadSessions() {
  const loaded = { exports: {} };
  process.dlopen(loaded, sessionAddon);
  process.dlopen({ exports: {} }, allReduceAddon);
  return loaded.exports;
}

const preloadFailures = loadFirst();
const tf = loadEngine();
const sessions = loadSessions();
const backend = tf.backend();
print({ loaded: true, gpu: backend.isUsingGpuDevice === true, preloadFailures });
const failures = [];
for (const [part, [compute, expected]] of Object.entries(partsOf(tf, sessions))) {
  print({ part });
  try {
    const found = compute();
    if (!isNear(found, expected))
      failures.push({
        part,
        reason: `${Array.from(found).slice(0, 4)} instead of ${Array.from(expected).slice(0, 4)}`,
      });
  } catch (error) {
    failures.push({ part, reason: String(error.message).trim().split('\n', 1)[0] });
  }
}
print({
  done: true,
  backend: tf.getBackend(),
  tensorflow: backend.binding.TF_Version,
  failures,
});
