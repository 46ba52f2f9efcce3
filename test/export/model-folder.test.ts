import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSafetensorsHeader } from '../../src/checkpoint/safetensors.js';
import { writeModelFolder } from '../../src/export/model-folder.js';
import { buildGenerator } from '../../src/model/generator.js';
import { readModel } from '../../src/translate/model.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';

const config = tinyConfig({ model: MIN_LAYERS });
const { specs } = buildGenerator(config.model);

/** Numbers of many sizes, for both generators; another network beside them, which no model folder needs. */
function model() {
  const tree = (offset: number) =>
    Object.fromEntries(
      Object.entries(specs).map(([path, { shape }]) => {
        const length = shape.reduce((a, b) => a * b, 1);
        return [path, Float32Array.from({ length }, (_, i) => Math.sin(i + offset) * 10 ** ((i % 7) - 5))];
      }),
    );
  return {
    architecture: config.model,
    values: { G_A2B: tree(0), G_B2A: tree(1), D_A: { weight: new Float32Array(3) } },
  };
}

let folder: string;
let dir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-export-'));
  dir = join(folder, 'model');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a model folder', () => {
  test('gives its model back, within the rounding of float16', async () => {
    const source = model();
    const bytes = await writeModelFolder(dir, source, { config, card: '# A model\n' });
    expect((await readdir(dir)).sort()).toEqual(['README.md', 'config.json', 'model.safetensors']);
    expect((await readFile(join(dir, 'model.safetensors'))).byteLength).toBe(bytes);
    expect(await readFile(join(dir, 'README.md'), 'utf8')).toBe('# A model\n');
    const { architecture, values } = await readModel(dir);
    expect(architecture).toEqual(config.model);
    expect(Object.keys(values)).toEqual(['G_A2B', 'G_B2A']);
    for (const network of ['G_A2B', 'G_B2A'] as const)
      for (const path of Object.keys(specs)) {
        const [written, read] = [source.values[network][path]!, values[network]![path]!];
        expect(read).toHaveLength(written.length);
        // 11 significant bits; below 2^-14 they are fewer.
        for (const [i, value] of written.entries())
          expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual(
            Math.max(Math.abs(value) * 2 ** -11, 2 ** -25),
          );
      }
  });

  test('has only float16 tensors', async () => {
    await writeModelFolder(dir, model(), { config, card: '' });
    const { entries } = await readSafetensorsHeader(join(dir, 'model.safetensors'));
    expect(new Set([...entries.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
  });

  test('is not written if it would be too large, and an earlier one stays', async () => {
    await writeModelFolder(dir, model(), { config, card: 'old' });
    await writeFile(join(dir, 'mark'), '');
    await expect(writeModelFolder(dir, model(), { config, card: 'new', limitBytes: 1000 })).rejects.toThrow(
      /bytes, more than 1000; train with a larger model\.channelDivisor/,
    );
    expect(await readFile(join(dir, 'README.md'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['model']);
    expect(await readdir(dir)).toContain('mark');
  });

  test.each([1e5, Number.NaN])('is not written with a weight of %d', async (value) => {
    const source = model();
    const [path] = Object.keys(specs);
    source.values.G_B2A[path!]![0] = value;
    await expect(writeModelFolder(dir, source, { config, card: '' })).rejects.toThrow(
      `G_B2A/${path} as float16: it holds ${value}`,
    );
    expect(await readdir(folder)).toEqual([]);
  });
});
