#!/usr/bin/env node
// Compares recipes of training with a base recipe at equal time, on the sample dataset, over several sittings: each call
// goes on where the last one was stopped or killed. bench/README.md says how. Needs `npm run build`.
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { InputError, InterruptedError, messageOf } from '../dist/base/errors.js';
import { withInterrupt } from '../dist/cli/interrupt.js';
import { printError, printLine } from '../dist/cli/output.js';
import { lockRun } from '../dist/train/run-lock.js';
import { readPlan } from './ablation/plan.mjs';
import { statusTable, writeReport } from './ablation/report.mjs';
import { sit } from './ablation/sitting.mjs';

const USAGE =
  'node scripts/ablation.mjs DIR [--plan FILE] [--jobs N] [--minutes N] [--status] [--report FILE.md]';
/** Two runs of one thread take less time together than one after the other on two threads; bench/README.md has the figure. */
const JOBS = '2';

function usageError(found) {
  return new InputError({ expected: 'options of the ablation', found, remedy: `use it so: ${USAGE}` });
}

function parseWords() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        plan: { type: 'string', default: path.join(import.meta.dirname, 'ablation', 'plan.json') },
        jobs: { type: 'string', default: JOBS },
        minutes: { type: 'string' },
        status: { type: 'boolean', default: false },
        report: { type: 'string' },
      },
    });
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

/** @throws InputError if the text is no number above 0. */
function numberOf(option, text, isWhole) {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value))) return value;
  throw usageError(`--${option} ${text}`);
}

async function sitUntil(plan, dir, { jobs, minutes }) {
  await withInterrupt(async (signal) => {
    const lock = await lockRun(dir, { signal });
    const timeUp = new AbortController();
    const timer =
      minutes === undefined ? undefined : setTimeout(() => timeUp.abort(), minutes * 60_000).unref();
    try {
      await sit(plan, dir, { jobs, signal: AbortSignal.any([signal, timeUp.signal]) });
    } finally {
      clearTimeout(timer);
      await lock.release();
    }
    if (signal.aborted) throw new InterruptedError('stopped; the same command goes on from here');
    printLine(timeUp.signal.aborted ? 'The time is up; the same command goes on from here.' : 'All is done.');
  });
}

async function main() {
  const { positionals, values } = parseWords();
  if (positionals.length !== 1) throw usageError(`${positionals.length} folders`);
  const [dir] = positionals;
  const jobs = numberOf('jobs', values.jobs, true);
  const minutes = values.minutes === undefined ? undefined : numberOf('minutes', values.minutes, false);
  const plan = readPlan(values.plan);
  if (values.status) return printLine(await statusTable(plan, dir));
  if (values.report === undefined) return sitUntil(plan, dir, { jobs, minutes });
  await withInterrupt((signal) => writeReport(plan, dir, values.report, { jobs: 1, signal }));
}

try {
  await main();
} catch (error) {
  printError(`ablation: ${messageOf(error)}`);
  process.exitCode = error instanceof InputError ? 2 : error instanceof InterruptedError ? 130 : 1;
}
