// Cases of scripts/faults that need processes of their own: small and read-only disks, containers, stopped processes, and
// two commands on one output.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { CASES, LOCK, TEMPORARY } from './cases.mjs';
import { differences, readTree } from './trees.mjs';

const can = (...words) => spawnSync(words[0], words.slice(1)).status === 0;
const needs = (what, ...words) => (can(...words) ? undefined : `${what} is not permitted here`);
const canMount = () => needs('mounting a tmpfs', 'unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');

/** Starts gnr, under the words of `wrapper` if there are some. `done` resolves to its exit code and messages. */
function startGnr({ program, env }, words, wrapper = []) {
  const main = path.join(program, 'cli', 'main.js');
  const [first, ...rest] = [...wrapper, process.execPath, main, ...words];
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const run = { child, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => {
      run[name] += text;
    });
  run.done = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? signal, stderr: run.stderr, stdout: run.stdout }),
    );
  });
  return run;
}

const gnr = (bench, words, wrapper) => startGnr(bench, words, wrapper).done;

async function until(run, condition) {
  while (!condition()) {
    if (run.child.exitCode !== null) throw new Error(`gnr has ended: ${run.stderr}`);
    await sleep(50);
  }
}

function emptyBox({ box }) {
  fs.rmSync(box, { recursive: true, force: true });
  fs.mkdirSync(box);
}

const leftAmong = (tree) => [...tree.keys()].filter((name) => TEMPORARY.test(name) || LOCK.test(name));

/** Runs a shell script in a mount namespace of its own, so that its disks end with it. */
const onOwnDisks = (script, env) =>
  spawnSync('unshare', ['-m', 'bash', '-ec', script], { env: { ...process.env, ...env }, encoding: 'utf8' });

/**
 * A command on a disk that is full or read-only fails with a message, keeps what was there, and goes through when the disk is
 * right again; nothing is left then.
 */
async function onBadDisk(bench, name, [spoil, restore], pattern) {
  const tested = CASES.find((each) => each.name === name);
  const { places } = bench;
  emptyBox(places);
  const quote = (word) => `'${word}'`;
  const line = (words) =>
    [process.execPath, path.join(bench.program, 'cli', 'main.js'), ...words].map(quote).join(' ');
  const script = `
    mount -t tmpfs -o size=8m tmpfs ${quote(places.box)}
    ${line(tested.words(places, { old: true }))} > /dev/null 2>&1
    cp -a ${quote(places.box)} ${quote(`${places.work}/before`)}
    ${spoil.replaceAll('BOX', places.box)}
    code=0; ${line(tested.words(places))} > /dev/null 2> ${quote(`${places.work}/message`)} || code=$?
    cp -a ${quote(places.box)} ${quote(`${places.work}/after`)}
    ${restore.replaceAll('BOX', places.box)}
    ${line(tested.words(places))} > /dev/null
    cp -a ${quote(places.box)} ${quote(`${places.work}/again`)}
    echo $code`;
  const { status, stdout, stderr } = onOwnDisks(script, tested.env?.(places));
  const [before, after, again] = ['before', 'after', 'again'].map((folder) =>
    readTree(path.join(places.work, folder)),
  );
  const message = fs.existsSync(`${places.work}/message`)
    ? fs.readFileSync(`${places.work}/message`, 'utf8')
    : '';
  for (const folder of ['before', 'after', 'again', 'message'])
    fs.rmSync(path.join(places.work, folder), { recursive: true, force: true });
  const problems = [];
  if (status !== 0) problems.push(`ended with ${status}: ${stderr.trim()}`);
  if (!['1', '2'].includes(stdout.trim())) problems.push(`exit code ${stdout.trim()} on the bad disk`);
  if (!pattern.test(message)) problems.push(`the message is "${message.trim()}"`);
  after.delete('filler');
  // A draft may stay on a full disk, until the next run.
  for (const name of after.keys()) if (TEMPORARY.test(name)) after.delete(name);
  problems.push(...differences(after, before).map((difference) => `on the bad disk ${difference}`));
  problems.push(...leftAmong(again).map((name) => `after the next run ${name} is left`));
  return problems;
}

const DISKS = {
  'a full disk': [
    // Files can be made there, and nothing can be written to them.
    ['dd if=/dev/zero of=BOX/filler bs=1k status=none || true', 'rm BOX/filler'],
    /space (is )?left|disk is full/i,
  ],
  'a read-only disk': [
    ['mount -o remount,ro BOX', 'mount -o remount,rw BOX'],
    /read-only|EROFS|place to write/i,
  ],
};
const ON_DISKS = ['export safetensors', 'export pt', 'video', 'weights import'];

const diskCases = Object.entries(DISKS).map(([disk, [commands, pattern]]) => ({
  name: `commands on ${disk}`,
  async check(bench) {
    const skipped = canMount();
    if (skipped) return { skipped };
    const wrong = [];
    for (const name of ON_DISKS) {
      if (CASES.find((each) => each.name === name).needs?.()) continue;
      const problems = await onBadDisk(bench, name, commands, pattern);
      if (problems.length > 0) wrong.push({ point: name, problems });
    }
    return { wrong };
  },
}));

