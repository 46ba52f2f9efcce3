#!/usr/bin/env node
// Times feature extraction by pytorch-fid and by gnr on this machine, one after the other in every round, with the same
// weights on the same files. Prints the ratio of the medians and the difference of the features. Needs `npm run build`.
//
// usage: node bench/features.mjs --python PYTHON [--images N] [--size PX] [--rounds N] [--json]
//
// PYTHON has pytorch-fid 0.3.0:  python3 -m venv fid && fid/bin/pip install pytorch-fid==0.3.0
// Nothing is fetched: weights come from a formula, and images are drawn (half of them photographs, half of them anime).
// Times are those of the calls that turn a list of files into features. They include reading, decoding and resizing, but
// not the start of the process or the reading of weights; ours include capturing the graph and passing the weights to the
// session. On a busy machine CPU time says more than wall time. Memory is that of one process; pytorch-fid has others that
// load images.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    images: { type: 'string', default: '500' },
    size: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    /** For this program itself: the folder whose files.json lists the images to extract from. */
    ours: { type: 'string' },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (values.ours !== undefined) await extract(values.ours);
else if (values.python !== undefined) compare();
else {
  process.stderr.write('Expected --python PYTHON but found none; name a Python that has pytorch-fid.\n');
  process.exit(2);
}

function compare() {
  const dir = mkdtempSync(join(tmpdir(), 'gnr-bench-features-'));
  try {
    const [count, size] = [Number(values.images), values.size];
    const sample = ['dataset', 'sample', join(dir, 'data'), '--size', size, '--test-images', '0'];
    run(process.execPath, [here('../bin/gnr.mjs'), ...sample, '--images', String(Math.ceil(count / 2))]);
    const files = ['trainA', 'trainB'].flatMap((folder) =>
      readdirSync(join(dir, 'data', folder)).map((name) => join(dir, 'data', folder, name)),
    );
    writeFileSync(join(dir, 'files.json'), JSON.stringify(files.slice(0, count)));
    const rounds = Array.from({ length: Number(values.rounds) }, () => ({
      theirs: lastLine(run(values.python, [here('features_reference.py'), dir])),
      ours: lastLine(run(process.execPath, [fileURLToPath(import.meta.url), '--ours', dir])),
    }));
    report(rounds, { images: count, px: Number(size), difference: difference(dir) });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function report(rounds, facts) {
  const side = (name) => ({
    ...rounds.at(-1)[name],
    seconds: median(rounds.map((round) => round[name].seconds)),
    cpuSeconds: median(rounds.map((round) => round[name].cpuSeconds)),
    all: rounds.map((round) => round[name].seconds),
  });
  const [theirs, ours] = [side('theirs'), side('ours')];
  const result = {
    ...facts,
    theirs,
    ours,
    ratio: ours.seconds / theirs.seconds,
    cpuRatio: ours.cpuSeconds / theirs.cpuSeconds,
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  process.stdout.write(`${facts.images} images of ${facts.px} px, median of ${rounds.length}\n`);
  for (const { implementation, seconds, cpuSeconds, peakRssBytes } of [theirs, ours])
    process.stdout.write(
      `${implementation.padEnd(36)}${seconds.toFixed(2)} s, CPU time ${cpuSeconds.toFixed(2)} s, ${(peakRssBytes / 1e9).toFixed(2)} GB\n`,
    );
  process.stdout.write(
    `ratio ${result.ratio.toFixed(3)}, of CPU time ${result.cpuRatio.toFixed(3)}; features differ by ${facts.difference.toExponential(1)}\n`,
  );
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status === 0) return stdout;
  process.stderr.write(`${program} ${args.join(' ')} failed:\n${stderr}\n`);
  process.exit(1);
}

/** The last line of a program's output, as JSON; pytorch-fid prints progress before it. */
function lastLine(text) {
  return JSON.parse(text.trimEnd().split('\n').at(-1));
}

/** The largest difference between features, divided by the largest feature. */
function difference(dir) {
  const [theirs, ours] = ['theirs', 'ours'].map((name) => {
    const bytes = readFileSync(join(dir, `${name}.f32`));
    return new Float32Array(new Uint8Array(bytes).buffer);
  });
  if (theirs.length !== ours.length) return Number.POSITIVE_INFINITY;
  let [largest, maxDifference] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    largest = Math.max(largest, Math.abs(theirs[i]));
    maxDifference = Math.max(maxDifference, Math.abs(theirs[i] - ours[i]));
  }
  return maxDifference / largest;
}

async function extract(dir) {
  const [{ openFeatureExtractor }, { inceptionPaths, buildInception }, { fileImage }, { loadEngine }] =
    await Promise.all([
      import('../dist/eval/features/extractor.js'),
      import('../dist/perceptual/inception.js'),
      import('../dist/eval/measured-image.js'),
      import('../dist/runtime/node.js'),
    ]);
  const { tensorflowVersion } = await loadEngine();
  const tensors = formulaWeights(inceptionPaths(buildInception('fid')), buildInception('fid').specs);
  const extractor = await openFeatureExtractor('inception', { tensors, sha256: '' });
  const images = JSON.parse(readFileSync(join(dir, 'files.json'), 'utf8')).map(fileImage);
  const [start, used] = [performance.now(), process.cpuUsage()];
  const features = await extractor.extract(images);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  writeFileSync(join(dir, 'ours.f32'), features);
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const implementation = `gnr, TensorFlow ${tensorflowVersion}`;
  process.stdout.write(
    JSON.stringify({ implementation, seconds, cpuSeconds: (user + system) / 1e6, peakRssBytes }),
  );
}

/**
 * A state_dict from the formula of `features_reference.py`: `scale * (2u - 1) + shift`, where u comes from mulberry32 in
 * counter form, seeded with the tensor's position among all names.
 */
function formulaWeights(paths, specs) {
  const tensors = paths.flatMap((path) => {
    const [height, width, inChannels, outChannels] = specs[`${path}.weight`].shape;
    const vectors = ['weight', 'bias', 'running_mean', 'running_var'];
    return [
      [`${path}.conv.weight`, [outChannels, inChannels, height, width]],
      ...vectors.map((name) => [`${path}.bn.${name}`, [outChannels]]),
    ];
  });
  const names = tensors.map(([name]) => name).sort();
  return new Map(
    tensors.map(([name, shape]) => {
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      const isPositive = name.endsWith('.bn.weight') || name.endsWith('.running_var');
      const [scale, shift] = shape.length > 1 ? [Math.sqrt(6 / fanIn), 0] : isPositive ? [0.5, 1] : [0.1, 0];
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const seed = names.indexOf(name) * 7919;
      for (let i = 0; i < data.length; i++) data[i] = scale * (2 * uniform(seed, i) - 1) + shift;
      return [name, { shape, data }];
    }),
  );
}

function uniform(seed, i) {
  const a = (seed + Math.imul(i + 1, 0x6d2b79f5)) | 0;
  let t = Math.imul(a ^ (a >>> 15), 1 | a);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
