// Trains a tiny model on two ranks of two hosts, which are network namespaces of this machine, breaks it in several ways, and
// resumes it after each of them: node bench/two-hosts/run.mjs [--json] [--only FAULT]. Needs root, ip, nsenter, unshare, Open MPI and a build.
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  HOSTS,
  isConnected,
  makeHosts,
  mountDisk,
  NETWORK,
  processesOf,
  removeHosts,
  setLink,
  unmountDisk,
} from './hosts.mjs';

/** Seconds after which a rank that does not answer ends the run, in the config of the runs. */
const TIMEOUT = 5;
/** Seconds that the end of a run may take, after the time limit where that counts. */
const BOUND = 10;
/** Seconds after which a run that does not end is killed. */
const PATIENCE = 30;
const START_PATIENCE = 240;
const POLL_MILLISECONDS = 100;
const CHECKPOINT_STEPS = 2;
/** mpirun sees that it has lost a host after time + interval * probes seconds, if it has nothing to send to it. */
const KEEPALIVE = [
  ['time', 2],
  ['intvl', 1],
  ['probes', 2],
];
const DISK = '64m';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PROGRAM = here('../../bin/gnr.mjs');

/** Ways to break a run: what is done, whether the time limit has to pass first, what the message says, how to mend it. */
const FAULTS = [
  {
    name: 'kill -9 of rank 1',
    cause: () => process.kill(pidOf(1), 'SIGKILL'),
    // The host tells mpirun, which names rank, host and signal.
    says: /rank 1 .*(?:10\.77\.0\.2|host-b).*signal 9/s,
  },
  {
    name: 'link down',
    isSilent: true,
    cause: () => setLink(false),
    says: /^gnr: rank 1 on host-b has not been heard of for \d+ seconds, and mpirun ends the run/m,
    mend: async () => {
      setLink(true);
      await waitFor(isConnected, BOUND);
    },
  },
  {
    name: 'rank 1 stopped (SIGSTOP)',
    isSilent: true,
    cause: () => process.kill(pidOf(1), 'SIGSTOP'),
    says: /rank 1 on host-b has not been heard of for \d+ seconds/,
  },
  {
    name: 'disk of rank 0 full',
    cause: fillDisk,
    says: /rank 0 on host-a: .*(?:space|ENOSPC|full)/,
    mend: () => rmSync(filling),
  },
];

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});
const mark = `GNR_TWO_HOSTS=${process.pid}`;
let work = '';
let disk = '';
let filling = '';

if (process.getuid() !== 0) {
  process.stderr.write(
    'Expected root, which may make network namespaces, but found another user; run it as root.\n',
  );
  process.exit(2);
}
const outcomes = [];
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    await clear();
    process.exit(130);
  });
try {
  makePlaces();
  for (const fault of FAULTS.filter(({ name }) => name.includes(values.only)))
    outcomes.push(shown(await breakRun(fault)));
  outcomes.push(shown(await finishRun()));
} catch (error) {
  say(String(error.stack));
  process.exitCode = 1;
} finally {
  await clear();
}
report();

function makePlaces() {
  work = mkdtempSync(join(tmpdir(), 'gnr-two-hosts-'));
  disk = join(work, 'disk');
  filling = join(disk, 'filling');
  mountDisk(disk, DISK);
  makeHosts();
  const dataset = join(work, 'data');
  const sample = ['dataset', 'sample', dataset, '--size', '32', '--images', '6', '--test-images', '2'];
  execFileSync(process.execPath, [PROGRAM, ...sample], { stdio: ['ignore', 'ignore', 'inherit'] });
  const config = {
    model: {
      ...{ size: 32, numDown: 1, channelDivisor: 64, styleDim: 16, mappingLayers: 1, residualBlocks: 0 },
      ...{ latentDiscriminatorWidth: 16, discriminatorLocalSize: 32, discriminatorGlobalSize: 16 },
    },
    training: { batch: 1, steps: 1_000_000 },
    losses: { lpips: { weight: 0 } },
    runtime: { capture: false },
    data: { root: dataset },
    log: { everySteps: 1, sampleImages: 1 },
    checkpoint: { everySteps: CHECKPOINT_STEPS },
    distributed: { timeoutSeconds: TIMEOUT },
  };
  writeFileSync(join(work, 'config.json'), JSON.stringify(config));
}

/** Leaves nothing behind, whatever has failed. */
async function clear() {
  await endAll();
  removeHosts();
  if (existsSync(disk)) unmountDisk(disk);
  rmSync(work, { recursive: true, force: true });
}

/** Tells an outcome at once. */
function shown(outcome) {
  say(JSON.stringify(outcome));
  return outcome;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** The step of the newest checkpoint; 0 if there is none. */
function newestCheckpoint() {
  const folder = join(disk, 'run', 'checkpoints');
  if (!existsSync(folder)) return 0;
  const steps = readdirSync(folder).map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...steps);
}

function pidOf(rank) {
  return processesOf(mark).find((each) => each.rank === rank).pid;
}

