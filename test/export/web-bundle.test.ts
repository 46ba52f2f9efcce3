import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { filesOf } from '../../src/browser/model-files.js';
import { loadWebModel } from '../../src/browser/web-bundle.js';
import { parseWebBundle, type WebBundle } from '../../src/browser/web-bundle-manifest.js';
import type { ModelConfig } from '../../src/config/schema.js';
import { type ComparisonInputs, comparisonInputs } from '../../src/export/comparison.js';
import type { FolderExport } from '../../src/export/export-task.js';
import { exportWebBundle, SHARD_BYTES } from '../../src/export/web-bundle-export.js';
import { buildGenerator } from '../../src/model/generator.js';
import type { NetworkValues } from '../../src/model/parameters.js';
import { initParameters } from '../../src/model/parameters.js';
import { loadEngine } from '../../src/runtime/node.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';

/** With a layer that is larger than a shard. */
const { model: architecture } = tinyConfig({
  model: {
    ...MIN_LAYERS,
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

/** The exported folder as the page gets it. */
async function files(name: string) {
  const names = await readdir(join(folder, name));
  return filesOf(
    await Promise.all(
      names.map(async (path) => ({ path, file: new Blob([await readFile(join(folder, name, path))]) })),
    ),
  );
}
async function manifest(name: string): Promise<WebBundle> {
  return JSON.parse(await readFile(join(folder, name, 'bundle.json'), 'utf8')) as WebBundle;
}

describe('a web bundle', () => {
  test('has shards of at most 4 MiB, except for a larger tensor', async () => {
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

  test('gives its weights back bit for bit', async () => {
    let progress = [0, 0];
    const { values: read } = await loadWebModel(await files('float32'), {
      onProgress: (done, total = 0) => {
        progress = [done, total];
      },
    });
    expect(progress[0]).toBe(progress[1]);
    expect(progress[0]).toBeGreaterThan(SHARD_BYTES);
    for (const [network, tree] of Object.entries(values))
      for (const [path, data] of Object.entries(tree))
        expect(Buffer.from(read[network]![path]!.buffer).equals(Buffer.from(data.slice().buffer))).toBe(true);
  });

  test('in float16 takes half of the space, and gives its weights back within rounding', async () => {
    const bundle = parseWebBundle(await manifest('float16'));
    const total = (shards: WebBundle['shards']) => shards.reduce((sum, { bytes }) => sum + bytes, 0);
    const whole = total((await manifest('float32')).shards);
    expect(total(bundle.shards) / whole).toBeCloseTo(0.5, 3);
    const { values: read } = await loadWebModel(await files('float16'));
    for (const [path, data] of Object.entries(values.G_B2A!))
      for (const [i, value] of data.entries())
        if (Math.abs(read.G_B2A![path]![i]! - value) > Math.max(Math.abs(value) * 2 ** -11, 2 ** -25))
          expect.fail(`${path}[${i}] is ${read.G_B2A![path]![i]}, not ${value}`);
  });

  test('leaves no files if its export is stopped', async () => {
    const controller = new AbortController();
    const stopped = {
      ...request(architecture, 'stopped'),
      signal: controller.signal,
      onProgress: (done: number, total: number) => done === total - 1 && controller.abort(),
    };
    await expect(exportWebBundle(stopped, 'float16')).rejects.toThrow('the export was stopped');
    expect((await readdir(folder)).filter((name) => name.includes('stopped'))).toEqual([]);
  });
});

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

test('the code that reads a bundle imports nothing from Node', async () => {
  const found = await importsOf('src/browser/web-bundle.ts');
  expect([...found].filter((name) => !name.startsWith('src')).sort()).toEqual([
    '@tensorflow/tfjs-core',
    'zod',
  ]);
});
