import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RunError } from '../../../src/base/errors.js';
import { latestCheckpoint } from '../../../src/checkpoint/checkpoint.js';
import { Batches } from '../../../src/train/batches.js';
import { type DomainTask, prepare } from '../../../src/train/preparation/domain-images.js';
import { defaultWorkers, MainThread } from '../../../src/train/preparation/preparer.js';
import { drawStep } from '../../../src/train/preparation/step-draws.js';
import { WorkerPool } from '../../../src/train/preparation/worker-pool.js';
import { startChild } from '../../support/child-process.js';
import { tinyTraining } from '../../support/gnr.js';
import { BATCH, batchConfig, PreparationSetup, SIZE } from '../../support/preparation.js';
import { runningThreads } from '../../support/threads.js';

const setup = PreparationSetup.prepare();

const taskOf = (seed: number): DomainTask => ({
  images: Uint8Array.from({ length: BATCH * SIZE * SIZE * 3 }, (_, i) => (i * seed) % 256),
  size: SIZE,
  ...drawStep(batchConfig(), seed).images.A,
});

describe('an error in a worker thread', () => {
  it('fails only its task if a warp cannot be computed', async () => {
    const good = taskOf(3);
    const expected = prepare({ ...good, images: good.images.slice() });
    for (const preparer of [new MainThread(), new WorkerPool(1, setup.program)]) {
      const flat = { matrix: [0, 0, 0, 0, 0, 0], border: 'zeros', window: good.mixed[0]!.window } as const;
      await expect(preparer.prepare({ ...taskOf(2), same: [flat] })).rejects.toThrow(RangeError);
      const images = await preparer.prepare({ ...good, images: good.images.slice() });
      expect(images).toEqual(expected);
      await preparer.close();
    }
  });

  it.each([
    ['throws', 'throw new Error("out of order")', /out of order/],
    ['is ended', 'process.exit(7)', /exit code 7/],
  ])('ends all later steps with one error if a worker %s', async (name, statement, reason) => {
    const crashing = join(setup.folder, `${name.replace(' ', '-')}.mjs`);
    await writeFile(
      crashing,
      `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { ${statement}; });`,
    );
    const source = new Batches(batchConfig(), setup.dataset, {
      preparer: new WorkerPool(2, pathToFileURL(crashing)),
    });
    const before = source.state();
    const error = await source.next(0).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RunError);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).toMatch(/--resume.*data\.workers=0/);
    await expect(source.next(1)).rejects.toBe(error);
    expect(source.state()).toEqual(before);
    await source.close();
  });
});

describe('worker threads', () => {
  it('are started on demand up to their maximum number, and end with close', async () => {
    const pool = new WorkerPool(3, setup.program);
    expect(runningThreads()).toBe(0);
    await pool.prepare(taskOf(1));
    await pool.prepare(taskOf(2));
    expect(runningThreads()).toBe(1);
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map((seed) => pool.prepare(taskOf(seed))));
    expect(runningThreads()).toBe(3);
    await pool.close();
    expect(runningThreads()).toBe(0);
    await expect(pool.prepare(taskOf(1))).rejects.toThrow('closed');
  });

  it.each([0, 2])('cancel the current step when they are closed (%i workers)', async (workers) => {
    const source = new Batches(batchConfig(), setup.dataset, { preparer: setup.preparer(workers) });
    await source.next(0);
    const pending = source.next(1).then(
      () => 'delivered',
      (error: unknown) => error,
    );
    await source.close();
    expect(runningThreads()).toBe(0);
    const outcome = await pending;
    if (outcome !== 'delivered') expect((outcome as Error).message).toMatch(/closed/);
    await expect(source.next(2)).rejects.toThrow('closed');
  });

  it('leave one processor to the main thread by default', () => {
    expect([1, 2, 3, 5, 64].map(defaultWorkers)).toEqual([1, 1, 2, 4, 4]);
  });

  it('let a process end while they are idle, but not before they have answered', async () => {
    const { done } = await startChild(
      setup.folder,
      `import { WorkerPool } from './src/train/preparation/worker-pool.js';
       const pool = new WorkerPool(2, new URL('./src/train/preparation/worker.js', import.meta.url));
       const window = { resized: 8, left: 0, top: 0, size: 8, flip: false };
       const one = { border: 'zeros', window };
       const task = () => ({ images: new Uint8Array(192).fill(255), size: 8, mixed: [one], index: 0, same: [one] });
       const all = await Promise.all([pool.prepare(task()), pool.prepare(task())]);
       process.stdout.write(String(all.map(({ same }) => same[0])));`,
    );
    expect(await done).toMatchObject({ status: 0, stdout: '1,1' });
  });
});

describe('closing worker threads', () => {
  it('keeps the process alive until they have ended, although an answer arrives meanwhile', async () => {
    const { done } = await startChild(
      setup.folder,
      `import { WorkerPool } from './src/train/preparation/worker-pool.js';
       const pool = new WorkerPool(1, new URL('./src/train/preparation/worker.js', import.meta.url));
       const window = { resized: 8, left: 0, top: 0, size: 8, flip: false };
       const one = { border: 'zeros', window };
       const task = () => ({ images: new Uint8Array(192).fill(255), size: 8, mixed: [one], index: 0, same: [one] });
       await pool.prepare(task());
       const cancelled = pool.prepare(task()).catch(({ message }) => message);
       // As a step that blocks the main thread: the answer waits for it.
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
       await pool.close();
       process.stdout.write(await cancelled);`,
    );
    expect(await done).toMatchObject({ status: 0, stdout: 'The preparation of images is closed.' });
  });
});

describe('the compiled program', () => {
  /** Trains by the compiled program in a process of its own. @returns how many workers it started, and the weights. */
  async function train(
    config: string,
    name: string,
    ...words: string[]
  ): Promise<{ started: number; weights: string }> {
    const out = join(setup.folder, name);
    const args = ['train', '--config', config, '--out', out, '--set', 'training.steps=3', ...words];
    const { done } = await startChild(
      setup.folder,
      `import { createRequire, syncBuiltinESMExports } from 'node:module';
       const threads = createRequire(import.meta.url)('node:worker_threads');
       let started = 0;
       threads.Worker = class extends threads.Worker {
         constructor(...options) { super(...options); started++; }
       };
       syncBuiltinESMExports();
       process.on('exit', () => process.stderr.write('workers started: ' + started));
       await import('./src/cli/main.js');`,
      { args },
    );
    const { status, stderr } = await done;
    expect(status, stderr).toBe(0);
    const started = Number(/workers started: (\d+)/.exec(stderr)![1]);
    const { dir } = (await latestCheckpoint(out))!;
    return { started, weights: await readFile(join(dir, 'model.safetensors'), 'base64') };
  }

  it('prepares in workers, with the same weights as in the main thread', async () => {
    const { config } = await tinyTraining(setup.folder);
    const two = await train(config, 'two', '--set', 'data.workers=2');
    const byRule = await train(config, 'rule');
    const none = await train(config, 'none', '--set', 'data.workers=0');
    expect([two.started, none.started]).toEqual([2, 0]);
    expect(byRule.started).toBeGreaterThan(0);
    expect(byRule.started).toBeLessThanOrEqual(defaultWorkers());
    expect(two.weights).toBe(none.weights);
    expect(byRule.weights).toBe(none.weights);
  });
});
