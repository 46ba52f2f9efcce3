// Checks that a build of TensorFlow has a kernel for every node, with its types and on the device, of every kind of program
// that the project runs in a session. Needs `npm run build`, no GPU, no weights and little memory; takes a minute.
//
//     node scripts/check-gpu-kernels.mjs [--device gpu|cpu] [--library FILE] [--config FILE]...
//
// The kernels are those of the installed library, or of `--library` (a libtensorflow_cc.so.2, which a Python script reads).
// By default the configs are all of configs/. Exits with 1 if a node has no kernel.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { programKinds } from '../dist/bench/program-kinds.js';
import { loadConfig } from '../dist/config/load.js';
import { checkKernels } from '../dist/runtime/capture/kernel-check.js';
import { KernelRegistry } from '../dist/runtime/capture/kernel-registry.js';
import { loadEngine } from '../dist/runtime/node.js';

const ROOT = path.join(import.meta.dirname, '..');
const KERNEL_LIST_BYTES = 64 * 2 ** 20;

const log = (text = '') => process.stdout.write(`${text}\n`);
const count = (number) => number.toLocaleString('en');

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'gpu' },
    library: { type: 'string' },
    config: { type: 'string', multiple: true },
  },
});
const device = options.device.toUpperCase();
if (!['CPU', 'GPU'].includes(device)) fail(`Expected --device cpu or gpu but found ${options.device}.`);

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

async function kernelList() {
  if (options.library === undefined) {
    const { registeredKernels } = await import('../dist/runtime/session.js');
    return registeredKernels();
  }
  const script = path.join(import.meta.dirname, 'registered_kernels.py');
  return execFileSync(process.env.PYTHON ?? 'python3', [script, options.library], {
    maxBuffer: KERNEL_LIST_BYTES,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** The configs to check, by name; the smallest first, because one feature at a time is turned on in the first. */
function configs() {
  const folder = path.join(ROOT, 'configs');
  const isConfig = (file) => JSON.parse(readFileSync(file, 'utf8')).$schema === './schema.json';
  const named = options.config ?? readdirSync(folder).map((name) => path.join(folder, name));
  const files = options.config ?? named.filter((file) => file.endsWith('.json') && isConfig(file));
  const loaded = files.map((file) => [path.basename(file, '.json'), loadConfig({ file, overrides: [] })]);
  return Object.fromEntries(loaded.sort(([, a], [, b]) => a.model.size - b.model.size));
}

/** The programs of a graph by name, including those that write and read its variables. */
function targetsOf({ endpoints, variables }) {
  const programs = Object.entries(endpoints).map(([name, { outputs }]) => [name, Object.values(outputs)]);
  const all = Object.values(variables);
  return [...programs, ['write', all.map(({ assign }) => assign)], ['read', all.map(({ read }) => read)]];
}

/** Groups programs of the same length: `encodeA2Bx1 and 3 more: 74`. */
function sizesOf(checks) {
  const bySize = new Map();
  for (const { nodes, program } of checks) bySize.set(nodes, [...(bySize.get(nodes) ?? []), program]);
  return [...bySize].map(([size, [first, ...others]]) => {
    return `${first}${others.length > 0 ? ` and ${others.length} more` : ''}: ${count(size)}`;
  });
}

await loadEngine();
const registry = new KernelRegistry(await kernelList());
if (registry.kernels('Conv2D').every((kernel) => kernel.device !== device))
  fail(
    `The library has no kernels for the ${device}: install its build with gnr setup --device gpu, or name it with --library.`,
  );

const missing = new Map();
const copies = new Map();
let nodes = 0;
for (const { name, record } of programKinds(configs())) {
  const recorded = record();
  const checks = targetsOf(recorded).map(([program, targets]) => ({
    program,
    ...checkKernels(recorded.graph.nodesFor(targets), registry, device),
  }));
  for (const check of checks) {
    nodes += check.nodes;
    for (const { op, types, isCpuOnly } of check.missing) {
      const key = `${op} (${types})${isCpuOnly ? ', which has a kernel for the CPU only' : ''}`;
      missing.set(key, [...(missing.get(key) ?? []), `${name}: ${check.program}`]);
    }
    for (const { direction, from, to, type } of check.copies) {
      const key = `${direction}: ${type}, from ${from} to ${to}`;
      copies.set(key, [...(copies.get(key) ?? []), `${name}: ${check.program}`]);
    }
  }
  const misses = checks.reduce((sum, check) => sum + check.missing.length, 0);
  log(`${misses === 0 ? 'ok     ' : 'MISSING'} ${name}`);
  log(`        ${sizesOf(checks).join(', ')}`);
}

/** Prints every problem with the programs that it occurs in. */
function report(title, problems) {
  log(`\n${title}`);
  for (const [what, where] of problems) {
    log(`  ${what}`);
    for (const program of new Set(where)) log(`      ${program}`);
  }
}

if (device === 'GPU' && copies.size === 0)
  log('\nOnly inputs and results are copied between host and device.');
if (copies.size > 0) report('Copied between host and device in the middle of a program:', copies);
if (missing.size > 0) report(`No kernel for the ${device}:`, missing);
log(
  missing.size > 0
    ? `\nNodes without a kernel for the ${device}, by operation and types: ${missing.size}.`
    : `\nAll ${count(nodes)} nodes have a kernel for the ${device}.`,
);
process.exit(missing.size > 0 ? 1 : 0);
