// Kills trainings with SIGKILL at random moments, of which half are aimed at the writing of a checkpoint, resumes them,
// and compares what they leave with a training that nothing stopped: every checkpoint has to be the same to the byte,
// every line of metrics but for times and memory, and nothing but the unfinished temporary folder may be lost. Needs
// `npm run build`; takes some minutes.
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
/** Writing a checkpoint of this size takes about so long, ms. */
const MAX_WRITE = 80;
const WRITING = /^\.tmp-step-/;
const MAIN = path.join(import.meta.dirname, '..', 'bin', 'gnr.mjs');
/** Small, with checkpoints of some megabytes: most of the time after the start goes into writing them. */
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

const tell = (text) => process.stdout.write(`${text}\n`);

/** Starts gnr; `done` gives its exit code, its signal and what it wrote. */
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

/** Calls `onWrite(step)` when the writing of a checkpoint begins; its result ends that. */
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

/** Steps of the checkpoints under their final names, and the names that are none. */
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

/** Whether a checkpoint holds the same bytes in both runs; false also where one has it not. */
async function isSame(run, straight, step) {
  try {
    const [ours, theirs] = await Promise.all([tensorsOf(run, step), tensorsOf(straight, step)]);
    return ours.every((bytes, i) => bytes.equals(theirs[i]));
  } catch {
    return false;
  }
}

/** The lines of metrics without times and memory, which no two runs share. */
async function metricsOf(run) {
  const lines = (await readFile(path.join(run, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
  const rows = lines.map((line) => JSON.parse(line));
  return JSON.stringify(
    rows.map(({ step, learningRate, terms, warnings }) => ({ step, learningRate, terms, warnings })),
  );
}

/** @returns how long a step of the straight run takes with its checkpoint, ms. */
async function trainStraight(config, run) {
  const started = gnr('train', '--config', config, '--out', run);
  let began;
  started.child.stdout.on('data', (text) => {
    if (text.includes('Checkpoint of step 1:')) began = performance.now();
  });
  await finished(started, 'The straight run');
  return (performance.now() - began) / (STEPS - 1);
}

/** Trains a run that is killed `delay` ms after it begins to write a step's checkpoint, or has told that it is done. */
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
  const told = [...stdout.matchAll(/^Checkpoint of step (\d+)/gm)].map((match) => Number(match[1]));
  return { killed: signal === 'SIGKILL', told: told.at(-1) ?? 0 };
}

/** One moment: kill, look, resume, compare. @returns what it found; `problems` is empty where all is well. */
async function tryMoment(config, run, straight, moment) {
  const problems = [];
  const { killed, told } = await trainAndKill(config, run, moment);
  const { steps, unfinished } = await listed(run);
  const last = steps.at(-1) ?? 0;
  if (last < told) problems.push(`the checkpoint of step ${told} was told, and is not there`);
  for (const step of steps)
    if (!(await isSame(run, straight, step))) problems.push(`the checkpoint of step ${step} differs`);
  const words = last > 0 ? ['--resume'] : ['--config', config];
  await finished(gnr('train', '--out', run, ...words), 'The resumed run');
  const after = await listed(run);
  if (after.unfinished.length > 0) problems.push(`${after.unfinished} is left`);
  for (let step = 1; step <= STEPS; step++)
    if (!(await isSame(run, straight, step))) problems.push(`step ${step} differs at the end`);
  if ((await metricsOf(run)) !== (await metricsOf(straight))) problems.push('metrics.jsonl differs');
  return { killed, last, unfinished, problems };
}

/** Half of the moments at any time after the start or a step, spread over all of them; half in the writes of random steps. */
function drawMoments(kills, stepTime, rng) {
  return Array.from({ length: kills }, (_, i) =>
    i % 2 === 0
      ? { writing: false, step: Math.floor((i * STEPS) / kills), delay: rng.uniform(0, stepTime) }
      : { writing: true, step: 1 + rng.integer(STEPS), delay: rng.uniform(0, MAX_WRITE) },
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
  const straight = path.join(folder, 'straight');
  const stepTime = await trainStraight(config, straight);
  tell(`${STEPS} steps straight, ${stepTime.toFixed(0)} ms each with its checkpoint`);
  const found = { killed: 0, writing: 0, failed: 0 };
  const moments = drawMoments(Number(values.kills), stepTime, new Rng(Number(values.seed)));
  for (const [i, moment] of moments.entries()) {
    const run = path.join(folder, 'run');
    const { killed, last, unfinished, problems } = await tryMoment(config, run, straight, moment);
    const { writing, step } = moment;
    const where = writing
      ? `writing step ${step} began`
      : step === 0
        ? 'the start'
        : `step ${step} was saved`;
    tell(
      `${String(i + 1).padStart(2)}: ${killed ? 'killed' : 'had ended'} ${moment.delay.toFixed(0)} ms after ${where}; ` +
        `newest checkpoint ${last}, unfinished: ${unfinished.join(' ') || 'none'}; ` +
        (problems.length === 0 ? 'resumed to the same bytes' : `WRONG: ${problems.join('; ')}`),
    );
    found.killed += killed;
    found.writing += killed && unfinished.some((name) => WRITING.test(name));
    found.failed += problems.length > 0;
    await rm(run, { recursive: true });
  }
  tell(`${found.killed} killed, ${found.writing} of them during a write; ${found.failed} went wrong`);
  if (found.writing === 0) tell('No moment met a write: use another --seed');
  process.exitCode = found.failed > 0 || found.writing === 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
