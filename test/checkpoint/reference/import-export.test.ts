import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../../src/checkpoint/checkpoint.js';
import { type ExportOptions, exportReferenceCheckpoint } from '../../../src/checkpoint/reference/export.js';
import { importReferenceCheckpoint } from '../../../src/checkpoint/reference/import.js';
import { parameterOrder, stateDictShapes } from '../../../src/checkpoint/reference/networks.js';
import { readSafetensors, type TensorData } from '../../../src/checkpoint/safetensors.js';
import {
  OrderedDict,
  PythonFloat,
  type PythonValue,
  TensorToPickle,
  Tuple,
} from '../../../src/checkpoint/torch-file/python-values.js';
import { TorchFile } from '../../../src/checkpoint/torch-file/torch-file.js';
import { TorchTensorRef } from '../../../src/checkpoint/torch-file/values.js';
import { writeTorchFile } from '../../../src/checkpoint/torch-file/write-torch-file.js';
import { buildNetworks } from '../../../src/gan/networks.js';
import { lazyBetas } from '../../../src/optim/adam.js';
import { learningRateAt } from '../../../src/optim/schedule.js';
import { readModel } from '../../../src/translate/model.js';
import { configOf, REFERENCE_DIR, ReferenceRun } from '../../support/reference.js';
import { rejectionMessage } from '../../support/rejection.js';
import {
  dictionary,
  pickleOf,
  storage,
  tensor,
  writeLegacy,
  writeTorchZip,
} from '../../support/torch-files.js';

const settings: ExportOptions['settings'] = ({ training }, step) => {
  const learningRate = learningRateAt(step, training);
  const betas = { first: training.betas[0], second: training.betas[1] };
  return {
    G_optim: { learningRate, betas },
    D_optim: { learningRate, betas: lazyBetas(betas, training.r1EverySteps) },
  };
};

let folder: string;
let count = 0;
const fresh = (): string => join(folder, String(count++));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-import-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const officialOf = (variant: string): string => join(REFERENCE_DIR, `checkpoint-${variant}.pt`);

/** Whether two tensors are the same bit for bit; vitest's own comparison takes a second for a network. */
const same = (ours: TensorData | undefined, theirs: TensorData | undefined): boolean =>
  ours !== undefined &&
  theirs !== undefined &&
  Buffer.from(ours.buffer, ours.byteOffset, ours.byteLength).equals(
    Buffer.from(theirs.buffer, theirs.byteOffset, theirs.byteLength),
  );

/** Every tensor of a file, by path, as bits, and everything else as it stands. */
async function flatten(path: string): Promise<Map<string, unknown>> {
  const file = await TorchFile.open(path);
  const flat = new Map<string, unknown>();
  const visit = async (value: unknown, at: string): Promise<void> => {
    if (value instanceof TorchTensorRef) {
      const { buffer } = await file.read(value);
      flat.set(at, { shape: [...value.shape], bits: Buffer.from(buffer).toString('base64') });
    } else if (value instanceof Map)
      for (const [key, item] of value) await visit(item, `${at}/${String(key)}`);
    else if (Array.isArray(value)) for (const [i, item] of value.entries()) await visit(item, `${at}/${i}`);
    else flat.set(at, value);
  };
  await visit(file.root, '');
  await file.close();
  return flat;
}

/** A file's values as they are written; `change` gets the top dictionary. */
async function rewrite(
  path: string,
  target: string,
  change: (root: Map<string, PythonValue>) => void,
  {
    write = writeTorchFile,
    optimizers = false,
  }: { write?: (path: string, value: PythonValue) => Promise<void>; optimizers?: boolean } = {},
): Promise<void> {
  const file = await TorchFile.open(path);
  const convert = (value: unknown): PythonValue => {
    if (value instanceof TorchTensorRef) return new TensorToPickle(value.shape, () => file.read(value));
    if (Array.isArray(value)) return new Tuple(value.map(convert));
    if (typeof value === 'number' && !Number.isInteger(value)) return new PythonFloat(value);
    if (!(value instanceof Map)) return value as PythonValue;
    return new Map([...value].map(([key, item]) => [key as string, convert(item)]));
  };
  const entries = [...(file.root as Map<string, unknown>)];
  const root = new Map(entries.filter(([key]) => optimizers || !key.endsWith('optim')));
  const converted = convert(root) as Map<string, PythonValue>;
  change(converted);
  await write(target, converted);
  await file.close();
}

