import { readdirSync } from 'node:fs';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunError } from '../../src/base/errors.js';
import { removeLeftovers } from '../../src/base/leftovers.js';
import { Rng } from '../../src/base/rng.js';
import {
  latestCheckpoint,
  readCheckpoint,
  resolveCheckpoint,
  saveCheckpoint,
} from '../../src/checkpoint/checkpoint.js';
import { compileForChild, startChild } from '../support/child-process.js';
import { type FileCall, withFailingCalls } from '../support/faults.js';
import { temporaryPath } from '../support/leftovers.js';
import { rejectionMessage } from '../support/rejection.js';

let folder: string;
let run: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-checkpoint-'));
  run = join(folder, 'run');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const contents = (step: number) => ({
  model: new Map([['G_A2B/w', { shape: [2, 2], data: Float32Array.of(step, 0.5, -1, 3e-9) }]]),
  training: new Map([
    ['D_A/w', { shape: [1], data: Float32Array.of(-step) }],
    ['order', { shape: [2], data: Int32Array.of(1, 0) }],
  ]),
  state: { sampler: { position: step * 7 }, history: [1, 2, 3] },
  config: { model: { size: 64 } },
});

const at = (step: number) => join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`);

describe('saveCheckpoint', () => {
  it('writes the layout, a relative link to it, and reads back the same values', async () => {
    expect(await saveCheckpoint(run, 500, contents(500))).toBe(at(500));
    expect((await readdir(at(500))).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'state.json',
      'training.safetensors',
    ]);
    expect(await readlink(join(run, 'checkpoints', 'latest'))).toBe('step-000500');
    const { dir, step, model, training, state, config } = await readCheckpoint(at(500));
    expect([dir, step, config]).toEqual([at(500), 500, contents(500).config]);
    expect(state).toEqual({ format: 'gnr-checkpoint', version: 1, step: 500, ...contents(500).state });
    expect(model.get('G_A2B/w')).toMatchObject(contents(500).model.get('G_A2B/w')!);
    expect(training.get('order')!.data).toEqual(Int32Array.of(1, 0));
    expect(training.get('D_A/w')!.data).toEqual(Float32Array.of(-500));
  });

  it('gives the same bytes for the same contents', async () => {
    await saveCheckpoint(run, 1, contents(1));
    const files = await readdir(at(1));
    const before = await Promise.all(files.map((file) => readFile(join(at(1), file))));
    await saveCheckpoint(run, 1, contents(1));
    expect(await Promise.all(files.map((file) => readFile(join(at(1), file))))).toEqual(before);
  });

  it('copies the config of the run by default', async () => {
    await mkdir(run);
    await writeFile(join(run, 'config.json'), '{"from": "run"}');
    const { config, ...rest } = contents(1);
    await saveCheckpoint(run, 1, rest);
    expect(config).toBeDefined();
    expect((await readCheckpoint(at(1))).config).toEqual({ from: 'run' });
  });

  it('keeps the given number of newest checkpoints', async () => {
    for (const step of [1, 2, 3, 4]) await saveCheckpoint(run, step, contents(step));
    expect((await readdir(join(run, 'checkpoints'))).length).toBe(5);
    await saveCheckpoint(run, 5, contents(5), { keepLast: 2 });
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual([
      'latest',
      'step-000004',
      'step-000005',
    ]);
    await saveCheckpoint(run, 1_000_000, contents(1_000_000), { keepLast: 1 });
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual(['latest', 'step-1000000']);
    expect((await latestCheckpoint(run))?.step).toBe(1_000_000);
  });

  it('removes the checkpoint that the new one replaces, and does not count it among those to keep', async () => {
    for (const step of [1, 2, 3]) await saveCheckpoint(run, step, contents(step));
    await saveCheckpoint(run, 4, contents(4), { keepLast: 3, replaces: ({ step }) => step === 3 });
    const names = async () => (await readdir(join(run, 'checkpoints'))).sort();
    expect(await names()).toEqual(['latest', 'step-000001', 'step-000002', 'step-000004']);
    // It is not kept as one of those of keepEverySteps: when it was written depends on the speed of the machine.
    await saveCheckpoint(run, 5, contents(5), { replaces: ({ step }) => step === 4, keepEverySteps: 4 });
    expect(await names()).not.toContain('step-000004');
  });

  it('keeps checkpoints at multiples of keepEverySteps and the best one, which gets a name', async () => {
    const policy = { keepLast: 1, keepEverySteps: 4 };
    for (const step of [1, 2, 3, 4, 5])
      await saveCheckpoint(run, step, contents(step), { ...policy, best: 2 });
    const names = async () => (await readdir(join(run, 'checkpoints'))).sort();
    expect(await names()).toEqual(['best', 'latest', 'step-000002', 'step-000004', 'step-000005']);
    expect((await resolveCheckpoint(join(run, 'checkpoints', 'best'))).dir).toBe(await realpath(at(2)));
    for (const step of [6, 7, 8, 9]) await saveCheckpoint(run, step, contents(step), { ...policy, best: 7 });
    expect(await names()).toEqual([
      'best',
      'latest',
      'step-000004',
      'step-000007',
      'step-000008',
      'step-000009',
    ]);
    // A best one that is gone is no reason to fail.
    await rm(at(7), { recursive: true });
    await saveCheckpoint(run, 10, contents(10), { ...policy, best: 7 });
    expect(await names()).toContain('step-000010');
  });

  it('does not count a damaged checkpoint as kept, and does not remove it', async () => {
    for (const step of [1, 2, 3]) await saveCheckpoint(run, step, contents(step));
    await truncate(join(at(3), 'model.safetensors'), 20);
    await saveCheckpoint(run, 4, contents(4), { keepLast: 2 });
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual([
      'latest',
      'step-000002',
      'step-000003',
      'step-000004',
    ]);
  });

  it('changes nothing when writing fails', async () => {
    await saveCheckpoint(run, 1, contents(1), { keepLast: 1 });
    const bad = { ...contents(2), training: new Map([['x', { shape: [3], data: new Float32Array(2) }]]) };
    await expect(saveCheckpoint(run, 2, bad, { keepLast: 1 })).rejects.toThrow(RangeError);
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual(['latest', 'step-000001']);
    expect((await latestCheckpoint(run))?.step).toBe(1);
  });
});

describe('a full disk', () => {
  it.each<[stage: string, call: FileCall, pattern: RegExp, named: string]>([
    ['its folder', 'mkdir', /\.gnr-tmp-step-000002~[^/]*$/, 'step-000002'],
    ['a file in it', 'open', /\.gnr-tmp-step-000002.*model/, 'step-000002/model.safetensors'],
    ['tensors', 'write', /\.gnr-tmp-step-000002.*training/, 'step-000002/training.safetensors'],
    ['the state', 'write', /\.gnr-tmp-step-000002.*state/, 'step-000002/state.json'],
    ['tensors to the disk', 'sync', /\.gnr-tmp-step-000002.*training/, 'step-000002/training.safetensors'],
    ['names to the disk', 'sync', /\.gnr-tmp-step-000002~[^/]*$/, 'step-000002/model.safetensors'],
    ['a file under its name', 'rename', /\.gnr-tmp-step-000002.*\/state\.json$/, 'step-000002/state.json'],
    ['the whole under its name', 'rename', /\/step-000002$/, 'step-000002'],
  ])('met while writing %s, is reported with the final path, and leaves nothing', async (...stage) => {
    const [, call, pattern, named] = stage;
    await saveCheckpoint(run, 1, contents(1), { keepLast: 1 });
    const failedCalls = await withFailingCalls('ENOSPC', call, pattern, async () => {
      const attempt = saveCheckpoint(run, 2, contents(2), { keepLast: 1 });
      await expect(attempt).rejects.toThrow(
        new RunError(
          `Cannot write ${join(run, 'checkpoints', named)}: no space is left on the disk (ENOSPC); ` +
            'free some space and run the command again. What was there before is kept.',
        ),
      );
    });
    expect(failedCalls).toBe(1);
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual(['latest', 'step-000001']);
    expect((await readCheckpoint(at(1))).step).toBe(1);
    await saveCheckpoint(run, 2, contents(2), { keepLast: 1 });
    expect((await readCheckpoint(at(2))).step).toBe(2);
  });
});

it('resolveCheckpoint restores a model whose replacement was killed between its two renames', async () => {
  await saveCheckpoint(run, 1, contents(1));
  const model = join(folder, 'model');
  await cp(at(1), await temporaryPath(model, { kind: 'old' }), { recursive: true });
  expect((await resolveCheckpoint(model)).dir).toBe(await realpath(model));
  await expect(resolveCheckpoint(join(folder, 'other'))).rejects.toThrow('found nothing');
});

describe('latestCheckpoint', () => {
  it('is undefined without a run or a checkpoint', async () => {
    expect(await latestCheckpoint(run)).toBeUndefined();
    await mkdir(join(run, 'checkpoints', '.gnr-tmp-step-000001~01234567-1-1-012345'), { recursive: true });
    expect(await latestCheckpoint(run)).toBeUndefined();
  });

  it.each([
    ['model.safetensors', (path: string) => truncate(path, 100)],
    ['training.safetensors', (path: string) => rm(path)],
    ['state.json', (path: string) => writeFile(path, '{"format":')],
    ['state.json', (path: string) => writeFile(path, '{"format":"other","version":1,"step":2}')],
  ])('falls back to the one before when %s is damaged, and says so', async (file, damage) => {
    for (const step of [1, 2]) await saveCheckpoint(run, step, contents(step));
    await damage(join(at(2), file));
    const skipped: string[] = [];
    const latest = await latestCheckpoint(run, {
      onSkipped: (dir, error) => skipped.push(dir, error.message),
    });
    expect(latest).toEqual({ dir: at(1), step: 1 });
    expect(skipped[0]).toBe(at(2));
    expect(skipped[1]).toContain(join(at(2), file));
    expect((await resolveCheckpoint(run)).dir).toBe(at(1));
  });
});

describe('resolveCheckpoint', () => {
  it('finds the files of a checkpoint, of latest, of a run, and of an exported model', async () => {
    for (const step of [1, 2]) await saveCheckpoint(run, step, contents(step));
    const files = (dir: string) => ({
      dir,
      modelPath: join(dir, 'model.safetensors'),
      trainingPath: join(dir, 'training.safetensors'),
      statePath: join(dir, 'state.json'),
      configPath: join(dir, 'config.json'),
    });
    expect(await resolveCheckpoint(at(1))).toEqual(files(at(1)));
    expect(await resolveCheckpoint(run)).toEqual(files(at(2)));
    expect(await resolveCheckpoint(join(run, 'checkpoints', 'latest'))).toEqual(files(at(2)));
    expect(await resolveCheckpoint(relative('.', run))).toEqual(files(at(2)));
    // A file system without symbolic links.
    await rm(join(run, 'checkpoints', 'latest'));
    await writeFile(join(run, 'checkpoints', 'latest'), 'step-000001\n');
    expect(await resolveCheckpoint(join(run, 'checkpoints', 'latest'))).toEqual(files(at(1)));

    const model = join(folder, 'model');
    await mkdir(model);
    for (const file of ['model.safetensors', 'config.json']) await cp(join(at(1), file), join(model, file));
    expect(await resolveCheckpoint(model)).toEqual({
      dir: model,
      modelPath: join(model, 'model.safetensors'),
      configPath: join(model, 'config.json'),
    });
  });

  it('finds a checkpoint that was moved away from its run, and the config of the run if the checkpoint has none', async () => {
    await saveCheckpoint(run, 1, contents(1));
    await rename(join(at(1), 'config.json'), join(run, 'config.json'));
    expect((await resolveCheckpoint(at(1))).configPath).toBe(join(run, 'config.json'));
    const moved = join(folder, 'elsewhere', 'mine');
    await cp(at(1), moved, { recursive: true });
    expect(await rejectionMessage(resolveCheckpoint(moved))).toMatch(
      /elsewhere\/mine\/config.json.*copy config.json/,
    );
    await cp(join(run, 'config.json'), join(moved, 'config.json'));
    expect((await readCheckpoint((await resolveCheckpoint(moved)).dir)).step).toBe(1);
  });

  it('says which path to name instead', async () => {
    await mkdir(run);
    for (const [name, message] of [
      ['nowhere', /but found nothing; name a checkpoint directory, a run directory or an exported/],
      ['run', /found a folder without one/],
      ['official.pt', /found a PyTorch file; import it first: gnr import .*official\.pt --out DIR/],
      ['model.safetensors', /found a single file; name its folder/],
      ['notes.txt', /found a file; name/],
    ] as const) {
      if (name.includes('.')) await writeFile(join(folder, name), 'x');
      expect(await rejectionMessage(resolveCheckpoint(join(folder, name)))).toMatch(message);
    }
  });

  it('names the damaged file, and an older complete checkpoint if there is one', async () => {
    for (const step of [1, 2, 3]) await saveCheckpoint(run, step, contents(step));
    await truncate(join(at(3), 'model.safetensors'), 150);
    await rm(join(at(2), 'training.safetensors'));
    for (const attempt of [resolveCheckpoint, readCheckpoint]) {
      const message = await rejectionMessage(attempt(at(3)));
      expect(message).toContain(join(at(3), 'model.safetensors'));
      expect(message).toContain(`or use the older complete checkpoint ${at(1)}`);
    }
    // For translation alone the model is enough.
    expect((await resolveCheckpoint(at(2))).trainingPath).toBeUndefined();
    expect(await rejectionMessage(readCheckpoint(at(2)))).toContain(join(at(2), 'training.safetensors'));
    await truncate(join(at(1), 'model.safetensors'), 3);
    expect(await rejectionMessage(readCheckpoint(at(1)))).not.toContain('older');
    expect(await rejectionMessage(resolveCheckpoint(run))).toContain(join(at(3), 'model.safetensors'));
  });

  it('asks for an update if the format is newer', async () => {
    await saveCheckpoint(run, 1, contents(1));
    await writeFile(join(at(1), 'state.json'), '{"format":"gnr-checkpoint","version":2,"step":1}');
    expect(await rejectionMessage(readCheckpoint(at(1)))).toMatch(
      /state.json but found a newer version; update this program/,
    );
  });
});

describe('kill -9 while a checkpoint is written', () => {
  // Every tensor of checkpoint N holds N, so that a mixture would show.
  const script = `
    import { latestCheckpoint, saveCheckpoint } from './src/checkpoint/checkpoint.js';
    const [run, mode] = process.argv.slice(2);
    const tensors = (step) => new Map([0, 1, 2].map((i) => ['t' + i, { shape: [400_000], data: new Float32Array(400_000).fill(step) }]));
    let step = (await latestCheckpoint(run))?.step ?? 0;
    for (;;) {
      if (mode === 'forward' || step === 0) step++;
      await saveCheckpoint(run, step, { model: tensors(step), training: tensors(step), state: {}, config: {} }, { keepLast: 2 });
      process.stdout.write(step + '\\n');
    }
  `;

  async function killOnce(mode: string, rng: Rng): Promise<number> {
    const { child, done, output } = await startChild(folder, script, { args: [run, mode] });
    const saved = () => output().split('\n').filter(Boolean).map(Number);
    const target = 1 + rng.integer(3);
    while (saved().length < target && child.exitCode === null) await sleep(1);
    const isWriting = () =>
      readdirSync(join(run, 'checkpoints')).some((name) => name.startsWith('.gnr-tmp-step'));
    while (!isWriting() && child.exitCode === null) await sleep(0);
    await sleep(rng.integer(12));
    child.kill('SIGKILL');
    const result = await done;
    expect(result.stderr).toBe('');
    expect(result.signal).toBe('SIGKILL');
    return saved().at(-1)!;
  }

  it.each(['forward', 'again'])('leaves every checkpoint under its final name whole (%s)', async (mode) => {
    await compileForChild(folder);
    const rng = new Rng(3, mode);
    let leftovers = 0;
    for (let round = 0; round < 6; round++) {
      const lastSaved = await killOnce(mode, rng);
      leftovers += (await removeLeftovers(join(run, 'checkpoints'))).length;
      const names = (await readdir(join(run, 'checkpoints'))).filter((name) => name.startsWith('step-'));
      expect((await latestCheckpoint(run))!.step).toBeGreaterThanOrEqual(lastSaved);
      for (const name of names) {
        const { step, model, training } = await readCheckpoint(join(run, 'checkpoints', name));
        for (const { data } of [...model.values(), ...training.values()]) {
          expect(data.every((value) => value === step)).toBe(true);
        }
      }
      expect((await resolveCheckpoint(join(run, 'checkpoints', 'latest'))).dir).toContain('step-');
    }
    // Some kills did hit a write.
    expect(leftovers).toBeGreaterThan(0);
    expect((await readdir(join(run, 'checkpoints'))).every((name) => /^(step-\d+|latest)$/.test(name))).toBe(
      true,
    );
  });
});
