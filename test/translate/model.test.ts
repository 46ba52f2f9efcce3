import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { saveCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { MODEL_METADATA } from '../../src/export/model-folder.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { readModel } from '../../src/translate/model.js';
import { tinyConfig } from '../support/config.js';

const config = tinyConfig();
const networks = buildNetworks(config);
const { G_A2B, G_B2A } = initNetworks(networks, new Rng(1, 'init'));
const values = { G_A2B: G_A2B!, G_B2A: G_B2A! };

let folder: string;
let run: string;
let exported: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-model-'));
  run = join(folder, 'run');
  const model = new Map(
    Object.entries(values).flatMap(([network, tree]) =>
      Object.entries(tree).map(([path, data]) => [
        `${network}/${path}`,
        { shape: networks.generator.specs[path]!.shape, data },
      ]),
    ) as [string, { shape: number[]; data: Float32Array }][],
  );
  await saveCheckpoint(run, 1, { model, training: new Map(), state: {}, config });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A model directory of its own to spoil, as an export leaves it. */
beforeEach(async () => {
  exported = join(folder, `exported-${count++}`);
  await mkdir(exported);
  for (const name of ['model.safetensors', 'config.json'])
    await cp(join(run, 'checkpoints', 'latest', name), join(exported, name));
});

async function rejectionMessage(path: string): Promise<string> {
  const error = await readModel(path).then(
    () => expect.unreachable('was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

async function changeConfig(change: (config: { model: Record<string, unknown> }) => unknown): Promise<void> {
  const path = join(exported, 'config.json');
  const changed = change(JSON.parse(await readFile(path, 'utf8')));
  await writeFile(path, JSON.stringify(changed));
}

describe('readModel', () => {
  it('finds weights and architecture in a run, a checkpoint and an exported model', async () => {
    for (const path of [
      run,
      join(run, 'checkpoints', 'step-000001'),
      join(run, 'checkpoints', 'latest'),
      exported,
    ]) {
      const model = await readModel(path);
      expect(model.architecture).toEqual(config.model);
      expect(Object.keys(model.values).sort()).toEqual(['G_A2B', 'G_B2A']);
      for (const [network, tree] of Object.entries(values))
        for (const [name, data] of Object.entries(tree))
          expect(
            Buffer.from(model.values[network]![name]!.buffer).equals(Buffer.from(data.buffer)),
            name,
          ).toBe(true);
    }
  });

  it('needs no other section of the config than the model', async () => {
    await changeConfig(({ model }) => ({ model, laterSection: {} }));
    expect((await readModel(exported)).architecture).toEqual(config.model);
  });

  it('reports a tensor whose shape does not fit the config, with both files', async () => {
    await changeConfig(({ model }) => ({ model: { ...model, channelDivisor: 32 } }));
    const message = await rejectionMessage(exported);
    expect(message).toMatch(/the tensor G_A2B\/\S+ of shape \[[\d,]+\] in .*model\.safetensors/);
    expect(message).toMatch(/found one of shape \[[\d,]+\]/);
    expect(message).toContain(join(exported, 'config.json'));
  });

  it('reports a missing tensor', async () => {
    const path = join(exported, 'model.safetensors');
    const { tensors } = await readSafetensors(path);
    tensors.delete('G_B2A/conv1.conv.weight');
    await writeSafetensors(path, tensors as Map<string, { shape: number[]; data: Float32Array }>);
    expect(await rejectionMessage(exported)).toMatch(
      /the tensor G_B2A\/conv1\.conv\.weight of shape .* found none/,
    );
  });

  it('reports weights that are not finite, which would be drawn as black', async () => {
    const path = join(exported, 'model.safetensors');
    const { tensors } = await readSafetensors(path);
    tensors.get('G_A2B/conv1.conv.weight')!.data[3] = Number.NaN;
    await writeSafetensors(path, tensors as Map<string, { shape: number[]; data: Float32Array }>);
    expect(await rejectionMessage(exported)).toMatch(
      /finite numbers in the tensor G_A2B\/conv1\.conv\.weight of .*NaN/,
    );
  });

  it('reads exports of every kind of metadata: that of earlier versions, that of today, and none', async () => {
    const path = join(exported, 'model.safetensors');
    const { tensors } = await readSafetensors(path);
    for (const metadata of [{ format: 'gnr-model' }, MODEL_METADATA, {}]) {
      await writeSafetensors(path, tensors as Map<string, { shape: number[]; data: Float32Array }>, metadata);
      expect(Object.keys((await readModel(exported)).values)).toEqual(['G_A2B', 'G_B2A']);
    }
  });

  it('reports a config that is missing, damaged or wrong', async () => {
    const path = join(exported, 'config.json');
    await changeConfig(({ model }) => ({ model: { ...model, size: 33 } }));
    expect(await rejectionMessage(exported)).toContain(path);
    await writeFile(path, '{ "model": ');
    expect(await rejectionMessage(exported)).toContain(`the model's config at ${path}`);
    await rm(path);
    expect(await rejectionMessage(exported)).toContain(path);
  });

  it('reports a folder that is not a checkpoint', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty, { recursive: true });
    expect(await rejectionMessage(empty)).toContain(`a checkpoint at ${empty}`);
    expect(await rejectionMessage(join(folder, 'nowhere'))).toContain('found nothing');
  });
});