describe.each(['main', 'train'])('the official checkpoint of variant %s', (variant) => {
  const run = new ReferenceRun(variant);
  const expected = configOf(run.config);
  const networks = buildNetworks(expected);
  const specs = {
    G_A2B: networks.generator.specs,
    G_B2A: networks.generator.specs,
    D_A: networks.imageDiscriminator.specs,
    D_B: networks.imageDiscriminator.specs,
    D_L: networks.latentDiscriminator.specs,
  };
  const out = join(tmpdir(), `gnr-import-${process.pid}-${variant}`);
  let dir: string;
  beforeAll(async () => {
    const report = await importReferenceCheckpoint(officialOf(variant), out);
    dir = report.dir;
    expect(report.kind).toBe('run');
    expect(report.networks).toHaveLength(7);
    expect(report.unresolved).toContain('model.mappingRate');
  });
  afterAll(() => rm(out, { recursive: true, force: true }));

  it('determines the architecture and the training settings', async () => {
    const { config, step } = await readCheckpoint(dir);
    const { model, training } = config as typeof expected;
    const { channels, ...others } = expected.model;
    expect(model).toMatchObject({ ...others, channels: {} });
    for (let px = 4; px <= run.config.size; px *= 2) expect(model.channels[px]).toBe(channels[px]);
    expect(step).toBe(run.config.steps);
    const { learningRate, r1EverySteps, betas, decayEverySteps } = expected.training;
    expect(training).toMatchObject({ learningRate, r1EverySteps, betas, decayEverySteps });
  });
  it('has the weights after the last step, exactly', async () => {
    const { model, training } = await readCheckpoint(dir);
    for (const [network, tree] of Object.entries(specs)) {
      const values = run.parameters(`final/${network}`, tree);
      for (const path of Object.keys(tree))
        expect(same(training.get(`values/${network}/${path}`)?.data, values[path]), path).toBe(true);
    }
    for (const network of ['G_A2B', 'G_B2A'] as const) {
      const averages = run.parameters(`final/${network}_ema`, specs[network]);
      for (const path of Object.keys(averages))
        expect(same(model.get(`${network}/${path}`)?.data, averages[path]), path).toBe(true);
    }
  });
  it("has Adam's second moments of the parameters that they belong to", async () => {
    const { training } = await readCheckpoint(dir);
    const official = await TorchFile.open(officialOf(variant));
    const optimizer = (official.root as Map<string, Map<string, Map<number, Map<string, TorchTensorRef>>>>)
      .get('D_optim')!
      .get('state')!;
    // The last parameter of all is the bias of D_B's last layer, whose gain is 1.
    const last = await official.read(optimizer.get(optimizer.size - 1)!.get('exp_avg_sq')!);
    expect(training.get('second/D_B/g_final.bias')!.data).toEqual(last);
    const first = await official.read(optimizer.get(0)!.get('exp_avg_sq')!);
    const { gain } = specs.D_L['fc.0.weight']!;
    const ours = training.get('second/D_L/fc.0.weight')!;
    expect(ours.data[0]! * gain ** 2).toBeCloseTo(first[0]!, 10);
    expect(ours.shape).toEqual(specs.D_L['fc.0.weight']!.shape);
    await official.close();
  });
  it('comes back bit for bit, every tensor and every setting', async () => {
    const file = fresh();
    const { keys } = await exportReferenceCheckpoint(dir, file, { settings });
    const [ours, theirs] = [await flatten(file), await flatten(officialOf(variant))];
    expect(keys.at(-1)).toBe('gnr_config');
    ours.delete('/gnr_config');
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
    for (const [key, value] of theirs)
      if (key.includes('/betas/')) expect(ours.get(key), key).toBeCloseTo(value as number, 14);
      else expect(ours.get(key), key).toEqual(value);
  });
  it("keeps Adam's count of steps if it differs from that of the file", async () => {
    const [file, out, back] = [fresh(), fresh(), fresh()];
    await rewrite(officialOf(variant), file, (root) => root.set('iter', 76), { optimizers: true });
    const { step } = await importReferenceCheckpoint(file, out);
    expect(step).toBe(77);
    await exportReferenceCheckpoint(out, back, { settings });
    const [ours, theirs] = [await flatten(back), await flatten(file)];
    expect(ours.get('/iter')).toBe(76);
    for (const key of ['/G_optim/state/3/step', '/D_optim/state/0/step'])
      expect(ours.get(key)).toEqual(theirs.get(key));
  });
  it('is the same after export and another import', async () => {
    const file = fresh();
    await exportReferenceCheckpoint(out, file, { settings });
    const again = await importReferenceCheckpoint(file, fresh());
    expect(again.unresolved).toEqual([]);
    for (const name of ['model.safetensors', 'training.safetensors', 'as-imported.safetensors'])
      expect((await readFile(join(again.dir, name))).equals(await readFile(join(dir, name))), name).toBe(
        true,
      );
    expect((await readCheckpoint(dir)).config).toMatchObject({ model: again.config.model });
  });
  it('is the same from a legacy file', async () => {
    const file = fresh();
    await rewrite(officialOf(variant), file, () => undefined, { write: writeLegacy });
    const { dir: legacyDir, kind } = await importReferenceCheckpoint(file, fresh());
    expect(kind).toBe('model');
    const files = [legacyDir, dir].map((where) => readFile(join(where, 'model.safetensors')));
    const [ours, theirs] = await Promise.all(files);
    expect(ours!.equals(theirs!)).toBe(true);
  });
  it('has its keys in the order of the reference', async () => {
    const official = await TorchFile.open(officialOf(variant));
    for (const [network, tree] of Object.entries(specs)) {
      const keys = [...(official.root as Map<string, Map<string, unknown>>).get(network)!.keys()];
      expect([...stateDictShapes(tree).keys()]).toEqual(keys);
      expect(parameterOrder(tree)).toEqual(keys.filter((key) => !key.endsWith('.kernel')));
    }
    await official.close();
  });
});

