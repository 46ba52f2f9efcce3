#!/usr/bin/env node
// Times the PyTorch reference and `gnr bench` on this machine, one after the other, and prints ratios.
//
// usage: node bench/compare.mjs --reference CHECKOUT [--python PYTHON] [--work train|translate] [--size PX]
//                               [--batch N] [--steps N] [--arithmetic float32,bfloat16]
//
// CHECKOUT holds branch main of the reference (github.com/mchong6/GANsNRoses); PYTHON has torch and torchvision.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    reference: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    work: { type: 'string', default: 'train' },
    size: { type: 'string' },
    batch: { type: 'string' },
    steps: { type: 'string', default: '6' },
    arithmetic: { type: 'string', default: 'float32,bfloat16' },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const size = values.size ?? (values.work === 'train' ? '64' : '256');
const batch = values.batch ?? (values.work === 'train' ? '2' : '1');

function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status === 0) return JSON.parse(stdout);
  process.stderr.write(`${program} ${args.join(' ')} failed:\n${stderr}\n`);
  process.exit(1);
}

function line(name, { seconds, peakRssBytes, kernels }, reference) {
  const ratio = (ours, theirs) => (reference ? ` (${(ours / theirs).toFixed(2)})` : '');
  const time = `${seconds.toFixed(3)} s${ratio(seconds, reference?.seconds)}`;
  const memory = `${(peakRssBytes / 1e9).toFixed(2)} GB${ratio(peakRssBytes, reference?.peakRssBytes)}`;
  process.stdout.write(`${name.padEnd(24)}${time.padEnd(20)}${memory.padEnd(20)}${kernels ?? ''}\n`);
}

if (values.reference === undefined) {
  process.stderr.write(
    'Expected --reference CHECKOUT but found none; clone branch main of the reference repository and name its folder.\n',
  );
  process.exit(2);
}
process.stdout.write(
  `${values.work}, ${size} px, batch ${batch}, median without the first two runs (ratio to the reference)\n`,
);
process.stdout.write(`${''.padEnd(24)}${'seconds'.padEnd(20)}${'peak memory'.padEnd(20)}kernels\n`);
const referenceArgs = [
  here('reference_step.py'),
  values.reference,
  '--batch',
  batch,
  '--steps',
  values.steps,
];
const what = values.work === 'train' ? ['--size', size] : ['--translate', size];
const reference = run(values.python, [...referenceArgs, ...what]);
line(reference.implementation, reference);
for (const arithmetic of values.arithmetic.split(',')) {
  const args = [
    here('../bin/gnr.mjs'),
    'bench',
    values.work,
    '--size',
    size,
    '--batch',
    batch,
    '--steps',
    values.steps,
  ];
  const ours = run(process.execPath, [...args, '--set', `runtime.arithmetic=${arithmetic}`, '--json']);
  line(`gnr ${arithmetic}`, ours, reference);
}
