import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PartialConfig } from '../../src/config/schema.js';
import { trainRun } from '../../src/train/loop.js';
import { resumedConfig } from '../../src/train/start.js';
import { areEqual, ofType, RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

const STEPS = 7;
const STEP_MINUTES = 20;

/** A run with checkpoints at steps 5 and 7, and, where steps take 20 minutes, at 2 and 4 by time. */
const config = (checkpoint: PartialConfig['checkpoint'] = {}) =>
  runs.config(STEPS, {
    checkpoint: { everySteps: 5, everyMinutes: 30, keepLast: 2, ...checkpoint },
    log: { everySteps: 3 },
  });

/** A clock that a test moves, and what moves it on every step. */
function slowSteps() {
  let minutes = 0;
  return {
    clock: () => minutes * 60_000,
    onEvent: ({ type }: { type: string }) => {
      if (type === 'step') minutes += STEP_MINUTES;
    },
  };
}

const foldersOf = async (run: string) => (await readdir(join(run, 'checkpoints'))).sort();
const stateOf = async (step: number, run: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(runs.checkpointAt(step, run), 'state.json'), 'utf8'));
const untimed = async (run: string) => {
  const rows = (await runs.metrics(run)).map(({ step, learningRate, terms }) => ({
    step,
    learningRate,
    terms,
  }));
  const states = await Promise.all([5, STEPS].map((step) => stateOf(step, run)));
  return { rows, states: states.map((state) => ({ ...state, seconds: 0 })) };
};

/** Trains without checkpoints by time. */
async function trainByStepsAlone(checkpoint: PartialConfig['checkpoint'] = {}): Promise<string> {
  const runDir = join(runs.folder, 'straight');
  const { clock, onEvent } = slowSteps();
  const events = await runs.train(config({ ...checkpoint, everyMinutes: null }), { runDir, clock }, onEvent);
  expect(ofType(events, 'checkpoint').map(({ step }) => step)).toEqual([5, STEPS]);
  return runDir;
}

async function expectSameRun(straight: string): Promise<void> {
  for (const step of [5, STEPS])
    expect(areEqual(await runs.weightsAt(step), await runs.weightsAt(step, straight))).toBe(true);
  expect(await untimed(runs.runDir)).toEqual(await untimed(straight));
  expect(await foldersOf(runs.runDir)).toEqual(await foldersOf(straight));
}

it('a run also saves checkpoint.everyMinutes after its newest checkpoint, and is otherwise the same run', async () => {
  const keepBest = { metric: 'generators/cycle', order: 'lowest' } as const;
  const straight = await trainByStepsAlone({ keepBest });
  const { clock, onEvent } = slowSteps();
  const seen: string[][] = [];
  for await (const event of trainRun({ config: config({ keepBest }), runDir: runs.runDir, clock })) {
    onEvent(event);
    if (event.type === 'checkpoint')
      seen.push((await foldersOf(runs.runDir)).filter((name) => name.startsWith('step-')));
  }
  expect(seen).toEqual([['step-000002'], ['step-000004'], ['step-000005'], ['step-000005', 'step-000007']]);
  await expectSameRun(straight);
  expect(await stateOf(5, runs.runDir)).toMatchObject({ best: { best: { step: 5 }, sum: 0, count: 0 } });
});

it('a run that crashed continues bit for bit from a checkpoint that was saved by time, which the next one replaces', async () => {
  const straight = await trainByStepsAlone();
  const { clock, onEvent } = slowSteps();
  for await (const event of trainRun({ config: config(), runDir: runs.runDir, clock })) {
    onEvent(event);
    // Nothing is saved after this.
    if (event.type === 'checkpoint' && event.step === 4) break;
  }
  expect(await foldersOf(runs.runDir)).toEqual(['latest', 'step-000004']);
  const resumed = await runs.train(await resumedConfig(runs.runDir, []), { resume: true });
  expect(ofType(resumed, 'start')[0]).toMatchObject({ step: 4 });
  expect(ofType(resumed, 'checkpoint').map(({ step }) => step)).toEqual([5, STEPS]);
  await expectSameRun(straight);
});

it('a checkpoint that was saved by time takes the place of no other one', async () => {
  const { clock, onEvent } = slowSteps();
  const seen: string[][] = [];
  const often = config({ everySteps: 3, keepLast: 1 });
  for await (const event of trainRun({ config: often, runDir: runs.runDir, clock })) {
    onEvent(event);
    if (event.type === 'checkpoint')
      seen.push((await foldersOf(runs.runDir)).filter((name) => name.startsWith('step-')));
  }
  expect(seen).toEqual([
    ['step-000002'],
    ['step-000003'],
    ['step-000003', 'step-000005'],
    ['step-000006'],
    ['step-000007'],
  ]);
});

it('a run whose config is from before checkpoint.everyMinutes resumes, with a checkpoint every 30 minutes', async () => {
  await runs.train(runs.config(1));
  const path = join(runs.checkpointAt(1), 'config.json');
  const { checkpoint, ...rest } = JSON.parse(await readFile(path, 'utf8'));
  const { everyMinutes: _, ...before } = checkpoint;
  await writeFile(path, JSON.stringify({ ...rest, checkpoint: before }));
  const resumed = await resumedConfig(runs.runDir, ['training.steps=2']);
  expect(resumed.checkpoint).toEqual({ ...before, everyMinutes: 30 });
  expect((await runs.train(resumed, { resume: true })).at(-1)).toMatchObject({ type: 'end', step: 2 });
});