/** Starts a run on both hosts, or goes on with it. */
function startRun(more = []) {
  const isNew = newestCheckpoint() === 0;
  const words = [
    ...['mpirun', '--mca', 'plm_rsh_agent', here('enter.sh'), '--mca', 'btl', 'tcp,self'],
    ...['--mca', 'oob_tcp_if_include', NETWORK, '--mca', 'btl_tcp_if_include', NETWORK],
    ...KEEPALIVE.flatMap(([name, value]) => ['--mca', `oob_tcp_keepalive_${name}`, String(value)]),
    ...['--host', Object.values(HOSTS).join(':1,').concat(':1'), '-n', '2', '--bind-to', 'none'],
    ...['-x', mark.split('=')[0], process.execPath, PROGRAM, 'train', '--out', join(disk, 'run')],
    ...(isNew ? ['--config', join(work, 'config.json')] : ['--resume']),
    ...more,
  ];
  const [name, value] = mark.split('=');
  const env = {
    ...process.env,
    ...{ [name]: value, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
  };
  // In a session of its own it gets no Ctrl-C.
  const child = spawn(here('enter.sh'), [HOSTS['host-a'], 'exec', ...words], { env, detached: true });
  const run = { output: '', code: undefined, since: newestCheckpoint() };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (run.output += bytes));
  child.on('exit', (code, signal) => (run.code = code ?? signal));
  return run;
}

/** Waits for a condition. @returns whether it came true in time. */
async function waitFor(condition, seconds) {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    if (condition()) return true;
    await sleep(POLL_MILLISECONDS);
  }
  return false;
}

function ranksLeft() {
  return processesOf(mark).filter(({ rank }) => rank !== undefined).length;
}

async function breakRun({ name, isSilent = false, cause, says, mend }) {
  say(`${name}: training starts`);
  const run = startRun();
  const trains = await waitFor(
    () => run.code !== undefined || newestCheckpoint() > run.since,
    START_PATIENCE,
  );
  if (!trains || run.code !== undefined)
    throw new Error(`the run before "${name}" does not train:\n${run.output}`);
  const before = newestCheckpoint();
  run.output = '';
  const start = performance.now();
  cause();
  say(`${name}: done; waiting for the end`);
  const passed = () => (performance.now() - start) / 1000;
  let ranksEnded;
  let mpirunEnded;
  const hasEnded = () => {
    if (ranksEnded === undefined && ranksLeft() === 0) ranksEnded = passed();
    if (mpirunEnded === undefined && run.code !== undefined) mpirunEnded = passed();
    return ranksEnded !== undefined && mpirunEnded !== undefined;
  };
  await waitFor(hasEnded, PATIENCE);
  const code = run.code;
  await endAll();
  await mend?.();
  const messages = run.output.split('\n').filter((line) => /^gnr: (?!warning)|exited on signal/.test(line));
  const bound = BOUND + (isSilent ? TIMEOUT : 0);
  const isRight =
    ranksEnded < bound &&
    mpirunEnded < bound &&
    says.test(run.output) &&
    messages.length === 1 &&
    newestCheckpoint() >= before;
  if (!isRight) say(run.output);
  return {
    name,
    isRight,
    bound,
    ranksEnded,
    mpirunEnded,
    code,
    messages,
    resumedFrom: run.since,
    checkpoint: newestCheckpoint(),
  };
}

/** The run after the last fault goes on to its end. */
async function finishRun() {
  const name = 'none: resumed to its end';
  say(name);
  const last = newestCheckpoint() + 3;
  const run = startRun(['--steps', String(last)]);
  await waitFor(() => run.code !== undefined, START_PATIENCE);
  const isRight = run.code === 0 && newestCheckpoint() === last;
  if (!isRight) say(run.output);
  return {
    name,
    isRight,
    code: run.code,
    messages: [],
    resumedFrom: run.since,
    checkpoint: newestCheckpoint(),
  };
}

/** Kills what is left of a run. */
async function endAll() {
  for (const { pid } of processesOf(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await waitFor(() => processesOf(mark).length === 0, BOUND);
}

/** Writes until no byte is free. */
function fillDisk() {
  const file = openSync(filling, 'w');
  try {
    for (const bytes of [new Uint8Array(65536), new Uint8Array(1)])
      try {
        for (;;) writeSync(file, bytes);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      }
  } finally {
    closeSync(file);
  }
}

function report() {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(outcomes, undefined, 2)}\n`);
  } else {
    const seconds = (value) => (value === undefined ? '' : `${value.toFixed(1)} s`);
    process.stdout.write(
      '| fault | as it should be | ranks gone after | mpirun ends after | code | resumed from, newest checkpoint | message |\n',
    );
    process.stdout.write('| --- | --- | --- | --- | --- | --- | --- |\n');
    for (const each of outcomes) {
      const row = [
        ...[
          each.name,
          each.isRight ? 'yes' : 'NO',
          seconds(each.ranksEnded),
          seconds(each.mpirunEnded),
          each.code ?? 'killed',
        ],
        ...[`${each.resumedFrom}, ${each.checkpoint}`, each.messages.join(' ')],
      ];
      process.stdout.write(`| ${row.join(' | ')} |\n`);
    }
  }
  if (outcomes.some(({ isRight }) => !isRight)) process.exitCode = 1;
}
