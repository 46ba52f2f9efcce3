import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/eval/evaluate.js';
import type { Receipt } from '../../../src/eval/receipt.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { drawSampleDataset } from '../../../src/sample/draw.js';

const IMAGES = 24;
const PROTOCOL = {
  name: 'own',
  styles: { perInput: 3 },
  metrics: { spectrum: {}, relativeDiversity: {}, landmarks: {}, factors: {} },
};

let folder = '';
const receipts = {} as Record<'A2B' | 'B2A', Receipt>;
beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-sample-metrics-'));
  const data = join(folder, 'data');
  await drawSampleDataset({ dir: data, images: 2 * IMAGES, testImages: IMAGES, size: 64, seed: 8 });
  for (const direction of ['A2B', 'B2A'] as const) {
    const protocol = join(folder, `${direction}.json`);
    await writeFile(protocol, JSON.stringify({ ...PROTOCOL, direction }));
    const baselines = ['identity', 'random-target', 'real-split'] as const;
    receipts[direction] = (await evaluate({ data, fakes: [], baselines: [...baselines], protocol })).receipt;
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function figureOf(direction: 'A2B' | 'B2A', method: string, key: string) {
  const { figures, left } = receipts[direction].methods.find(({ name }) => name === method)!;
  return figures.find((figure) => figure.key === key) ?? left;
}
const measured = (direction: 'A2B' | 'B2A', method: string, key: string): number =>
  (figureOf(direction, method, key) as { value: number }).value;

describe.each(['A2B', 'B2A'] as const)('on baselines of the sample dataset, %s', (direction) => {
  it('landmarks find the features of inputs and of real images in their places, and those of random targets elsewhere', () => {
    for (const method of ['identity', 'real-split']) {
      expect(measured(direction, method, 'landmarks/within5')).toBeGreaterThan(0.75);
      expect(measured(direction, method, 'landmarks/median')).toBeLessThan(2.7);
    }
    expect(measured(direction, 'random-target', 'landmarks/found')).toBeGreaterThan(0.95);
    expect(measured(direction, 'random-target', 'landmarks/within5')).toBeLessThan(0.1);
    expect(measured(direction, 'random-target', 'landmarks/mean')).toBeGreaterThan(15);
  });

  it('factors correlate with inputs and real images, and not with random targets', () => {
    for (const key of ['factors/x', 'factors/y', 'factors/scale']) {
      for (const method of ['identity', 'real-split'])
        expect(measured(direction, method, key)).toBeGreaterThan(0.9);
      expect(Math.abs(measured(direction, 'random-target', key))).toBeLessThan(0.5);
    }
  });

  it('the spectrum of real images is nearer to real ones than that of the inputs', () => {
    const other = measured(direction, 'identity', 'spectrum');
    for (const method of ['random-target', 'real-split'])
      expect(measured(direction, method, 'spectrum')).toBeLessThan(other / 2);
  });

  it('relative diversity is 0 for copies, near 1 for random targets, and has no value for single outputs', () => {
    expect(measured(direction, 'identity', 'relative-diversity')).toBe(0);
    const random = measured(direction, 'random-target', 'relative-diversity');
    expect(random).toBeGreaterThan(0.85);
    expect(random).toBeLessThan(1.15);
    expect(figureOf(direction, 'real-split', 'relative-diversity')).toContainEqual({
      metric: 'relativeDiversity',
      why: 'there is only one output of each input, so there are no pairs',
    });
  });
});

it('receipts name the weights of the landmark network', () => {
  expect(figureOf('A2B', 'identity', 'landmarks/found')).toMatchObject({
    how: expect.stringMatching(/models\/landmarks \(SHA-256 [0-9a-f]{12}\.\.\.\)/),
  });
});