/** Starts a run that goes on for hours. */
async function startEndless(bench, wrapper) {
  const { places } = bench;
  emptyBox(places);
  const words = ['train', '--config', places.config, '--out', places.at('run'), '--steps', '1000000'];
  const quiet = ['log.everySteps=1', 'log.sampleEverySteps=1000000', 'checkpoint.everySteps=1000000'];
  const run = startGnr(bench, [...words, ...quiet.flatMap((set) => ['--set', set])], wrapper);
  await until(run, () => rowsOf(places) > 0);
  return run;
}

const rowsOf = (places) =>
  fs.existsSync(places.at('run/metrics.jsonl'))
    ? fs.readFileSync(places.at('run/metrics.jsonl'), 'utf8').split('\n').length - 1
    : 0;

const second = ({ places }) => [
  ...['train', '--config', places.config, '--out', places.at('run'), '--steps', '2'],
];

/** A second run in the directory of one that trains is refused, and the first goes on. */
async function isRefused(bench, { wrapper, holder, prepare = () => undefined, undo = () => undefined }) {
  const first = await startEndless(bench, holder);
  const problems = [];
  try {
    await prepare(first);
    const { code, stderr } = await gnr(bench, second(bench), wrapper);
    await undo(first);
    if (code !== 2 || !/training in it/.test(stderr))
      problems.push(`the second ended with ${code}: ${stderr.trim()}`);
    const rows = rowsOf(bench.places);
    await until(first, () => rowsOf(bench.places) > rows + 1);
  } catch (error) {
    problems.push(error.message);
  } finally {
    first.child.kill('SIGKILL');
    await first.done;
  }
  return { wrong: problems.length > 0 ? [{ point: 'a second run', problems }] : [] };
}

const HEARTBEAT_SILENCE_MS = 130_000;

/** Makes a lock as old as if its holder had shown no heartbeat for so long. */
function age(file) {
  const then = (Date.now() - HEARTBEAT_SILENCE_MS) / 1000;
  fs.utimesSync(file, then, then);
}

const lockCases = [
  {
    name: 'a second run in the same container',
    check: (bench) => isRefused(bench, {}),
  },
  {
    name: 'a second run in another PID namespace',
    async check(bench) {
      const wrapper = ['unshare', '--fork', '--pid', '--mount-proc'];
      const skipped = needs('a PID namespace', ...wrapper, 'true');
      return skipped ? { skipped } : isRefused(bench, { wrapper });
    },
  },
  {
    name: 'a second run with another host name',
    async check(bench) {
      const skipped = needs('a UTS namespace', 'unshare', '--uts', 'hostname', 'other');
      const wrapper = ['unshare', '--uts', 'bash', '-c', 'hostname other; exec "$@"', 'bash'];
      return skipped ? { skipped } : isRefused(bench, { wrapper });
    },
  },
  {
    name: 'a second run while the first has been stopped for longer than a heartbeat',
    // The lock is made old: nobody waits for two minutes.
    check: (bench) =>
      isRefused(bench, {
        prepare(first) {
          first.child.kill('SIGSTOP');
          age(bench.places.at('run/.lock'));
        },
        undo: (first) => void first.child.kill('SIGCONT'),
      }),
  },
];

/** Two processes of a command on one output at the same time: what is there afterwards is whole, and nothing else is left. */
async function twice(bench, tested) {
  const { places } = bench;
  emptyBox(places);
  const settings = { ...bench, env: tested.env?.(places) };
  const alone = await gnr(settings, tested.words(places));
  if (alone.code !== 0) return [`alone it ended with ${alone.code}: ${alone.stderr.trim()}`];
  const whole = readTree(places.box);
  emptyBox(places);
  const both = await Promise.all([0, 1].map(() => gnr(settings, tested.words(places))));
  const problems = differences(readTree(places.box), whole);
  if (both.every(({ code }) => code !== 0)) problems.push('neither of the two succeeded');
  for (const { code, stderr } of both)
    if (![0, 1, 2].includes(code) || /unexpected error/.test(stderr))
      problems.push(`one ended with ${code}: ${stderr.trim()}`);
  problems.push(...leftAmong(readTree(places.box)).map((name) => `${name} is left`));
  return problems;
}

const twoCases = [
  {
    name: 'two of each command on one output',
    async check(bench) {
      const wrong = [];
      const tried = CASES.filter(({ words, view, needs: missing }) => words && !view && !missing?.());
      for (const tested of tried) {
        const problems = await twice(bench, tested);
        if (problems.length > 0) wrong.push({ point: tested.name, problems });
      }
      return { wrong };
    },
  },
];

export const ENVIRONMENT_CASES = [...diskCases, ...lockCases, ...twoCases];
