import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import type { Config } from '../../../src/config/schema.js';
import { openDataset } from '../../../src/data/folder.js';
import { ImageLoader } from '../../../src/data/loader.js';
import { Sampler } from '../../../src/data/sampler.js';
import { flattenBatch, type HostBatch } from '../../../src/gan/batch.js';
import { type Both, DOMAINS, type Domain } from '../../../src/gan/domains.js';
import { drawSampleDataset } from '../../../src/sample/draw.js';
import { Batches } from '../../../src/train/batches.js';
import { MainThread, type Preparer } from '../../../src/train/preparation/preparer.js';
import { drawStep } from '../../../src/train/preparation/step-draws.js';
import { hasSameBits, plainAugmentation } from '../../support/plain-augment.js';
import { BATCH, batchConfig, PreparationSetup, SIZE } from '../../support/preparation.js';

const setup = PreparationSetup.prepare();

/** The batches of some steps, and the state after them. */
async function batchesOf(
  config: Config,
  steps: number[],
  workers: number,
  state?: ReturnType<Batches['state']>,
): Promise<{ batches: HostBatch[]; state: ReturnType<Batches['state']> }> {
  const source = new Batches(config, setup.dataset, {
    preparer: setup.preparer(workers),
    ...(state && { state }),
  });
  try {
    const batches: HostBatch[] = [];
    for (const step of steps) batches.push(await source.next(step));
    return { batches, state: source.state() };
  } finally {
    await source.close();
  }
}

/** Two batches to the bit. */
function expectSame(batch: HostBatch, other: HostBatch): void {
  const [ours, theirs] = [batch, other].map(flattenBatch<Float32Array | Int32Array>);
  expect(Object.keys(ours!)).toEqual(Object.keys(theirs!));
  for (const [name, values] of Object.entries(ours!))
    expect(hasSameBits(values, theirs![name]!), name).toBe(true);
}

/** A step's images of one domain computed one after the other, by the definition. */
async function imagesByDefinition(
  config: Config,
  domain: Domain,
  steps: number,
): Promise<{ mixed: Float32Array; same: Float32Array }[]> {
  const files = setup.dataset[`train${domain}`];
  const sampler = new Sampler(files.length, new Rng(config.training.seed, `sampler${domain}`));
  const loader = new ImageLoader({ files, size: SIZE, sampler, batch: BATCH, prefetch: 0 });
  const length = SIZE * SIZE * 3;
  const out = [];
  for (let step = 0; step < steps; step++) {
    const { images } = await loader.next();
    const drawn = drawStep(config, step).images[domain];
    const image = (i: number) =>
      Float32Array.from(images.subarray(i * length, (i + 1) * length), (byte) => byte / 127.5 - 1);
    const joined = (list: Float32Array[]) => Float32Array.from(list.flatMap((values) => [...values]));
    out.push({
      mixed: joined(drawn.mixed.map((one, i) => plainAugmentation(image(i), SIZE, one))),
      same: joined(drawn.same.map((one) => plainAugmentation(image(drawn.index), SIZE, one))),
    });
  }
  await loader.close();
  return out;
}

