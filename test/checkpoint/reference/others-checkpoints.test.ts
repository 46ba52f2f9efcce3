import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importReferenceCheckpoint } from '../../../src/checkpoint/reference/import.js';
import { buffersOf, stateDictShapes } from '../../../src/checkpoint/reference/networks.js';
import { openTensorFile } from '../../../src/checkpoint/tensor-file.js';
import { TorchFile } from '../../../src/checkpoint/torch-file/torch-file.js';
import { Opaque } from '../../../src/checkpoint/torch-file/unpickler.js';
import { type TorchTensorRef, UnreadableTensor } from '../../../src/checkpoint/torch-file/values.js';
import { fromTorchTensor } from '../../../src/checkpoint/torch-layout.js';
import { readModelTensors } from '../../support/checkpoints.js';
import { rejectionMessage } from '../../support/rejection.js';

/** Written by torch, NumPy and safetensors: see scripts/make_checkpoint_fixtures.py. */
const FIXTURES = join(import.meta.dirname, '../../fixtures/checkpoints');
const fixture = (name: string): string => join(FIXTURES, name);

let folder: string;
let count = 0;
const fresh = (): string => join(folder, String(count++));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-others-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Imports a fixture and counts the numbers of a generator that are not those of the script's formula. */
async function differences(dir: string, network: string, seed: number): Promise<number> {
  const { specs, tensors } = await readModelTensors(dir, network);
  const shapes = stateDictShapes(specs);
  const constants = buffersOf(specs);
  let place = 0;
  let different = 0;
  for (const [path, shape] of shapes) {
    if (constants.has(path)) continue;
    const elements = shape.reduce((product, n) => product * n, 1);
    const data = Float32Array.from(
      { length: elements },
      (_, i) => (((37 * (place + i) + seed) % 201) - 100) / 64,
    );
    place += elements;
    const expected = fromTorchTensor(specs[path]!, { shape: [...shape], data }, 1);
    const actual = tensors.get(path)!;
    different += expected.filter((value, i) => !Object.is(value + 0, actual[i]! + 0)).length;
  }
  return different;
}

describe('a generator alone', () => {
  it.each([
    ['bare.pt', 'a state_dict'],
    ['legacy.pt', 'a state_dict in the legacy format'],
    ['unpacked', 'an archive that was unpacked into a folder'],
    ['unpacked/flat', 'the folder with its data.pkl'],
    ['unpacked/flat/data.pkl', 'the data.pkl of an unpacked archive'],
    ['generator.safetensors', 'a safetensors file in float16'],
    ['wrapped.pt', 'names with module and _orig_mod at several depths'],
    ['two-generators.pt', 'a generator and its average, of which the average is taken for an average'],
  ])('is read from %s (%s) with --as', async (name) => {
    const out = fresh();
    const report = await importReferenceCheckpoint(fixture(name), out, { as: ['G_A2B_ema'] });
    expect(report).toMatchObject({ kind: 'model', networks: ['G_A2B_ema'], step: 0 });
    expect(report.config.model).toMatchObject({ variant: 'main', size: 32, numDown: 2, styleDim: 3 });
    expect(await differences(out, 'G_A2B', 0)).toBe(0);
  });
  it('is read into the other direction, or from a key of its own', async () => {
    const [reverse, keyed] = [fresh(), fresh()];
    await importReferenceCheckpoint(fixture('bare.pt'), reverse, { as: ['g_b2a_EMA'] });
    expect(await differences(reverse, 'G_B2A', 0)).toBe(0);
    const as = ['g=G_A2B_ema', 'g_ema=G_B2A_ema'];
    await importReferenceCheckpoint(fixture('two-generators.pt'), keyed, { as });
    expect(await differences(keyed, 'G_A2B', 3)).toBe(0);
    expect(await differences(keyed, 'G_B2A', 0)).toBe(0);
  });
  it('without --as is refused with the option that names it', async () => {
    const bare = await rejectionMessage(importReferenceCheckpoint(fixture('bare.pt'), fresh()));
    expect(bare).toMatch(/the weights of a generator without a name; .*--as G_A2B_ema/);
    const two = await rejectionMessage(importReferenceCheckpoint(fixture('two-generators.pt'), fresh()));
    expect(two).toMatch(/\(under g, g_ema\); .*--as g=G_A2B_ema/);
  });
  it('is refused for a wrong name, a wrong key and a file that names its networks', async () => {
    const attempt = (file: string, ...as: string[]) =>
      rejectionMessage(importReferenceCheckpoint(fixture(file), fresh(), { as }));
    expect(await attempt('bare.pt', 'generator')).toMatch(/--as with one of G_A2B, .*found generator;/);
    expect(await attempt('bare.pt', 'D_A')).toMatch(/for D_A .*tensors of another network/);
    expect(await attempt('two-generators.pt', 'x=G_A2B')).toMatch(/under x for G_A2B .*those under g, g_ema/);
    expect(await attempt('float16.pt', 'G_A2B_ema')).toMatch(/networks with names.*remove --as/);
  });
});

