#!/usr/bin/env node
// Times pytorch-fid's Frechet distance and ours on this machine, on the same synthetic features.
//
// usage: node bench/frechet.mjs [--python PYTHON] [--images 500x500,5000x5000] [--dims N]
//
// Needs `npm run build`; PYTHON has pytorch-fid.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Rng } from '../dist/base/rng.js';
import { featureStatistics, frechetDistance } from '../dist/eval/statistics/frechet.js';
import { loadEngine } from '../dist/runtime/node.js';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    images: { type: 'string', default: '100x100,500x500,5000x100,5000x5000' },
    dims: { type: 'string', default: '2048' },
  },
});
const dims = Number(values.dims);

/** Features whose variances fall as those of a network do, reflected so that all of them are correlated. */
function syntheticFeatures(rng, count, shift) {
  const features = rng.fork('features').normals(count * dims);
  const mirrors = Array.from({ length: 4 }, (_, i) => new Rng(i, 'mirror').normals(dims));
  const lengths = mirrors.map((mirror) => mirror.reduce((sum, value) => sum + value * value, 0));
  for (let start = 0; start < features.length; start += dims) {
    const row = features.subarray(start, start + dims);
    for (let d = 0; d < dims; d++) row[d] = row[d] / (d + 1) ** 0.7;
    mirrors.forEach((mirror, m) => {
      const dot = row.reduce((sum, value, d) => sum + value * mirror[d], 0);
      for (let d = 0; d < dims; d++) row[d] -= (2 * dot * mirror[d]) / lengths[m];
    });
    for (let d = 0; d < dims; d++) row[d] = 0.4 + shift + row[d] * (1 + shift * (d % 3));
  }
  return { values: features, count, dims };
}

function timed(work) {
  const start = performance.now();
  const result = work();
  return [(performance.now() - start) / 1000, result];
}

function ours(a, b) {
  const [statistics, [one, other]] = timed(() => [featureStatistics(a), featureStatistics(b)]);
  const [distance, value] = timed(() => frechetDistance(one, other));
  return { statistics, distance, value };
}

function reference(dir, a, b) {
  const files = [join(dir, 'a'), join(dir, 'b')];
  writeFileSync(files[0], a.values);
  writeFileSync(files[1], b.values);
  const script = fileURLToPath(new URL('frechet_reference.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(values.python, [script, ...files, String(dims)], {
    encoding: 'utf8',
  });
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1));
  process.stderr.write(`${values.python} ${script} failed:\n${stderr}\n`);
  process.exit(1);
}

function line(name, { statistics, distance, value }, theirs) {
  const total = statistics + distance;
  const ratio = theirs ? ` (${(total / (theirs.statistics + theirs.distance)).toFixed(3)})` : '';
  const difference = theirs ? Math.abs(value / theirs.value - 1).toExponential(1) : '';
  const seconds = `${total.toFixed(3)} s${ratio}`;
  process.stdout.write(
    `${name.padEnd(42)}${statistics.toFixed(3).padEnd(12)}${distance.toFixed(3).padEnd(12)}` +
      `${seconds.padEnd(20)}${String(value).padEnd(22)}${difference}\n`,
  );
}

const dir = mkdtempSync(join(tmpdir(), 'gnr-frechet-'));
try {
  await loadEngine();
  const small = syntheticFeatures(new Rng(9), 10, 0);
  ours(small, small);
  process.stdout.write(
    `${dims} dimensions; seconds for statistics and distance (ratio to pytorch-fid); relative difference\n`,
  );
  for (const sizes of values.images.split(',')) {
    const [countA, countB] = sizes.split('x').map(Number);
    const a = syntheticFeatures(new Rng(1), countA, 0);
    const b = syntheticFeatures(new Rng(2), countB, 0.02);
    const theirs = reference(dir, a, b);
    line(`${sizes} ${theirs.implementation}`, theirs);
    line(`${sizes} gnr`, ours(a, b), theirs);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
