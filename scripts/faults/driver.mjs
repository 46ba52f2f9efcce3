// Runs one case of scripts/faults in a process of its own: run.mjs starts it.
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { CASES, LOCK, MINE, makeGiven, placesOf, TEMPORARY } from './cases.mjs';
import { watchCalls } from './file-calls.mjs';
import { branchOf, copyTree, differences, readTree } from './trees.mjs';

const request = JSON.parse(process.argv[2]);
const { program, work, given, mode } = request;
const places = placesOf(work, given);
const tested = CASES.find(({ name }) => name === request.name);
Object.assign(process.env, tested?.env?.(places));
const { runCommandLine } = await import(pathToFileURL(path.join(program, 'cli', 'command-line.js')).href);

/** Runs a command line in this process, whose engine is loaded once. */
async function gnr(words) {
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  let stderr = '';
  process.stdout.write = () => true;
  process.stderr.write = (text) => {
    stderr += text;
    return true;
  };
  try {
    return { code: await runCommandLine(words), stderr };
  } finally {
    for (const name of ['stdout', 'stderr']) process[name].write = writes[name];
  }
}

async function runCase(words) {
  if (tested.run === undefined) return gnr(words);
  try {
    await tested.run(places, program);
    return { code: 0, stderr: '' };
  } catch (error) {
    const isExpected = ['InputError', 'RunError'].includes(error.constructor.name);
    return { code: 1, stderr: isExpected ? error.message : `unexpected error: ${error.stack}` };
  }
}

const command = () => runCase(tested.words?.(places));
const nextCommand = () => runCase((tested.next ?? tested.words)?.(places));
const failed = ({ code, stderr }, what) => new Error(`${what} ended with ${code}: ${stderr}`);

function viewOf() {
  const tree = readTree(places.box);
  const view = tested.view?.(tree, places.box) ?? tree;
  return new Map([...view].filter(([name]) => tested.ignored?.test(name) !== true));
}

const MODES = {
  async given() {
    await makeGiven(places, async (...words) => {
      const outcome = await gnr(words);
      if (outcome.code !== 0) throw failed(outcome, words.join(' '));
    });
  },
  /** Makes the box, keeps it, runs the command, and keeps the box as it is before every call. */
  async record() {
    await prepare();
    copyTree(places.box, path.join(work, 'initial'));
    const calls = [];
    const undo = await watchCalls(places.box, ({ call, path: changed, from }) => {
      calls.push({
        call,
        path: path.relative(places.box, changed),
        ...(from && { from: path.relative(places.box, from) }),
      });
      copyTree(places.box, path.join(work, 'states', String(calls.length)));
    });
    const outcome = await command();
    undo();
    if (outcome.code !== 0) throw failed(outcome, tested.name);
    return { calls, unsynced: unsyncedRenames(calls) };
  },
  /** Runs the command and kills this process before a call. */
  async kill() {
    let calls = 0;
    await watchCalls(places.box, () => {
      calls++;
      if (calls === request.at) process.kill(process.pid, 'SIGKILL');
    });
    await command();
  },
  /** A process of its own: a lock that a failing call leaves is free when its process has ended. */
  async faults() {
    const [initial, final] = knownViews();
    const points = [];
    for (const fault of request.faults) points.push(await judgeFault(fault, initial, final));
    return { points };
  },
  async judge() {
    const [initial, final] = knownViews();
    const points = [];
    for (const state of request.states) {
      copyTree(path.join(work, 'states', state), places.box);
      const problems = wholeness(initial, final);
      const outcome = await nextCommand();
      points.push({ point: state, problems: [...problems, ...afterwards(outcome, final)] });
    }
    return { points };
  },
};

async function prepare() {
  fs.rmSync(places.box, { recursive: true, force: true });
  fs.mkdirSync(places.box);
  for (const name of MINE) fs.writeFileSync(places.at(name), `This ${name} is mine.`);
  if (tested.prepare === 'old') {
    const outcome = await gnr(tested.words(places, { old: true }));
    if (outcome.code !== 0) throw failed(outcome, tested.name);
  } else await tested.prepare?.(places, program);
}

/** The box before the command, and after one that nothing stopped. */
const knownViews = () =>
  ['initial', 'final'].map((name) => {
    copyTree(path.join(work, name), places.box);
    return viewOf();
  });

/** Lets one call fail, looks at the message and at what is left, and keeps the box for `judge`. */
async function judgeFault({ at, code, state }, initial, final) {
  copyTree(path.join(work, 'initial'), places.box);
  let calls = 0;
  const undo = await watchCalls(places.box, ({ call, path: changed }) => {
    calls++;
    if (calls !== at) return;
    const error = new Error(`${code}: injected, ${call} '${changed}'`);
    throw Object.assign(error, { code, syscall: call, path: changed });
  });
  const outcome = await command();
  undo();
  const problems = wholeness(initial, final);
  if (outcome.code === 0) problems.push(...resultsOtherThan(final));
  else if (!outcome.stderr.trim() || /unexpected error/.test(outcome.stderr))
    problems.push(`the message is "${outcome.stderr.trim().slice(0, 300)}"`);
  copyTree(places.box, path.join(work, 'states', state));
  return { point: state, problems };
}

function resultsOtherThan(final) {
  const view = viewOf();
  return tested.results.flatMap((name) =>
    differences(branchOf(view, name), branchOf(final, name)).map(
      (text) => `it ended well, but ${name} ${text}`,
    ),
  );
}

/** Whether every result is the old or the new one, and every other file as it was. */
function wholeness(initial, final) {
  const view = viewOf();
  const problems = tested.problems?.(view, final) ?? [];
  for (const name of tested.results) {
    const found = branchOf(view, name);
    const states = [initial, final].map((state) => branchOf(state, name));
    if (states.some((state) => differences(found, state).length === 0)) continue;
    // Between two renames the old folder has another name; the next run gives it back.
    const aside = [...view.keys()].find((key) => /^\.(gnr-)?old-/.test(key) && !MINE.includes(key));
    const isAside = aside !== undefined && differences(branchOf(view, aside), states[0]).length === 0;
    if (found.size > 0 || !isAside) problems.push(`${name} is neither old nor new`);
  }
  const tree = readTree(places.box);
  for (const name of MINE) if (!tree.has(name)) problems.push(`the user's ${name} is gone`);
  return problems;
}

function afterwards(outcome, final) {
  const isDone = tested.refusesToRepeat && outcome.code === 2 && differences(viewOf(), final).length === 0;
  if (outcome.code !== 0 && !isDone)
    return [`the next run ended with ${outcome.code}: ${outcome.stderr.trim()}`];
  return differences(viewOf(), final).map((difference) => `after the next run ${difference}`);
}

/** Files that got their final names before they were on the disk: a power cut could leave them empty. */
function unsyncedRenames(calls) {
  const dirty = new Set();
  const found = [];
  for (const { call, path: changed, from } of calls) {
    if (call === 'open' || /^(write|append)/.test(call)) dirty.add(changed);
    if (call === 'sync') dirty.delete(changed);
    if (call !== 'rename') continue;
    const moved = [...dirty].filter((name) => name === from || name.startsWith(`${from}/`));
    for (const name of moved) dirty.delete(name);
    if (!TEMPORARY.test(changed) && !LOCK.test(changed)) found.push(...moved);
  }
  return found;
}

const answer = await MODES[mode]();
fs.writeFileSync(path.join(work, 'answer.json'), JSON.stringify(answer ?? {}));
// Timers and threads of the engine do not keep the process.
process.exit(0);
