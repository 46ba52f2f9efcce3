import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError, RunError } from '../../src/base/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import type { PythonValue } from '../../src/checkpoint/torch-file/python-values.js';
import { writeTorchFile } from '../../src/checkpoint/torch-file/write-torch-file.js';
import type { TorchTensor } from '../../src/checkpoint/torch-layout.js';
import { placeOf, weightsState } from '../../src/weights/cache.js';
import { identityOf } from '../../src/weights/file-hash.js';
import { type ImportOptions, importWeights } from '../../src/weights/import.js';
import { loadWeights } from '../../src/weights/load.js';
import type { WeightName } from '../../src/weights/names.js';
import { withFailingCalls } from '../support/faults.js';
import { rejectionMessage } from '../support/rejection.js';
import { pickleOf, writeLegacy, writeTorchZip } from '../support/torch-files.js';
import { formulaLpipsPackage, formulaWeights, makeOfficial, toPickle } from '../support/weights.js';

let folder: string;
let env: NodeJS.ProcessEnv;
let undo: (() => void) | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-import-'));
  env = { GNR_CACHE_DIR: join(folder, 'cache') };
});
afterEach(async () => {
  undo?.();
  undo = undefined;
  await rm(folder, { recursive: true, force: true });
});

type Tensors = Map<string, TorchTensor>;
const inFolder = (name: string): string => join(folder, name);
const take = (file: string, options: ImportOptions = {}) => importWeights(file, { env, ...options });
const rejectedImport = (file: string, options: ImportOptions = {}) => rejectionMessage(take(file, options));

/** alexnet's file: what is kept and the classifier, which is not. */
function alexnetFile(): Tensors {
  return new Map([
    ...formulaWeights('alexnet'),
    ['classifier.6.bias', { shape: [1000], data: new Float32Array(1000) }],
  ]);
}