describe('a file with some of the networks', () => {
  it('becomes a model of those networks', async () => {
    const [file, out] = [fresh(), fresh()];
    await rewrite(officialOf('train'), file, (root) => {
      for (const key of [...root.keys()]) if (!key.endsWith('_ema')) root.delete(key);
    });
    const report = await importReferenceCheckpoint(file, out, { overrides: ['model.mappingRate=0.01'] });
    expect(report).toMatchObject({ kind: 'model', dir: out, networks: ['G_A2B_ema', 'G_B2A_ema'] });
    expect(report.unresolved).toContain('model.discriminatorLocalSize');
    const run = new ReferenceRun('train');
    const model = await readModel(out);
    const { specs } = buildNetworks(report.config).generator;
    for (const network of ['G_A2B', 'G_B2A'])
      for (const [path, expected] of Object.entries(run.parameters(`final/${network}_ema`, specs)))
        expect(same(model.values[network]![path], expected), path).toBe(true);
    const back = fresh();
    const { keys } = await exportReferenceCheckpoint(out, back, { settings });
    expect(keys).toEqual(['G_A2B_ema', 'G_B2A_ema', 'gnr_config']);
    const [ours, theirs] = [await flatten(back), await flatten(file)];
    for (const [key, value] of theirs) if (key !== '/iter') expect(ours.get(key), key).toEqual(value);
  });
  it('without EMA weights, translates with the raw weights', async () => {
    const [file, out] = [fresh(), fresh()];
    await rewrite(officialOf('main'), file, (root) => {
      for (const key of [...root.keys()]) if (!/^G_...$/.test(key)) root.delete(key);
    });
    const { notes } = await importReferenceCheckpoint(file, out);
    expect(notes.join('\n')).toMatch(/no G_A2B_ema: G_A2B itself will translate/);
    const { values } = await readModel(out);
    const { tensors } = await readSafetensors(join(out, 'training.safetensors'));
    const path = 'conv1.conv.weight';
    expect(same(values.G_B2A![path], tensors.get(`values/G_B2A/${path}`)?.data)).toBe(true);
  });
  it('is read without the prefix that DataParallel puts before every name', async () => {
    const file = fresh();
    await rewrite(officialOf('main'), file, (root) => {
      for (const [name, dict] of root)
        if (dict instanceof Map)
          root.set(name, new OrderedDict([...dict].map(([key, value]) => [`module.${key}`, value])));
    });
    expect((await importReferenceCheckpoint(file, fresh())).networks).toHaveLength(7);
  });
});

it('a file with keys that every object of JavaScript has is read, and they are ignored', async () => {
  const file = fresh();
  await rewrite(officialOf('main'), file, (root) => {
    for (const key of ['constructor', 'toString', '__proto__']) root.set(key, 'text');
  });
  expect((await importReferenceCheckpoint(file, fresh())).networks).toHaveLength(7);
});