describe('batches prepared by worker threads', () => {
  const steps = [0, 1, 2, 3];
  let expected: Both<Awaited<ReturnType<typeof imagesByDefinition>>>;
  beforeAll(async () => {
    expected = {
      A: await imagesByDefinition(batchConfig(), 'A', steps.length),
      B: await imagesByDefinition(batchConfig(), 'B', steps.length),
    };
  });

  it.each([0, 1, 3])('equal their definition bit for bit with %i workers', async (workers) => {
    const { batches } = await batchesOf(batchConfig(), steps, workers);
    expect(batches).toHaveLength(steps.length);
    for (const [i, batch] of batches.entries()) {
      for (const domain of DOMAINS) {
        const { mixed, same } = batch[domain];
        expect(hasSameBits(mixed, expected[domain][i]!.mixed), `mixed ${domain} ${i}`).toBe(true);
        expect(hasSameBits(same, expected[domain][i]!.same), `same ${domain} ${i}`).toBe(true);
      }
      expect(batch).toMatchObject(drawStep(batchConfig(), i).inputs);
    }
  });

  it.each([0, 1, 3])('continue from any state with %i workers', async (workers) => {
    const config = batchConfig({ training: { adaptiveAugment: { enabled: true } } });
    const steps = [...Array(7).keys()];
    const straight = await batchesOf(config, steps, 0);
    for (const stop of steps) {
      const before = await batchesOf(config, steps.slice(0, stop), workers);
      const after = await batchesOf(config, steps.slice(stop), workers, before.state);
      const all = [...before.batches, ...after.batches];
      for (const [step, batch] of all.entries()) expectSame(batch, straight.batches[step]!);
      expect(after.state).toEqual(straight.state);
    }
  });

  it('can be requested in any order of steps, and by overlapping calls', async () => {
    const steps = [5, 6, 0, 0, 1, 9];
    const { batches } = await batchesOf(batchConfig(), steps, 2);
    const again = new Batches(batchConfig(), setup.dataset, { preparer: setup.preparer(1) });
    const overlapping = await Promise.all(steps.map((step) => again.next(step)));
    await again.close();
    for (const [i, batch] of overlapping.entries()) expectSame(batch, batches[i]!);
    for (const [i, step] of steps.entries()) {
      expect(batches[i]).toMatchObject(drawStep(batchConfig(), step).inputs);
    }
  });

  it('use the probabilities of their own step, however far ahead images are prepared', async () => {
    const config = batchConfig({ training: { adaptiveAugment: { enabled: true } } });
    const source = new Batches(config, setup.dataset, { preparer: setup.preparer(1) });
    await source.next(0, { A: 0, B: 0 });
    const moved = await source.next(1, { A: 1, B: 1 });
    await source.close();
    const alone = new Batches(config, setup.dataset, { preparer: new MainThread() });
    const expectedMoves = await alone.next(1, { A: 1, B: 1 });
    await alone.close();
    for (const domain of DOMAINS) expect(moved[domain].warps).toEqual(expectedMoves[domain].warps);
  });
});

describe('an error in a step that is prepared ahead', () => {
  /** Steps, reports and the error of a run, some of whose files in trainA are damaged. */
  async function reportsOf(bad: number, preparer: Preparer): Promise<string[]> {
    const root = await mkdtemp(join(setup.folder, 'damaged-'));
    await drawSampleDataset({ dir: root, images: 12, testImages: 0, size: SIZE });
    const damaged = await openDataset(root, { requireTest: false });
    for (const file of damaged.trainA.slice(0, bad)) await writeFile(file, 'no image');
    const reports: string[] = [];
    const onBadFile = (file: string) => reports.push(file.slice(root.length));
    const source = new Batches(batchConfig({ training: { batch: 1 } }), damaged, { preparer, onBadFile });
    try {
      for (let step = 0; step < 14; step++) {
        await source.next(step);
        reports.push(`${step}`, JSON.stringify(source.state()));
        // Time for later steps to be prepared, whose errors must not be reported yet.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } catch (error) {
      expect(error).toBeInstanceOf(RunError);
      reports.push((error as Error).message.replaceAll(root, ''), JSON.stringify(source.state()));
      await expect(source.next(99)).rejects.toBe(error);
    } finally {
      await source.close();
    }
    return reports;
  }

  /** The reports of a loader that reads nothing ahead: when a file must be reported, and when there are too many. */
  async function reportsOfLoader(bad: number): Promise<(string | number)[]> {
    const sampler = new Sampler(12, new Rng(batchConfig().training.seed, 'samplerA'));
    const reports: (string | number)[] = [];
    const loader = new ImageLoader({
      files: Array.from({ length: 12 }, (_, i) => String(i)),
      size: 1,
      sampler,
      batch: 1,
      prefetch: 0,
      decode: async (file) => {
        if (Number(file) < bad) throw new Error('damaged');
        return { data: new Uint8Array(3), width: 1, height: 1 };
      },
      onBadFile: () => reports.push('bad'),
    });
    for (let step = 0; step < 14; step++) {
      try {
        await loader.next();
      } catch {
        reports.push('error');
        break;
      }
      reports.push(step);
    }
    await loader.close();
    return reports;
  }

  const outline = (reports: string[]): (string | number)[] =>
    reports.flatMap<string | number>((line) => {
      if (line.startsWith('{')) return [];
      if (/^\d+$/.test(line)) return [Number(line)];
      return line.startsWith('Cannot decode') ? ['error'] : ['bad'];
    });

  it.each([3, 5])('is reported once, at its own step, with %i damaged files', async (bad) => {
    const inMain = await reportsOf(bad, new MainThread());
    expect(outline(inMain)).toEqual(await reportsOfLoader(bad));
    expect(outline(inMain).includes('error')).toBe(bad > 3);
    expect(await reportsOf(bad, setup.preparer(2))).toEqual(inMain);
  });
});
