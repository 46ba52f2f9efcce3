import { chmod, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/base/errors.js';
import { withTemporary } from '../../src/base/temporary-names.js';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import type { TrainEvent } from '../../src/train/events.js';
import { beforeFileCall, type FileCall, systemError, withFailingCalls } from '../support/faults.js';
import { leaveTemporary } from '../support/leftovers.js';
import { rejection } from '../support/rejection.js';
import { areEqual, ofType, RunFolders } from '../support/runs.js';
import { readEvents } from './log/tensorboard/record-reader.js';

const runs = RunFolders.prepare();
const EVERY_STEP = { checkpoint: { everySteps: 1 } };

describe('a run whose disk is full while it writes a checkpoint', () => {
  it('ends with the path and the remedy, and reaches the same bytes when resumed', async () => {
    const straight = join(runs.folder, 'straight');
    await runs.train(runs.config(3, EVERY_STEP), { runDir: straight });
    await runs.train(runs.config(1, EVERY_STEP));
    await withFailingCalls('ENOSPC', 'write', /\.gnr-tmp-step-000002.*training/, async () => {
      const error = await rejection(runs.train(runs.config(3, EVERY_STEP), { resume: true }));
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toBe(
        `Cannot write ${runs.checkpointAt(2)}/training.safetensors: no space is left on the disk (ENOSPC); ` +
          'free some space and run the command again. What was there before is kept.',
      );
    });
    expect((await readdir(join(runs.runDir, 'checkpoints'))).sort()).toEqual(['latest', 'step-000001']);
    expect(await readdir(runs.runDir)).not.toContain('.lock');
    await runs.train(runs.config(3, EVERY_STEP), { resume: true });
    for (const step of [1, 2, 3])
      expect(areEqual(await runs.weightsAt(step), await runs.weightsAt(step, straight))).toBe(true);
  });

  it('keeps a checkpoint that is complete', async () => {
    await runs.train(runs.config(1, EVERY_STEP));
    await withFailingCalls('ENOSPC', 'symlink', /latest/, async () => {
      const error = await rejection(runs.train(runs.config(2, EVERY_STEP), { resume: true }));
      expect(error.message).toContain(`Cannot write ${join(runs.runDir, 'checkpoints', 'latest')}: no space`);
    });
    expect(await latestCheckpoint(runs.runDir)).toEqual({ dir: runs.checkpointAt(2), step: 2 });
  });
});

describe('a run that ended between its last checkpoint and what follows that', () => {
  const keepBest = { metric: 'generators/cycle', order: 'lowest' } as const;
  const foldersOf = async () => (await readdir(join(runs.runDir, 'checkpoints'))).sort();
  const linkOf = (name: string) => readlink(join(runs.runDir, 'checkpoints', name));

  it('has its links right, and no more checkpoints than it keeps, as soon as it is resumed', async () => {
    const config = (steps: number) =>
      runs.config(steps, { checkpoint: { everySteps: 1, keepLast: 1, keepBest } });
    await runs.train(config(2));
    const undisturbed = {
      names: await foldersOf(),
      latest: await linkOf('latest'),
      best: await linkOf('best'),
    };
    expect(undisturbed.latest).toBe('step-000002');
    runs.runDir = join(runs.folder, 'stopped');
    let links = 0;
    const undo = await beforeFileCall('symlink', /latest|best/, () => {
      // Those of the first checkpoint are there.
      if (++links > 2) throw systemError('EIO', 'symlink');
    });
    try {
      expect((await rejection(runs.train(config(2)))).message).toContain('latest');
    } finally {
      undo();
    }
    expect(await linkOf('latest')).toBe('step-000001');
    expect(await foldersOf()).toEqual(['best', 'latest', 'step-000001', 'step-000002']);
    await runs.train(config(2), { resume: true });
    const { names, latest, best } = undisturbed;
    expect({ names: await foldersOf(), latest: await linkOf('latest'), best: await linkOf('best') }).toEqual({
      names,
      latest,
      best,
    });
  });
});

describe('what a killed process leaves in a run directory', () => {
  it('goes when the run is resumed, of every file that a run writes; what a running process writes stays', async () => {
    await runs.train(runs.config(1));
    const at = (name: string) => join(runs.runDir, name);
    await mkdir(at('samples'), { recursive: true });
    const files = ['report.html', 'config.json', 'samples/step-000001.png', 'checkpoints/step-000002'];
    for (const name of files) await leaveTemporary(at(name), 'half');
    const left = async () =>
      (await readdir(runs.runDir, { recursive: true })).filter((name) => name.includes('.gnr-'));
    expect(await left()).toHaveLength(files.length);
    await withTemporary(at('report.html'), 'tmp', async (mine) => {
      await writeFile(mine, '');
      await runs.train(runs.config(1), { resume: true });
      expect((await left()).map(at)).toEqual([mine]);
    });
  });
});

describe('a run directory that cannot be written', () => {
  it('is reported before training starts if it is a file', async () => {
    await writeFile(runs.runDir, 'a file');
    const error = await rejection(runs.train(runs.config(1)));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain(`Cannot write ${runs.runDir}: a file has the name of a folder`);
    expect(await readFile(runs.runDir, 'utf8')).toBe('a file');
  });

  it('is reported before training starts if the disk is read-only', async () => {
    await runs.train(runs.config(1));
    const before = await readdir(runs.runDir);
    await withFailingCalls('EROFS', 'writeFile', /\.lock/, async () => {
      const events: TrainEvent[] = [];
      const attempt = runs.train(runs.config(2), { resume: true }, (event) => events.push(event));
      const error = await rejection(attempt);
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toContain(
        `Cannot write ${runs.runDir}: the file system is read-only (EROFS); name a folder`,
      );
      expect(events).toEqual([]);
    });
    expect(await readdir(runs.runDir)).toEqual(before);
  });

  it('is reported before training starts if it cannot be created', async () => {
    await withFailingCalls('ENOENT', 'mkdir', new RegExp(`${runs.runDir}$`), async () => {
      const error = await rejection(runs.train(runs.config(1)));
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toContain(`Cannot write ${runs.runDir}: its folder cannot be created`);
    });
  });

  it.skipIf(process.getuid?.() === 0)(
    'is reported before training starts if permission is denied',
    async () => {
      await mkdir(runs.runDir);
      await chmod(runs.runDir, 0o500);
      try {
        const error = await rejection(runs.train(runs.config(1)));
        expect(error).toBeInstanceOf(RunError);
        expect(error.message).toContain(`Cannot write ${runs.runDir}: permission is denied`);
      } finally {
        await chmod(runs.runDir, 0o700);
      }
    },
  );

  it('ends the run with the cause, even if the lock cannot be removed either', async () => {
    await runs.train(runs.config(1));
    const undo = await beforeFileCall('readFile', /\.lock$/, () => {
      throw systemError('EIO', 'read');
    });
    try {
      await withFailingCalls('EROFS', 'mkdir', /\.gnr-tmp-step/, async () => {
        const error = await rejection(runs.train(runs.config(2), { resume: true }));
        expect(error.message).toMatch(/step-000002: the file system is read-only \(EROFS\); name a folder/);
      });
    } finally {
      undo();
    }
    expect(await latestCheckpoint(runs.runDir)).toMatchObject({ step: 1 });
  });
});

describe('an error during a run', () => {
  const config = (steps: number) => runs.config(steps, { log: { everySteps: 2, sampleEverySteps: 2 } });

  /** Expects that the run ends with this error, and that its steps are saved. */
  async function expectSaved(attempt: Promise<TrainEvent[]>, seen: TrainEvent[], message: RegExp) {
    const error = await rejection(attempt);
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(message);
    const saved = (await latestCheckpoint(runs.runDir))!;
    expect(ofType(seen, 'step').at(-1)?.step ?? 0).toBeLessThanOrEqual(saved.step);
    expect(ofType(seen, 'checkpoint').map(({ dir }) => dir)).toEqual([saved.dir]);
    return saved.step;
  }

  /** Expects the rows, grids and events that an undisturbed run has. */
  async function expectLogsOf(steps: number) {
    const even = Array.from({ length: steps / 2 }, (_, i) => 2 * i + 2);
    const rows = await runs.metrics();
    expect(rows.map(({ step }) => step)).toEqual([1, ...even]);
    for (const { terms } of rows) expect(terms['generators/cycle']).toBeGreaterThan(0);
    const grids = [0, ...even].flatMap((step) => ['-raw', ''].map((kind) => `step-00000${step}${kind}.png`));
    expect((await readdir(join(runs.runDir, 'samples'))).sort()).toEqual(grids);
    const logs = join(runs.runDir, 'tensorboard');
    const files = await Promise.all((await readdir(logs)).sort().map((name) => readEvents(join(logs, name))));
    const events = files.flatMap((file) => file.events);
    const stepsWith = (key: 'scalars' | 'images') =>
      events.filter((event) => event[key] !== undefined).map(({ step }) => step);
    expect(stepsWith('scalars')).toEqual([1, ...even]);
    expect(stepsWith('images')).toEqual([0, ...even].flatMap((step) => [step, step]));
    expect(new Set(events.filter((event) => event.histograms).map(({ step }) => step))).toContain(steps);
  }

  it.each<[string, FileCall, RegExp, RegExp]>([
    ['metrics', 'appendFile', /metrics\.jsonl/, /metrics\.jsonl: no space is left/],
    ['samples', 'rename', /step-000002\.png/, /step-000002\.png: no space is left/],
    ['TensorBoard', 'write', /tfevents/, /tfevents\.\d+\.gnr: no space is left/],
  ])('saves a checkpoint before the run ends, if %s cannot be written', async (_, call, pattern, message) => {
    const seen: TrainEvent[] = [];
    // From the second step on: the first step writes the first line of metrics.
    const undo = await beforeFileCall(call, pattern, () => {
      if (ofType(seen, 'step').length > 0) throw systemError('ENOSPC', call);
    });
    try {
      const attempt = runs.train(config(4), {}, (event) => void seen.push(event));
      expect(await expectSaved(attempt, seen, message)).toBe(2);
    } finally {
      undo();
    }
    const resumed = await runs.train(config(4), { resume: true });
    const steps = [...ofType(seen, 'step'), ...ofType(resumed, 'step')].map(({ step }) => step);
    expect(steps).toEqual([1, 2, 3, 4]);
    await expectLogsOf(4);
  });

  it('is made good when the run is resumed: an evaluation that failed is repeated, and its step has its row', async () => {
    let evaluations = 0;
    const evaluate = async (): Promise<Record<string, number>> => {
      if (++evaluations === 2) throw systemError('EIO', 'read');
      return { 'evaluation/fid': evaluations };
    };
    const evaluated = { ...config(4), evaluation: { ...config(4).evaluation, everySteps: 1 } };
    expect((await rejection(runs.train(evaluated, { evaluate }))).message).toContain('EIO');
    await runs.train(evaluated, { evaluate, resume: true });
    const rows = await runs.metrics();
    // Rows have the newest value: those of steps 1, 2 and 4.
    expect(rows.map(({ step, terms }) => [step, terms['evaluation/fid']])).toEqual([
      [1, 1],
      [2, 3],
      [4, 5],
    ]);
    await expectLogsOf(4);
  });

  it('is reported together with the error of saving, if no checkpoint can be saved either', async () => {
    await runs.train(runs.config(1));
    let error: Error | undefined;
    await withFailingCalls('ENOSPC', 'mkdir', /\.gnr-tmp-step/, () =>
      withFailingCalls('EIO', 'appendFile', /metrics\.jsonl/, async () => {
        error = await rejection(runs.train(config(4), { resume: true }));
      }),
    );
    expect(error).toBeInstanceOf(RunError);
    expect(error!.message).toMatch(
      /metrics\.jsonl: the disk reported an error .* The steps after 1 could not be saved either: Cannot write .*step-000002: no space/,
    );
    expect(await latestCheckpoint(runs.runDir)).toMatchObject({ step: 1 });
  });
});