describe('both generators', () => {
  it.each([
    ['float16.pt'],
    ['bfloat16.pt'],
    ['float64.pt'],
    ['without-constants.pt'],
    ['lightning.ckpt'],
    ['nested-ema.pt'],
    ['averaged.pt'],
    ['parameters.pt'],
    ['numpy.pt'],
    ['cuda.pt'],
    ['beside.pt'],
    ['beside-protocol-5.pt'],
    ['beside-old.pt'],
  ])('are read from %s, number by number', async (name) => {
    const out = fresh();
    const report = await importReferenceCheckpoint(fixture(name), out);
    expect([...report.networks].sort()).toEqual(['G_A2B_ema', 'G_B2A_ema']);
    expect(await differences(out, 'G_A2B', 0)).toBe(0);
    expect(await differences(out, 'G_B2A', 5)).toBe(0);
  });
  it('are read if their tensors are transposed or expanded', async () => {
    const out = fresh();
    await importReferenceCheckpoint(fixture('strided.pt'), out);
    expect(await differences(out, 'G_A2B', 0)).toBe(0);
    const { tensors } = await readModelTensors(out, 'G_B2A');
    const bias = [...tensors.get('mapping.0.bias')!];
    expect(new Set(bias).size).toBe(1);
    expect(await differences(out, 'G_B2A', 5)).toBeLessThanOrEqual(3);
  });
});

describe('values beside the weights', () => {
  it.each(['beside.pt', 'beside-protocol-5.pt', 'beside-old.pt'])(
    'of %s are read or skipped',
    async (name) => {
      const file = await TorchFile.open(fixture(name));
      const root = file.root as Map<string, unknown>;
      const value = (key: string): unknown => root.get(key);
      expect(value('iter')).toBe(1999);
      expect(value('loss')).toBe(0.25);
      expect(value('flag')).toBe(true);
      expect(value('history')).toEqual(new Map([['loss', [1, 0.5]]]));
      expect(value('counts')).toEqual(
        new Map([
          ['a', 2],
          ['b', 1],
          ['c', 1],
        ]),
      );
      expect(value('seen')).toEqual([1, 2, 3]);
      expect([...(value('raw') as Uint8Array)]).toEqual([0, 255, 128, ...Buffer.from('bytes')]);
      expect(value('big')).toBe(2n ** 70n);
      expect(value('shape')).toEqual([1, 2]);
      expect(value('device')).toBe('cuda');
      expect(value('dtype')).toBe('float16');
      const args = value('args') as Opaque;
      expect(args).toBeInstanceOf(Opaque);
      expect(args.name).toBe('argparse.Namespace');
      expect((args.state as Map<string, unknown>).get('lr')).toBeCloseTo(0.002, 9);
      expect((args.state as Map<string, unknown>).get('size')).toBe(256);
      expect([...(await file.read(value('mean') as TorchTensorRef))]).toEqual([0.5, 0.25]);
      expect([...(await file.read(value('parameter') as TorchTensorRef))]).toEqual([1, 1]);
      expect(value('quantised')).toBeInstanceOf(UnreadableTensor);
      expect(value('sparse')).toBeInstanceOf(UnreadableTensor);
      for (const key of ['settings', 'date', 'id', 'objects', 'error'])
        expect(value(key), key).toBeInstanceOf(Opaque);
      await expect(file.read(value('complexTensor') as TorchTensorRef)).rejects.toThrow(/complex64/);
      await file.close();
    },
  );
  it('are named with their classes, and the count of steps is read from a NumPy number', async () => {
    const { step, notes } = await importReferenceCheckpoint(fixture('beside.pt'), fresh());
    expect(step).toBe(2000);
    expect(notes.join('\n')).toMatch(
      /Skipped in the file: args \(argparse\.Namespace\), settings \(train\.Settings\)/,
    );
  });
});

describe('what is no weights', () => {
  const rejection = (name: string) => rejectionMessage(importReferenceCheckpoint(fixture(name), fresh(), {}));
  it.each([
    ['quantised', /mapping\.0\.weight in G_A2B_ema .*a quantised tensor; .*\.dequantize\(\)/],
    ['sparse', /a sparse tensor; .*\.to_dense\(\)/],
    ['csr', /a sparse tensor; .*\.to_dense\(\)/],
    ['meta', /a tensor of the device meta, which has no numbers/],
    ['complex', /complex64/],
    ['float8', /float8_e4m3fn/],
    ['int8', /found int8; .*convert the weights to float32 with their scale/],
    ['not-finite', /finite numbers in G_A2B\/mapping\.0\.weight .*NaN or infinity/],
  ])('is refused by name: %s', async (name, message) => {
    expect(await rejection(`unfit-${name}.pt`)).toMatch(message);
  });
  it.each([
    ['module.pt', 'G_A2B_ema', 'weights_only=False\\)\\.state_dict'],
    ['module-old.pt', 'G_A2B_ema', 'weights_only=False\\)\\.state_dict'],
    ['module-beside.pt', 'G_A2B_ema', 'weights_only=False\\)\\["G_A2B_ema"\\]\\.state_dict'],
  ])('is refused with the way to its state_dict: %s, a whole module', async (name, as, call) => {
    expect(await rejection(name)).toMatch(
      new RegExp(`whole module of the class train\\.Generator.*${call}\\(\\).*--as ${as}`),
    );
  });
  it('keeps the warning if it would run a program', async () => {
    expect(await rejection('evil.pt')).toMatch(/posix\.system.*nothing of it was run/);
    expect(await readdir('/tmp')).not.toContain('gnr-evil');
  });
  it('is said of a folder without a checkpoint, and of a model of this program', async () => {
    expect(await rejection('.')).toMatch(/a folder without the data\.pkl/);
    const [out] = [fresh()];
    await importReferenceCheckpoint(fixture('float16.pt'), out);
    const message = await rejectionMessage(openTensorFile(join(out, 'model.safetensors')));
    expect(message).toMatch(/a model of this program; .*--checkpoint/);
  });
});
