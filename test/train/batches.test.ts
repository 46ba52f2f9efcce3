import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { type Dataset, openDataset } from '../../src/data/folder.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { Batches } from '../../src/train/batches.js';
import type { HostBatch } from '../../src/train/trainer.js';
import { tinyConfig } from '../support/config.js';

const BATCH = 3;
const IMAGE = 32 * 32 * 3;

let folder: string;
let dataset: Dataset;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-batches-'));
  await drawSampleDataset({ dir: join(folder, 'data'), images: 7, testImages: 0, size: 32 });
  dataset = await openDataset(join(folder, 'data'), { requireTest: false });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configOf = (changes: PartialConfig = {}): Config =>
  tinyConfig({ ...changes, training: { batch: BATCH, ...changes.training } });
const unwarped: PartialConfig = { data: { augment: { probability: 0, resizeRatio: 1, flipProbability: 0 } } };

/** The batches of some steps, from a new start or from a state. */
async function batchesOf(
  config: Config,
  steps: number[],
  state?: ReturnType<Batches['state']>,
): Promise<{ batches: HostBatch[]; state: ReturnType<Batches['state']> }> {
  const source = new Batches(config, dataset, state && { state });
  try {
    const batches: HostBatch[] = [];
    for (const step of steps) batches.push(await source.next(step));
    return { batches, state: source.state() };
  } finally {
    await source.close();
  }
}

const images = (values: Float32Array): Float32Array[] =>
  Array.from({ length: values.length / IMAGE }, (_, i) => values.subarray(i * IMAGE, (i + 1) * IMAGE));

describe('Batches', () => {
  it('have images in [-1, 1], and the right number of styles', async () => {
    const config = configOf();
    const { batches } = await batchesOf(config, [0]);
    const batch = batches[0]!;
    for (const name of ['sameA', 'sameB', 'mixedA', 'mixedB'] as const) {
      expect(batch[name].length).toBe(BATCH * IMAGE);
      expect(batch[name].every((value) => value >= -1 && value <= 1)).toBe(true);
      expect(new Set(batch[name]).size, 'an image, not a grey square').toBeGreaterThan(50);
    }
    for (const name of ['drawnA2B', 'drawnB2A'] as const)
      expect(batch[name].length).toBe(BATCH * config.model.latentDim);
    expect(batch.drawnA2B).not.toEqual(batch.drawnB2A);
  });

  it('pick from drawn and encoded styles without repeats, and permute the encoded ones', async () => {
    const { batches } = await batchesOf(configOf(), [...Array(20).keys()]);
    const seen = new Set<number>();
    for (const { pickA2B, pickB2A, orderA, orderB } of batches) {
      for (const pick of [pickA2B, pickB2A]) {
        expect(pick.length).toBe(BATCH);
        expect(new Set(pick).size).toBe(BATCH);
        for (const row of pick) seen.add(row);
      }
      for (const order of [orderA, orderB]) expect([...order].sort()).toEqual([0, 1, 2]);
    }
    expect([...seen].sort()).toEqual([...Array(2 * BATCH).keys()]);
  });

  it('repeat one image of the batch in sameA and sameB, each time warped anew', async () => {
    const plain = (await batchesOf(configOf(unwarped), [0])).batches[0]!;
    for (const [same, mixed] of [
      [plain.sameA, plain.mixedA],
      [plain.sameB, plain.mixedB],
    ] as const) {
      const [first, ...rest] = images(same);
      for (const image of rest) expect(image).toEqual(first);
      expect(images(mixed).filter((image) => image.every((v, i) => v === first![i])).length).toBe(1);
    }
    const warped = (await batchesOf(configOf(), [0])).batches[0]!;
    const [first, second] = images(warped.sameA);
    expect(second).not.toEqual(first);
  });

  it('contain every image once before any comes again', async () => {
    const { batches } = await batchesOf(configOf({ ...unwarped, training: { batch: 1 } }), [
      ...Array(7).keys(),
    ]);
    const distinct = new Set(batches.map(({ mixedA }) => Buffer.from(mixedA.buffer).toString('base64')));
    expect(distinct.size).toBe(7);
  });

  it('depend on the seed and the step', async () => {
    const [first, again, reseeded] = await Promise.all([
      batchesOf(configOf(), [0, 1]),
      batchesOf(configOf(), [0, 1]),
      batchesOf(configOf({ training: { seed: 2 } }), [0]),
    ]);
    expect(again.batches).toEqual(first.batches);
    expect(first.batches[1]!.drawnA2B).not.toEqual(first.batches[0]!.drawnA2B);
    expect(reseeded.batches[0]!.drawnA2B).not.toEqual(first.batches[0]!.drawnA2B);
    expect(reseeded.batches[0]!.mixedA).not.toEqual(first.batches[0]!.mixedA);
  });

  it('draw transforms with their probabilities, without changing the other draws', async () => {
    const adaptiveAugment = { enabled: true };
    const source = new Batches(configOf({ training: { adaptiveAugment } }), dataset);
    const plain = await batchesOf(configOf(), [0, 1]);
    try {
      const first = await source.next(0, { A: 0, B: 1 });
      const second = await source.next(1);
      const { warps, colours, ...inputs } = first;
      expect(inputs).toEqual(plain.batches[0]);
      const identity = [1, 0, 0, 0, 1, 0];
      const rowsOf = (values: Float32Array): number[][] =>
        Array.from({ length: 6 * BATCH }, (_, i) => [...values.subarray(6 * i, 6 * i + 6)]);
      const isMoved = rowsOf(warps!).map((row) => row.some((value, i) => value !== identity[i]));
      // Real and generated images of A, of B, then the generators' batches of each.
      expect(isMoved).toEqual([0, 0, 1, 1, 0, 1].flatMap((moved) => Array<boolean>(BATCH).fill(moved === 1)));
      expect(new Set(rowsOf(warps!).map(String)).size, 'each is drawn separately').toBe(3 * BATCH + 1);
      expect(rowsOf(second.warps!)).toEqual(Array(6 * BATCH).fill(identity));
      expect(colours!.length).toBe(6 * BATCH * 12);
    } finally {
      await source.close();
    }
  });

  it('continue from their state as if they had never stopped, whatever was read ahead', async () => {
    const steps = [0, 1, 2, 3, 4, 5];
    const straight = await batchesOf(configOf(), steps);
    const before = await batchesOf(configOf(), steps.slice(0, 2));
    const after = await batchesOf(configOf(), steps.slice(2), JSON.parse(JSON.stringify(before.state)));
    expect([...before.batches, ...after.batches]).toEqual(straight.batches);
    expect(after.state).toEqual(straight.state);
  });
});
