import { readdirSync } from 'node:fs';
import { cp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError, RunError } from '../../src/base/errors.js';
import { readCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { importReferenceCheckpoint } from '../../src/checkpoint/reference/import.js';
import { initialConfig } from '../../src/train/start.js';
import { readModel } from '../../src/translate/model.js';
import { REFERENCE_DIR } from '../support/reference.js';
import { rejection } from '../support/rejection.js';
import { ofType, RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

describe('a run with --init', () => {
  it('starts with the EMA weights and the discriminators of another run, and with new moments', async () => {
    await runs.train(runs.config(2));
    const source = await readCheckpoint(runs.checkpointAt(2));
    const tuned = join(runs.folder, 'tuned');
    const still = runs.config(1, { training: { lrMultipliers: { '*': 0 }, seed: 7 } });
    const events = await runs.train(still, { runDir: tuned, init: runs.runDir });
    expect(ofType(events, 'start')[0]).toMatchObject({ step: 0, steps: 1 });
    const started = await readCheckpoint(runs.checkpointAt(1, tuned));
    for (const [name, { data }] of source.model) {
      expect(started.model.get(name)!.data).toEqual(data);
      expect(started.training.get(`values/${name}`)!.data).toEqual(data);
    }
    for (const [name, { data }] of source.training)
      if (name.startsWith('values/D_')) expect(started.training.get(name)!.data).toEqual(data);
    const moments = [...started.training].filter(([name]) => name.startsWith('second/'));
    expect(moments.length).toBeGreaterThan(0);
    expect(moments.every(([, { data }]) => data.every((value) => value === 0))).toBe(true);
  });

  it('accepts a model without discriminators, and initialises them at random', async () => {
    await runs.train(runs.config(1));
    const exported = join(runs.folder, 'exported');
    for (const name of ['model.safetensors', 'config.json'])
      await cp(join(runs.checkpointAt(1), name), join(exported, name));
    const tuned = join(runs.folder, 'tuned');
    await runs.train(runs.config(1, { training: { lrMultipliers: { '*': 0 } } }), {
      runDir: tuned,
      init: exported,
    });
    expect((await readModel(tuned)).values).toEqual((await readModel(exported)).values);
  });

  it('reports a damaged newest checkpoint of the other run once, and starts with the one before', async () => {
    await runs.train(runs.config(2, { checkpoint: { everySteps: 1 } }));
    await truncate(join(runs.checkpointAt(2), 'model.safetensors'), 0);
    const tuned = join(runs.folder, 'tuned');
    const still = runs.config(1, { training: { lrMultipliers: { '*': 0 } } });
    const events = await runs.train(still, { runDir: tuned, init: runs.runDir });
    expect(ofType(events, 'skipped-checkpoint').map(({ dir }) => dir)).toEqual([runs.checkpointAt(2)]);
    expect((await readModel(tuned)).values).toEqual((await readModel(runs.checkpointAt(1))).values);
  });

  it('rejects a model of another shape, names the tensor, and leaves no folder behind', async () => {
    await runs.train(runs.config(1));
    const tuned = join(runs.folder, 'tuned');
    const error = await rejection(
      runs.train(runs.config(1, { model: { latentDim: 5 } }), { runDir: tuned, init: runs.runDir }),
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/G_A2B\/.*weight of shape .* found one of shape/s);
    await expect(cp(tuned, join(runs.folder, 'copy'))).rejects.toThrow(/ENOENT/);
  });
});

describe('the model to start from', () => {
  it('provides the config without its initialization phase, or the model section below the config of a file', async () => {
    const config = runs.config(1, { training: { seed: 5 } });
    await runs.train(config);
    const modelConfig = await initialConfig(runs.runDir, ['training.steps=7']);
    expect(modelConfig).toEqual({ ...config, training: { ...config.training, steps: 7 } });
    const first = runs.config(1, { training: { initialization: { steps: 1 } }, losses: { identity: 1 } });
    const trained = join(runs.folder, 'trained');
    await runs.train(first, { runDir: trained });
    const { training } = await initialConfig(trained, []);
    expect(training).toEqual({
      ...first.training,
      initialization: { ...first.training.initialization, steps: 0 },
    });
    const again = await initialConfig(trained, ['training.initialization.steps=1']);
    expect(again.training.initialization.steps).toBe(1);
    const file = join(runs.folder, 'tune.json');
    await writeFile(file, '{"training": {"learningRate": 0.0001}, "losses": {"lpips": {"weight": 0}}}');
    const tuned = await initialConfig(runs.runDir, ['training.steps=7'], file);
    expect(tuned.model).toEqual(config.model);
    expect(tuned.training).toMatchObject({ learningRate: 0.0001, steps: 7, seed: 1 });
    await writeFile(file, '{"model": {"latentDim": 0}}');
    expect((await rejection(initialConfig(runs.runDir, [], file))).message).toContain('model.latentDim');
  });

  it('may be a file of the reference implementation, which is read without a copy on the disk', async () => {
    const file = join(REFERENCE_DIR, 'checkpoint-main.pt');
    const read = await initialConfig(file, ['training.steps=1', `data.root=${runs.dataset}`]);
    expect(read.model.variant).toBe('main');
    const config = runs.config(1, { model: read.model, training: { lrMultipliers: { '*': 0 } } });
    const imported = join(runs.folder, 'imported');
    const { dir } = await importReferenceCheckpoint(file, imported);
    const before = await readdir(tmpdir());
    const bytes: number[][] = [];
    let seen: string[] = [];
    let copies: string[] | undefined;
    const tuned = join(runs.folder, 'tuned');
    await runs.train(
      config,
      { runDir: tuned, init: file, onInitProgress: (...progress) => bytes.push(progress) },
      (event) => {
        if (event.type !== 'step') return;
        seen = readdirSync(runs.folder);
        copies = readdirSync(tmpdir()).filter(
          (name) => name.startsWith('gnr-init') && !before.includes(name),
        );
      },
    );
    expect(bytes.at(-1)![0]).toBe(bytes.at(-1)![1]);
    // The networks are those of an import, and neither it nor another copy lies beside the run or in the temporary folder.
    const [ours, theirs] = await Promise.all([
      readCheckpoint(runs.checkpointAt(1, tuned)),
      readCheckpoint(dir),
    ]);
    for (const [name, { data }] of theirs.model)
      expect(ours.training.get(`values/${name}`)!.data).toEqual(data);
    for (const [name, { data }] of theirs.training)
      if (name.startsWith('values/D_')) expect(ours.training.get(name)!.data).toEqual(data);
    expect(seen.sort()).toEqual(['imported', 'tuned']);
    expect(copies).toEqual([]);
  });

  it('may be a file of the reference together with a config, of which the file gives the model alone', async () => {
    const file = join(REFERENCE_DIR, 'checkpoint-main.pt');
    const config = join(runs.folder, 'tune.json');
    await writeFile(config, '{"training": {"learningRate": 0.0005}, "losses": {"lpips": {"weight": 0}}}');
    const tuned = await initialConfig(file, ['training.steps=7'], config);
    expect(tuned.model).toEqual((await initialConfig(file, [])).model);
    expect(tuned.training).toMatchObject({ learningRate: 0.0005, steps: 7 });
  });
});

it('a run whose dataset disappears ends with a checkpoint, from which it continues when the data is back', async () => {
  const data = join(runs.folder, 'data');
  const kept = join(runs.folder, 'kept');
  await cp(runs.dataset, data, { recursive: true });
  await cp(runs.dataset, kept, { recursive: true });
  const config = runs.config(40, { data: { root: data, cacheBytes: 0 } });
  let last = 0;
  const error = await rejection(
    runs.train(config, {}, (event) => {
      if (event.type === 'step') last = event.step;
      if (event.type === 'step' && event.step === 2) void rm(data, { recursive: true });
    }),
  );
  expect(error).toBeInstanceOf(RunError);
  expect(error.message).toContain(data);
  expect(last).toBeGreaterThanOrEqual(2);
  await readCheckpoint(runs.checkpointAt(last));
  await cp(kept, data, { recursive: true });
  const resumed = await runs.train(runs.config(last + 1, { data: { root: data } }), { resume: true });
  expect(resumed.at(-1)).toMatchObject({ type: 'end', step: last + 1 });
});
