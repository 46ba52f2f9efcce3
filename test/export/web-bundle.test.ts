import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelConfig } from '../../src/config/schema.js';
import { type ComparisonInputs, comparisonInputs } from '../../src/export/comparison.js';
import type { FolderExport } from '../../src/export/formats.js';
import { exportWebBundle, SHARD_BYTES } from '../../src/export/web-bundle-export.js';
import { parseWebBundle, readWebBundle, type WebBundle } from '../../src/export/web-bundle-format.js';
import { buildGenerator } from '../../src/model/generator.js';
import type { NetworkValues } from '../../src/model/parameter-groups.js';
import { initParameters } from '../../src/model/parameters.js';
import { loadEngine } from '../../src/runtime/node.js';
import { Rng } from '../../src/runtime/rng.js';
import { FEWEST_LAYERS, tinyConfig } from '../support/config.js';

/** With a layer that is larger than a shard. */
const { model: architecture } = tinyConfig({
  model: {
    ...FEWEST_LAYERS,
    channels: { 4: 264, 8: 8, 16: 8, 32: 8 },
    channelDivisor: 1,
    styleDim: 3,
  },
});

let folder: string;
let values: NetworkValues;
let inputs: ComparisonInputs;
beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-web-bundle-'));
  const { specs } = buildGenerator(architecture);
  values = Object.fromEntries(
    ['G_A2B', 'G_B2A'].map((network) => [network, initParameters(specs, new Rng(1, network))]),
  );
  inputs = await comparisonInputs(architecture);
  for (const precision of ['float32', 'float16'] as const) {
    const comparisons = await exportWebBundle(request(architecture, precision), precision);
    const bound = precision === 'float32' ? 0 : 2e-2;
    for (const { difference } of comparisons) expect(difference).toBeLessThanOrEqual(bound);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function request(model: ModelConfig, name: string): FolderExport {
  const source = {
    architecture: model,
    values,
    config: { model },
    dataName: undefined,
    step: 3,
    sha256: '0'.repeat(64),
    dir: 'nowhere',
  };
  return { source, out: join(folder, name), inputs, card: {} };
}

const shardOf = (name: string) => (file: string) => readFile(join(folder, name, file));
async function manifest(name: string): Promise<WebBundle> {
  return JSON.parse(await readFile(join(folder, name, 'bundle.json'), 'utf8')) as WebBundle;
}

describe('a web bundle', () => {
  test('has shards of 4 MiB at most, but for a tensor that is larger', async () => {
    const { shards, tensors } = parseWebBundle(await manifest('float32'));
    expect(Math.max(...tensors.map(({ bytes }) => bytes))).toBeGreaterThan(SHARD_BYTES);
    expect(shards.length).toBeGreaterThan(1);
    for (const [i, { file, bytes }] of shards.entries()) {
      expect(file).toBe(`weights-0000${i + 1}-of-0000${shards.length}.bin`);
      expect((await stat(join(folder, 'float32', file))).size).toBe(bytes);
      if (bytes > SHARD_BYTES) expect(tensors.filter(({ shard }) => shard === i)).toHaveLength(1);
    }
    const listed = ['README.md', 'bundle.json', 'export.json', ...shards.map(({ file }) => file)];
    expect((await readdir(join(folder, 'float32'))).sort()).toEqual(listed.sort());
  });

  test('is read as the weights that it was made of, bit for bit', async () => {
    let progress = [0, 0];
    const read = await readWebBundle(parseWebBundle(await manifest('float32')), shardOf('float32'), {
      onProgress: (done, total) => {
        progress = [done, total];
      },
    });
    expect(progress[0]).toBe(progress[1]);
    expect(progress[0]).toBeGreaterThan(SHARD_BYTES);
    for (const [network, tree] of Object.entries(values))
      for (const [path, data] of Object.entries(tree))
        expect(Buffer.from(read[network]![path]!.buffer).equals(Buffer.from(data.slice().buffer))).toBe(true);
  });

  test('in float16 takes half of the space, and is near the weights', async () => {
    const bundle = parseWebBundle(await manifest('float16'));
    const total = (shards: WebBundle['shards']) => shards.reduce((sum, { bytes }) => sum + bytes, 0);
    const whole = total((await manifest('float32')).shards);
    expect(total(bundle.shards) / whole).toBeCloseTo(0.5, 3);
    const read = await readWebBundle(bundle, shardOf('float16'));
    for (const [path, data] of Object.entries(values.G_B2A!))
      for (const [i, value] of data.entries())
        if (Math.abs(read.G_B2A![path]![i]! - value) > Math.max(Math.abs(value) * 2 ** -11, 2 ** -25))
          expect.fail(`${path}[${i}] is ${read.G_B2A![path]![i]}, not ${value}`);
  });

  test('with a changed, cut or missing shard is refused by name', async () => {
    const bundle = parseWebBundle(await manifest('float16'));
    const { file } = bundle.shards[0]!;
    const changed = async (name: string) => {
      const bytes = await readFile(join(folder, 'float16', name));
      bytes[100]! ^= 1;
      return bytes;
    };
    await expect(readWebBundle(bundle, changed)).rejects.toThrow(`${file} with other content`);
    const cut = async (name: string) => (await readFile(join(folder, 'float16', name))).subarray(1);
    await expect(readWebBundle(bundle, cut)).rejects.toThrow(`${file} with `);
    await expect(readWebBundle(bundle, shardOf('nowhere'))).rejects.toThrow('ENOENT');
    const signal = AbortSignal.abort();
    await expect(readWebBundle(bundle, shardOf('float16'), { signal })).rejects.toThrow('stopped');
  });

  test.each<[string, (bundle: WebBundle) => unknown, string]>([
    ['a text', () => 'bundle', 'bundle.json'],
    ['a newer version', (bundle) => ({ ...bundle, version: 2 }), 'a newer version'],
    [
      'a path out of the folder',
      (bundle) => with0(bundle, 'shards', { file: '../secret.bin' }),
      'a file name',
    ],
    ['a tensor beyond the end', (bundle) => with0(bundle, 'tensors', { offset: 2 ** 40 }), 'beyond the end'],
    ['a shard that is not there', (bundle) => with0(bundle, 'tensors', { shard: 99 }), 'beyond the end'],
    ['a shape that does not fit', (bundle) => with0(bundle, 'tensors', { shape: [7] }), 'of shape [7]'],
    [
      'a name twice',
      (bundle) => ({ ...bundle, tensors: [...bundle.tensors, bundle.tensors[0]] }),
      'two tensors',
    ],
  ])('that has %s is refused', async (_, change, text) => {
    const bundle = await manifest('float16');
    expect(() => parseWebBundle(change(bundle))).toThrow(text);
  });

  test('without one of the weights is refused', async () => {
    const bundle = await manifest('float16');
    const parsed = parseWebBundle({ ...bundle, tensors: bundle.tensors.slice(1) });
    await expect(readWebBundle(parsed, shardOf('float16'))).rejects.toThrow(bundle.tensors[0]!.name);
  });
});

function with0(bundle: WebBundle, key: 'tensors' | 'shards', change: object): unknown {
  return { ...bundle, [key]: [{ ...bundle[key][0], ...change }, ...bundle[key].slice(1)] };
}

/** Every module that a file's imports lead to, by value. */
async function importsOf(file: string, found = new Set<string>()): Promise<Set<string>> {
  const source = await readFile(file, 'utf8');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const emitted = ts.transpileModule(source, { compilerOptions: { ...options, verbatimModuleSyntax: true } });
  for (const { fileName } of ts.preProcessFile(emitted.outputText).importedFiles) {
    const path = fileName.startsWith('.') ? join(dirname(file), fileName.replace(/\.js$/, '.ts')) : fileName;
    if (found.has(path)) continue;
    found.add(path);
    if (fileName.startsWith('.')) await importsOf(path, found);
  }
  return found;
}

test('what reads a bundle imports nothing of Node', async () => {
  const found = await importsOf('src/export/web-bundle-format.ts');
  expect([...found].filter((name) => !name.startsWith('src')).sort()).toEqual([
    '@tensorflow/tfjs-core',
    'zod',
  ]);
});
