// Kills runs with SIGKILL at random moments, half of them while a checkpoint is written, resumes them, and compares them
// with a run that nothing stopped: every checkpoint must be the same to the byte, and every line of metrics except for
// times and memory. Only the unfinished temporary folder may be lost. Needs `npm run build`; takes some minutes.
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Rng } from '../dist/base/rng.js';
import { drawSampleDataset } from '../dist/sample/draw.js';

const STEPS = 12;
const TENSOR_FILES = ['model.safetensors', 'training.safetensors'];
/** About the time that writing a checkpoint of this size takes, ms. */
const MAX_WRITE_MS = 80;
const WRITING = /^\.gnr-tmp-step-/;
const MAIN = path.join(import.meta.dirname, '..', 'bin', 'gnr.mjs');
/** A small model whose checkpoints have some megabytes, so that most of the time after the start goes into writing them. */
const CONFIG = {
  model: {
    size: 32,
    numDown: 1,
    residualBlocks: 0,
    channelDivisor: 12,
    styleDim: 32,
    mappingLayers: 1,
    latentDiscriminatorWidth: 16,
    discriminatorLocalSize: 32,
    discriminatorGlobalSize: 16,
  },
  training: { batch: 2, steps: STEPS, r1EverySteps: 4 },
  losses: { lpips: { weight: 0 } },
  checkpoint: { everySteps: 1, keepLast: STEPS },
  log: { everySteps: 3, sampleEverySteps: 5, sampleImages: 1 },
};

const log = (text) => process.stdout.write(`${text}\n`);

/** Starts gnr. `done` resolves to its exit code, its signal and its output. */
function gnr(...words) {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  const done = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return { child, done };
}

/** Calls `onWrite(step)` when a checkpoint begins to be written. @returns a function that ends this. */
function watchWrites(checkpoints, onWrite) {
  const seen = new Set();
  const watcher = watch(checkpoints, (_, name) => {
    if (!WRITING.test(name ?? '') || seen.has(name)) return;
    seen.add(name);
    onWrite(Number(/step-(\d+)/.exec(name)[1]));
  });
  return () => watcher.close();
}

async function finished({ done }, what) {
  const result = await done;
  if (result.code !== 0) throw new Error(`${what} ended with code ${result.code}:\n${result.stderr}`);
  return result;
}

const checkpointsOf = (run) => path.join(run, 'checkpoints');

/** The steps of complete checkpoints, and the names of unfinished ones. */
async function listed(run) {
  const names = (await readdir(checkpointsOf(run))).sort();
  return {
    steps: names.filter((name) => name.startsWith('step-')).map((name) => Number(name.slice(5))),
    unfinished: names.filter((name) => name.startsWith('.')),
  };
}

const tensorsOf = (run, step) =>
  Promise.all(
    TENSOR_FILES.map((file) =>
      readFile(path.join(checkpointsOf(run), `step-${String(step).padStart(6, '0')}`, file)),
    ),
  );

/** Whether both runs have a checkpoint of this step with the same bytes. */
async function isSame(run, uninterrupted, step) {
  try {
    const [ours, theirs] = await Promise.all([tensorsOf(run, step), tensorsOf(uninterrupted, step)]);
    return ours.every((bytes, i) => bytes.equals(theirs[i]));
  } catch {
    return false;
  }
}

