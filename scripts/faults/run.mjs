// Stops commands at every change of a file and lets every such call fail; afterwards the old or the new result is whole, no
// file of the user is gone, and the next run goes on. CONTRIBUTING.md says how to use it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { CASES, placesOf } from './cases.mjs';
import { ENVIRONMENT_CASES } from './environment.mjs';
import { copyTree } from './trees.mjs';

const DRIVER = path.join(import.meta.dirname, 'driver.mjs');
const { values } = parseArgs({
  options: {
    program: { type: 'string', default: path.resolve(import.meta.dirname, '..', '..', 'dist') },
    only: { type: 'string', multiple: true, default: [] },
    points: { type: 'string', default: 'all' },
    kills: { type: 'string', default: '2' },
    given: { type: 'string' },
    json: { type: 'string' },
  },
});
const program = path.resolve(values.program);
const work = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'gnr-faults-'));
// Several runs of the script may share what commands read.
const given = path.resolve(values.given ?? path.join(work, 'given'));
const places = placesOf(work, given);
const log = (text) => process.stdout.write(`${text}\n`);

/** Runs the driver. @returns its answer; undefined if it was killed by itself. */
function drive(mode, request = {}) {
  const words = [DRIVER, JSON.stringify({ program, work, given, mode, ...request })];
  const answer = path.join(work, 'answer.json');
  fs.rmSync(answer, { force: true });
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(JSON.parse(fs.readFileSync(answer, 'utf8')));
      else reject(new Error(`${mode} ${request.name ?? ''} ended with ${code ?? signal}:\n${stderr}`));
    });
  });
}

/** `count` of the numbers from 1 to `all`, evenly spread, with the last. */
function spread(all, count) {
  if (count >= all) return Array.from({ length: all }, (_, i) => i + 1);
  return [...new Set(Array.from({ length: count }, (_, i) => Math.ceil(((i + 1) * all) / count)))];
}

/** The middles of `count` equal parts of the numbers from 1 to `all`. */
const middles = (all, count) => [
  ...new Set(Array.from({ length: count }, (_, i) => Math.ceil(((i + 0.5) * all) / count))),
];

/** The error that a full or a broken disk gives for a call. */
const codeOf = ({ call }, at) => (/^(open|write|append|mkdir)/.test(call) && at % 3 > 0 ? 'ENOSPC' : 'EIO');
const faultOf = (called, at) => {
  const code = codeOf(called, at);
  return { at, code, state: `${code} at ${at}` };
};

/** Records a command, stops it, lets its calls fail, and looks at all of what it left. */
async function runCase({ name, needs, canBeRemade }) {
  const missing = needs?.();
  if (missing !== undefined) return { name, skipped: missing };
  fs.rmSync(path.join(work, 'states'), { recursive: true, force: true });
  const initial = path.join(work, 'initial');
  const { calls, unsynced } = await drive('record', { name });
  copyTree(places.box, path.join(work, 'final'));
  const count = values.points === 'all' ? calls.length : Number(values.points);
  const chosen = spread(calls.length, count);
  const killed = middles(calls.length, Number(values.kills));
  for (const at of killed) {
    copyTree(initial, places.box);
    if ((await drive('kill', { name, at })) !== undefined) throw new Error(`${name}: no call ${at}`);
    copyTree(places.box, path.join(work, 'states', `killed at ${at}`));
  }
  const faults = chosen.map((at) => faultOf(calls[at - 1], at));
  const failing = await drive('faults', { name, faults });
  const stopped = [...chosen.map(String), ...killed.map((at) => `killed at ${at}`)];
  const states = [...stopped, ...faults.map(({ state }) => state)];
  const judged = await drive('judge', { name, states });
  const points = [...failing.points, ...judged.points];
  const described = points.map(({ point, problems }) => {
    const { call, path: changed } = calls[Number(/\d+$/.exec(point)[0]) - 1];
    return { point: `${point}, ${call} ${changed}`, problems };
  });
  const wrong = described.filter(({ problems }) => problems.length > 0);
  if (unsynced.length > 0 && !canBeRemade)
    wrong.push({ point: 'power cut', problems: [`not synced: ${unsynced.join(', ')}`] });
  return {
    name,
    calls: calls.length,
    stopped: chosen.length,
    killed: killed.length,
    failing: chosen.length,
    wrong,
  };
}

const results = [];
try {
  const isChosen = ({ name }) => values.only.length === 0 || values.only.includes(name);
  if (!fs.existsSync(given)) await drive('given');
  for (const tested of [...CASES, ...ENVIRONMENT_CASES].filter(isChosen)) {
    const result = await (tested.check === undefined
      ? runCase(tested)
      : tested.check({ program, work, places }).then((found) => ({ name: tested.name, ...found })));
    results.push(result);
    const { name, skipped, wrong = [], calls, stopped, killed, failing } = result;
    const tried =
      calls === undefined
        ? ''
        : `${calls} calls; stopped before ${stopped}, killed at ${killed}, ${failing} failing: `;
    if (skipped) log(`${name}: SKIPPED, ${skipped}`);
    else log(`${name}: ${tried}${wrong.length === 0 ? 'all well' : `${wrong.length} WRONG`}`);
    for (const { point, problems } of wrong) log(`  ${point}: ${problems.join('; ')}`);
  }
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
log(
  `${results.length} cases: ${sum('stopped')} crash points, ${sum('killed')} of them again with SIGKILL, ` +
    `${sum('failing')} failing calls; ${results.filter(({ wrong }) => wrong?.length > 0).length} cases wrong`,
);
if (values.json) fs.writeFileSync(values.json, JSON.stringify(results));
process.exitCode = results.some(({ wrong }) => wrong?.length > 0) ? 1 : 0;
