import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { type Dataset, openDataset } from '../../src/data/folder.js';
import type { HostBatch } from '../../src/gan/batch.js';
import { bothDomains, DOMAINS } from '../../src/gan/domains.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { Batches } from '../../src/train/batches.js';
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
    for (const { same, mixed, drawn } of [batch.A, batch.B]) {
      for (const values of [same, mixed]) {
        expect(values.length).toBe(BATCH * IMAGE);
        expect(values.every((value) => value >= -1 && value <= 1)).toBe(true);
        expect(new Set(values).size, 'an image, not a grey square').toBeGreaterThan(50);
      }
      expect(drawn.length).toBe(BATCH * config.model.latentDim);
    }
    expect(batch.A.drawn).not.toEqual(batch.B.drawn);
  });

  it('pick from drawn and encoded styles without repeats, and permute the encoded ones', async () => {
    const { batches } = await batchesOf(configOf(), [...Array(20).keys()]);
    const seen = new Set<number>();
    for (const { pick, order } of batches.flatMap(({ A, B }) => [A, B])) {
      expect(pick.length).toBe(BATCH);
      expect(new Set(pick).size).toBe(BATCH);
      for (const row of pick) seen.add(row);
      expect([...order].sort()).toEqual([0, 1, 2]);
    }
    expect([...seen].sort()).toEqual([...Array(2 * BATCH).keys()]);
  });

  it('repeat one image of the batch in `same` of each domain, each time warped anew', async () => {
    const plain = (await batchesOf(configOf(unwarped), [0])).batches[0]!;
    for (const { same, mixed } of [plain.A, plain.B]) {
      const [first, ...rest] = images(same);
      for (const image of rest) expect(image).toEqual(first);
      expect(images(mixed).filter((image) => image.every((v, i) => v === first![i])).length).toBe(1);
    }
    const warped = (await batchesOf(configOf(), [0])).batches[0]!;
    const [first, second] = images(warped.A.same);
    expect(second).not.toEqual(first);
  });

  it('contain every image once before any comes again', async () => {
    const { batches } = await batchesOf(configOf({ ...unwarped, training: { batch: 1 } }), [
      ...Array(7).keys(),
    ]);
    const distinct = new Set(batches.map(({ A }) => Buffer.from(A.mixed.buffer).toString('base64')));
    expect(distinct.size).toBe(7);
  });

  it('depend on the seed and the step', async () => {
    const [first, again, reseeded] = await Promise.all([
      batchesOf(configOf(), [0, 1]),
      batchesOf(configOf(), [0, 1]),
      batchesOf(configOf({ training: { seed: 2 } }), [0]),
    ]);
    expect(again.batches).toEqual(first.batches);
    expect(first.batches[1]!.A.drawn).not.toEqual(first.batches[0]!.A.drawn);
    expect(reseeded.batches[0]!.A.drawn).not.toEqual(first.batches[0]!.A.drawn);
    expect(reseeded.batches[0]!.A.mixed).not.toEqual(first.batches[0]!.A.mixed);
  });

  it('draw transforms with their probabilities, without changing the other draws', async () => {
    const adaptiveAugment = { enabled: true };
    const source = new Batches(configOf({ training: { adaptiveAugment } }), dataset);
    const plain = await batchesOf(configOf(), [0, 1]);
    try {
      const first = await source.next(0, { A: 0, B: 1 });
      const second = await source.next(1);
      const inputs = bothDomains((domain) => {
        const { warps: _, colours: __, ...others } = first[domain];
        return others;
      });
      expect(inputs).toEqual(plain.batches[0]);
      const identity = [1, 0, 0, 0, 1, 0];
      // Real images, translations, and the translations of the generators' loss.
      const rowsOf = (values: Float32Array): number[][] =>
        Array.from({ length: 3 * BATCH }, (_, i) => [...values.subarray(6 * i, 6 * i + 6)]);
      const isMoved = rowsOf(first.B.warps!).map((row) => row.some((value, i) => value !== identity[i]));
      expect(isMoved).toEqual(Array(3 * BATCH).fill(true));
      expect(new Set(rowsOf(first.B.warps!).map(String)).size, 'each is drawn separately').toBe(3 * BATCH);
      for (const { warps } of [first.A, second.A, second.B])
        expect(rowsOf(warps!)).toEqual(Array(3 * BATCH).fill(identity));
      for (const domain of DOMAINS) expect(first[domain].colours!.length).toBe(3 * BATCH * 12);
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