/** The lines of metrics without times and memory, which differ in every run. */
async function metricsOf(run) {
  const lines = (await readFile(path.join(run, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
  const rows = lines.map((line) => JSON.parse(line));
  return JSON.stringify(
    rows.map(({ step, learningRate, terms, warnings }) => ({ step, learningRate, terms, warnings })),
  );
}

/** Trains the run that nothing stops. @returns how long a step takes with its checkpoint, ms. */
async function trainUninterrupted(config, run) {
  const started = gnr('train', '--config', config, '--out', run);
  let began;
  started.child.stdout.on('data', (text) => {
    if (text.includes('Checkpoint of step 1:')) began = performance.now();
  });
  await finished(started, 'The uninterrupted run');
  return (performance.now() - began) / (STEPS - 1);
}

/** Trains a run, and kills it `delay` ms after it begins to write a step's checkpoint, or after it reports that one. */
async function trainAndKill(config, run, { writing, step, delay }) {
  await mkdir(checkpointsOf(run), { recursive: true });
  const started = gnr('train', '--config', config, '--out', run);
  const kill = () => setTimeout(() => started.child.kill('SIGKILL'), delay);
  const first = step === 0 ? 'Training to' : `Checkpoint of step ${step}:`;
  let stopWatching = () => {};
  if (writing)
    stopWatching = watchWrites(checkpointsOf(run), (written) => {
      if (written === step) kill();
    });
  else
    started.child.stdout.on('data', (text) => {
      if (text.includes(first)) kill();
    });
  const { signal, stdout } = await started.done;
  stopWatching();
  const reported = [...stdout.matchAll(/^Checkpoint of step (\d+)/gm)].map((match) => Number(match[1]));
  return { killed: signal === 'SIGKILL', reported: reported.at(-1) ?? 0 };
}

/** Kills a run at one moment, resumes it and compares. @returns what it found; `problems` is empty if all is well. */
async function tryMoment(config, run, uninterrupted, moment) {
  const problems = [];
  const { killed, reported } = await trainAndKill(config, run, moment);
  const { steps, unfinished } = await listed(run);
  const last = steps.at(-1) ?? 0;
  if (last < reported) problems.push(`the checkpoint of step ${reported} was reported, but is missing`);
  for (const step of steps)
    if (!(await isSame(run, uninterrupted, step))) problems.push(`the checkpoint of step ${step} differs`);
  const words = last > 0 ? ['--resume'] : ['--config', config];
  await finished(gnr('train', '--out', run, ...words), 'The resumed run');
  const after = await listed(run);
  if (after.unfinished.length > 0) problems.push(`${after.unfinished} is left`);
  for (let step = 1; step <= STEPS; step++)
    if (!(await isSame(run, uninterrupted, step))) problems.push(`step ${step} differs at the end`);
  if ((await metricsOf(run)) !== (await metricsOf(uninterrupted))) problems.push('metrics.jsonl differs');
  return { killed, last, unfinished, problems };
}

/** Half of the moments are spread over the run, at any time after the start or a step; half are in the writes of random steps. */
function drawMoments(kills, stepTime, rng) {
  return Array.from({ length: kills }, (_, i) =>
    i % 2 === 0
      ? { writing: false, step: Math.floor((i * STEPS) / kills), delay: rng.uniform(0, stepTime) }
      : { writing: true, step: 1 + rng.integer(STEPS), delay: rng.uniform(0, MAX_WRITE_MS) },
  );
}

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const folder = await mkdtemp(path.join(tmpdir(), 'gnr-check-kill-'));
try {
  const config = path.join(folder, 'config.json');
  const root = path.join(folder, 'data');
  await drawSampleDataset({ dir: root, images: 8, testImages: 2, size: 32 });
  await writeFile(config, JSON.stringify({ ...CONFIG, data: { root } }));
  const uninterrupted = path.join(folder, 'uninterrupted');
  const stepTime = await trainUninterrupted(config, uninterrupted);
  log(`${STEPS} steps without interruption, ${stepTime.toFixed(0)} ms each with its checkpoint`);
  const counts = { killed: 0, writing: 0, failed: 0 };
  const moments = drawMoments(Number(values.kills), stepTime, new Rng(Number(values.seed)));
  for (const [i, moment] of moments.entries()) {
    const run = path.join(folder, 'run');
    const { killed, last, unfinished, problems } = await tryMoment(config, run, uninterrupted, moment);
    const { writing, step } = moment;
    const where = writing
      ? `writing step ${step} began`
      : step === 0
        ? 'the start'
        : `step ${step} was saved`;
    log(
      `${String(i + 1).padStart(2)}: ${killed ? 'killed' : 'had ended'} ${moment.delay.toFixed(0)} ms after ${where}; ` +
        `newest checkpoint ${last}, unfinished: ${unfinished.join(' ') || 'none'}; ` +
        (problems.length === 0 ? 'resumed to the same bytes' : `WRONG: ${problems.join('; ')}`),
    );
    counts.killed += killed;
    counts.writing += killed && unfinished.some((name) => WRITING.test(name));
    counts.failed += problems.length > 0;
    await rm(run, { recursive: true });
  }
  log(`${counts.killed} killed, ${counts.writing} of them during a write; ${counts.failed} failed`);
  if (counts.writing === 0) log('No kill hit a write; use another --seed.');
  process.exitCode = counts.failed > 0 || counts.writing === 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