async function expectKept(name: WeightName, verified: boolean): Promise<void> {
  const loaded = await loadWeights(name, env);
  const expected = formulaWeights(name);
  expect([...loaded.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, { shape, data }] of expected) {
    expect(loaded.tensors.get(key)!.shape).toEqual(shape);
    expect(Buffer.from(loaded.tensors.get(key)!.data.buffer).equals(Buffer.from(data.buffer)), key).toBe(
      true,
    );
  }
  expect(loaded.verified).toBe(verified);
  const stored = await readSafetensors(placeOf(name, env).file);
  expect([...stored.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
}

describe('importWeights', () => {
  it.each(['zip', 'legacy', 'safetensors'])('accepts an official file of the %s format', async (format) => {
    const file = inFolder('alexnet.pth');
    if (format === 'zip') await writeTorchFile(file, toPickle(alexnetFile()));
    else if (format === 'legacy') await writeLegacy(file, toPickle(alexnetFile()));
    else await writeSafetensors(file, alexnetFile());
    undo = await makeOfficial('alexnet', file);
    const { sha256 } = await identityOf(file);
    const progress: [number, number][] = [];
    expect(await take(file, { onProgress: (...amounts) => progress.push(amounts) })).toEqual([
      { name: 'alexnet', verified: true, sha256, file: placeOf('alexnet', env).file },
    ]);
    await expectKept('alexnet', true);
    expect((await loadWeights('alexnet', env)).sha256).toBe(sha256);
    expect(await weightsState('alexnet', env)).toMatchObject({
      state: 'present',
      record: { source: { file: 'alexnet.pth', sha256 }, verified: true },
    });
    expect(progress.length).toBeGreaterThan(1);
    const total = 2 * (await stat(file)).size;
    expect(progress.every(([done, all], i) => done > (progress[i - 1]?.[0] ?? 0) && all === total)).toBe(
      true,
    );
    expect(progress.at(-1)![0]).toBe(total);
    // Nothing else lies about.
    expect((await readdir(join(folder, 'cache', 'weights'))).sort()).toEqual([
      'alexnet.json',
      'alexnet.safetensors',
    ]);
  });

  it('accepts an official file that is known by its git id', async () => {
    const file = inFolder('vgg.pth');
    await writeLegacy(file, toPickle(formulaWeights('lpips-vgg')));
    undo = await makeOfficial('lpips-vgg', file);
    expect(await take(file)).toMatchObject([{ name: 'lpips-vgg', verified: true }]);
    await expectKept('lpips-vgg', true);
    // The record is not believed where the file is no longer official.
    undo();
    expect(await weightsState('lpips-vgg', env)).toMatchObject({ state: 'damaged', reason: /not official/ });
  });

  it('rejects another file without unverified; with it, records that', async () => {
    const file = inFolder('mine.pth');
    await writeTorchFile(file, toPickle(alexnetFile()));
    const { sha256 } = await identityOf(file);
    const message = await rejectedImport(file);
    expect(message).toContain(
      `found one with SHA-256 ${sha256}; run gnr weights fetch alexnet, or add --unverified`,
    );
    expect(message).toContain('alexnet-owt-7be5be79.pth with SHA-256 7be5be791159472b');
    expect(await weightsState('alexnet', env)).toEqual({ state: 'missing' });
    expect(await take(file, { unverified: true })).toMatchObject([
      { name: 'alexnet', verified: false, sha256 },
    ]);
    await expectKept('alexnet', false);
    expect(await weightsState('alexnet', env)).toMatchObject({ state: 'unverified' });
  });

  it.each(['vgg', 'alex'] as const)('converts trunk and linear layers of a whole LPIPS (%s)', async (net) => {
    const file = inFolder('lpips.safetensors');
    // As torch.nn.DataParallel names them.
    const wrapped = [...formulaLpipsPackage(net)].map(
      ([name, tensor]) => [`module.${name}`, tensor] as const,
    );
    await writeSafetensors(file, new Map(wrapped));
    const trunk = net === 'vgg' ? 'vgg16' : 'alexnet';
    const imported = await take(file, { unverified: true });
    expect(imported.map(({ name }) => name)).toEqual([trunk, `lpips-${net}`]);
    await expectKept(trunk, false);
    await expectKept(`lpips-${net}`, false);
    expect(await take(file, { unverified: true, as: `lpips-${net}` })).toHaveLength(1);
  });

  it('converts other types to float32', async () => {
    const file = inFolder('half.safetensors');
    const half = [...formulaWeights('lpips-alex')].map(
      ([name, { shape, data }]) =>
        [name, { shape, data: data.map((value) => Math.round(value * 8) / 8), dtype: 'F16' }] as const,
    );
    await writeSafetensors(file, new Map(half));
    await take(file, { unverified: true });
    const { tensors } = await loadWeights('lpips-alex', env);
    for (const [name, { data }] of half) expect(tensors.get(name)!.data).toEqual(data);
  });

  it('reads a state_dict within a checkpoint', async () => {
    const file = inFolder('checkpoint.pt');
    const checkpoint = new Map<string, PythonValue>([
      ['epoch', 3],
      ['state_dict', toPickle(formulaWeights('lpips-vgg'))],
    ]);
    await writeTorchFile(file, checkpoint);
    expect(await take(file, { unverified: true })).toMatchObject([{ name: 'lpips-vgg' }]);
  });
});

describe('importWeights rejects', () => {
  const write = async (tensors: Tensors): Promise<string> => {
    const file = inFolder('other.safetensors');
    await writeSafetensors(file, tensors);
    return file;
  };
  const changed = (change: (tensors: Tensors) => unknown): Tensors => {
    const tensors = alexnetFile();
    change(tensors);
    return tensors;
  };
  const other = { shape: [2], data: Float32Array.of(1, 2) };

  it.each<[string, Tensors, RegExp]>([
    ['nothing of a network', new Map([['x', other]]), /1 tensors such as x \[2\].*gnr weights list/],
    ['no tensors', new Map(), /no tensors/],
    ['too few layers', changed((t) => t.delete('features.10.bias')), /one of the weights inception,/],
    ['another shape', changed((t) => t.set('features.10.bias', other)), /one of the weights/],
    ['more layers', changed((t) => t.set('features.12.bias', other)), /one of the weights/],
    [
      'integers',
      changed((t) => t.set('features.10.bias', { shape: [256], data: new Int32Array(256) } as never)),
      /one of the weights/,
    ],
    [
      'numbers that are not finite',
      changed((t) => t.get('features.0.bias')!.data.fill(Number.NaN)),
      /finite numbers in features\.0\.bias/,
    ],
  ])('%s', async (_, tensors, message) => {
    expect(await rejectedImport(await write(tensors), { unverified: true })).toMatch(message);
    expect(await weightsState('alexnet', env)).toEqual({ state: 'missing' });
  });

  it('a file that does not fit --as, naming the difference', async () => {
    const file = await write(changed((t) => t.delete('features.10.bias')));
    expect(await rejectedImport(file, { as: 'alexnet', unverified: true })).toMatch(
      /weights alexnet in .* but found no features\.10\.bias/,
    );
    expect(await rejectedImport(file, { as: 'vgg16', unverified: true })).toMatch(
      /features\.0\.weight of shape \[64, 3, 11, 11\], not \[64, 3, 3, 3\]; omit --as/,
    );
  });

  it('the official file of one network under the name of another', async () => {
    const file = await write(formulaWeights('lpips-alex'));
    undo = await makeOfficial('lpips-vgg', file);
    expect(await rejectedImport(file)).toMatch(/but found the official file of lpips-vgg/);
  });

  it('truncated files, of each format, official or not', async () => {
    const file = inFolder('cut');
    const writers = [
      () => writeTorchFile(file, toPickle(formulaWeights('lpips-vgg'))),
      () => writeLegacy(file, toPickle(formulaWeights('lpips-vgg'))),
      () => writeSafetensors(file, formulaWeights('lpips-vgg')),
    ];
    for (const write of writers) {
      await write();
      const { size } = await stat(file);
      for (const bytes of [0, 5, Math.floor(size / 2), size - 1]) {
        await write();
        await truncate(file, bytes);
        expect(await rejectedImport(file, { unverified: true })).toContain(file);
      }
    }
    expect(await weightsState('lpips-vgg', env)).toEqual({ state: 'missing' });
  });

  it('files that hold no weights', async () => {
    await mkdir(inFolder('folder.pth'));
    await writeFile(inFolder('text.pth'), '<html>not found</html>\n');
    await writeTorchZip(inFolder('evil.pth'), pickleOf('cposix\nsystem\n'));
    await writeTorchZip(inFolder('list.pth'), pickleOf(']'));
    expect(await rejectedImport(inFolder('none.pth'))).toMatch(/none\.pth but found nothing/);
    expect(await rejectedImport(inFolder('folder.pth'))).toMatch(/a folder/);
    expect(await rejectedImport(inFolder('text.pth'))).toMatch(/a web page/);
    expect(await rejectedImport(inFolder('evil.pth'), { unverified: true })).toMatch(/posix\.system/);
    expect(await rejectedImport(inFolder('list.pth'), { unverified: true })).toMatch(/no tensors by name/);
  });
});

describe('an import is stopped by', () => {
  const file = () => inFolder('file.safetensors');
  beforeEach(() => writeSafetensors(file(), formulaWeights('lpips-vgg')));

  it('a signal', async () => {
    const signal = AbortSignal.abort();
    await expect(take(file(), { signal, unverified: true })).rejects.toThrow(InterruptedError);
  });

  it('a full disk, which keeps earlier weights', async () => {
    await take(file(), { unverified: true });
    const before = await readFile(placeOf('lpips-vgg', env).file);
    const failedCalls = await withFailingCalls('ENOSPC', 'write', /lpips-vgg\.safetensors/, async () => {
      const error = await take(file(), { unverified: true }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RunError);
      expect(String(error)).toMatch(/Cannot write .*lpips-vgg\.safetensors: no space is left/);
    });
    expect(failedCalls).toBeGreaterThan(0);
    expect(await readFile(placeOf('lpips-vgg', env).file)).toEqual(before);
    await expectKept('lpips-vgg', false);
  });

  it('a cache that is a file', async () => {
    await writeFile(inFolder('cache'), '');
    await expect(take(file(), { unverified: true })).rejects.toThrow(
      /Cannot write .*lpips-vgg.*a part of the path is a file|EEXIST/,
    );
  });
});