describe('a file that does not fit', () => {
  const attempt = async (
    change: (root: Map<string, PythonValue>) => void,
    overrides: string[] = [],
  ): Promise<string> => {
    const [file, out] = [fresh(), fresh()];
    await rewrite(officialOf('main'), file, change);
    const message = await rejectionMessage(importReferenceCheckpoint(file, out, { overrides }));
    expect(await readdir(folder)).not.toContain(out);
    return message;
  };
  const network = (root: Map<string, PythonValue>, name: string) =>
    root.get(name) as Map<string, PythonValue>;
  const zeros = (...shape: number[]) =>
    new TensorToPickle(shape, () => new Float32Array(shape.reduce((a, b) => a * b, 1)));

  it('with a missing tensor is rejected, naming the key', async () => {
    const message = await attempt((root) => network(root, 'D_B').delete('g_final.bias'));
    expect(message).toMatch(/the tensor g_final\.bias of shape \[1\] in D_B of .* but found none/);
  });
  it('with a tensor of another shape is rejected, naming the key', async () => {
    const message = await attempt((root) => network(root, 'G_B2A').set('conv1.activate.bias', zeros(3)));
    expect(message).toMatch(
      /conv1\.activate\.bias of shape \[\d+\] in G_B2A of .*one of float32 and shape \[3\]/,
    );
  });
  it('with an additional tensor is rejected, naming the key', async () => {
    const message = await attempt((root) => network(root, 'D_L').set('fc.9.weight', zeros(1)));
    expect(message).toMatch(/in D_L of .* but found also fc\.9\.weight/);
  });
  it('with another value in place of a tensor is rejected, naming the key', async () => {
    expect(await attempt((root) => network(root, 'D_L').set('fc.0.bias', 'text'))).toMatch(
      /D_L of .*fc\.0\.bias/,
    );
    expect(await attempt((root) => root.set('D_L', 7))).toMatch(/D_L of/);
  });
  it('with another blur filter is rejected', async () => {
    const path = 'to_rgbs.0.upsample.kernel';
    expect(await attempt((root) => network(root, 'G_A2B').set(path, zeros(4, 4)))).toContain(path);
  });
  it('is rejected if an override contradicts its shapes', async () => {
    expect(await attempt(() => undefined, ['model.styleDim=7'])).toMatch(/mapping\.0\.weight/);
    expect(await attempt(() => undefined, ['model.stileDim=7'])).toMatch(/stileDim/);
  });
  it('without a generator, or without anything of the reference, is rejected', async () => {
    const only = (pattern: RegExp) => (root: Map<string, PythonValue>) => {
      for (const key of [...root.keys()]) if (!pattern.test(key)) root.delete(key);
    };
    expect(await attempt(only(/^D_/))).toMatch(/a generator .*only D_A, D_B, D_L/);
    expect(await attempt(only(/^$/))).toMatch(/at least one of the networks/);
    expect(await attempt(only(/^iter$/))).toMatch(/at least one of the networks .*none/);
    const other = (root: Map<string, PythonValue>): void => {
      root.clear();
      root.set('model', zeros(1));
    };
    expect(await attempt(other)).toMatch(/the keys model/);
  });
  it.each([-5, 1e12 + 1, 1e15, 2 ** 53 - 1])('with %d as its count of steps is rejected', async (iter) => {
    expect(await attempt((root) => root.set('iter', iter))).toMatch(
      new RegExp(`a count of steps from 0 to 1000000000000 in iter of .* but found ${iter};`),
    );
  });
  it('is rejected if the folder is in use, and leaves the folder alone', async () => {
    const out = fresh();
    await mkdir(out);
    await writeFile(join(out, 'mine.txt'), 'mine');
    expect(await rejectionMessage(importReferenceCheckpoint(officialOf('main'), out))).toMatch(
      /a new or empty folder/,
    );
    expect(await readdir(out)).toEqual(['mine.txt']);
  });
  it('cannot give the same numbers without limit', async () => {
    const file = fresh();
    const shared = tensor(storage('FloatStorage', '0', 10_000), 0, [10_000], [1]);
    const names = Array.from({ length: 100 }, (_, i): [string, string] => [`mapping.${i}.weight`, shared]);
    await writeTorchZip(file, pickleOf(dictionary({ G_A2B: dictionary(Object.fromEntries(names)) })), {
      0: new Uint8Array(40_000),
    });
    expect(await rejectionMessage(importReferenceCheckpoint(file, fresh()))).toMatch(
      /tensors of 4000000 bytes in a file/,
    );
  });
});
