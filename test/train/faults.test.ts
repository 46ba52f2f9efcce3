import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/base/errors.js';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import type { TrainEvent } from '../../src/train/events.js';
import { beforeFileCall, type FileCall, systemError, withFailingCalls } from '../support/faults.js';
import { rejection } from '../support/rejection.js';
import { areEqual, ofType, RunFolders } from '../support/runs.js';

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
    expect(ofType(resumed, 'step').map(({ step }) => step)).toEqual([3, 4]);
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
