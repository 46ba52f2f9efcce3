import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError, RunError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { decodeImage, encodePng } from '../../src/data/decode.js';
import { ImageLoader, type ImageLoaderOptions } from '../../src/data/loader.js';
import { Sampler } from '../../src/data/sampler.js';

const SIZE = 2;
const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}.png`);
/** What the images of a file hold. */
const numberOf = (file: string) => Number.parseInt(file, 10) % 251;
const sampler = (count: number) => new Sampler(count, new Rng(4, 'loader'));

/** An image that holds the number in its file's name; files in `bad` fail. Answers come late and out of order. */
function fakeDecode(options: { bad?: ReadonlySet<string>; delaySeed?: number } = {}) {
  const rng = new Rng(options.delaySeed ?? 0);
  return vi.fn(async (file: string) => {
    if (options.delaySeed !== undefined) await sleep(rng.integer(6));
    if (options.bad?.has(file)) throw new Error(`bad ${file}`);
    const data = new Uint8Array(SIZE * SIZE * 3).fill(numberOf(file));
    return { data, width: SIZE, height: SIZE };
  });
}

function make(count: number, options: Partial<ImageLoaderOptions> = {}): ImageLoader {
  return new ImageLoader({
    files: names(count),
    size: SIZE,
    sampler: sampler(count),
    batch: 3,
    decode: fakeDecode(),
    ...options,
  });
}

async function take(loader: ImageLoader, batches: number): Promise<string[][]> {
  const out: string[][] = [];
  for (let i = 0; i < batches; i++) {
    const { images, files } = await loader.next();
    const numbers = files.map((_, slot) => images[slot * SIZE * SIZE * 3]);
    expect(numbers).toEqual(files.map(numberOf));
    out.push(files);
  }
  return out;
}

describe('ImageLoader', () => {
  it('loads batches in the order of the sampler', async () => {
    const expected = sampler(10);
    const loader = make(10);
    for (let i = 0; i < 12; i++) {
      const [files] = await take(loader, 1);
      expect(files).toEqual([...expected.next(3)].map((index) => `${index}.png`));
      expect(loader.state()).toEqual(expected.state());
    }
    await loader.close();
  });

  it.each([0, 1, 2, 5])(
    'gives the same batches whatever the timing, with %i read ahead',
    async (prefetch) => {
      const expected = await take(make(11, { prefetch: 0 }), 14);
      for (const delaySeed of [1, 2]) {
        const loader = make(11, { prefetch, cacheBytes: 5 * 12, decode: fakeDecode({ delaySeed }) });
        expect(await take(loader, 14)).toEqual(expected);
        await loader.close();
      }
    },
  );

  it('continues from the state of the delivered batches without repeating or skipping any', async () => {
    const bad = new Set(['3.png', '4.png']);
    const whole = await take(make(11, { decode: fakeDecode({ bad }) }), 20);
    for (const cut of [0, 1, 3, 4, 9]) {
      const first = make(11, { prefetch: 4, decode: fakeDecode({ bad, delaySeed: 3 }) });
      const before = await take(first, cut);
      const state = JSON.parse(JSON.stringify(first.state()));
      await first.close();
      const second = make(11, { sampler: Sampler.fromState(state), decode: fakeDecode({ bad }) });
      expect([...before, ...(await take(second, 20 - cut))]).toEqual(whole);
      await second.close();
    }
  });

  it('decodes ahead while the caller works, up to the limit', async () => {
    const decode = fakeDecode();
    const loader = make(30, { prefetch: 2, decode });
    expect(decode).toHaveBeenCalledTimes(0);
    await loader.next();
    await vi.waitFor(() => expect(decode).toHaveBeenCalledTimes(9));
    await sleep(5);
    expect(decode).toHaveBeenCalledTimes(9);
    await loader.close();
  });

  it.each([
    [2, 8],
    [256, 8],
    [1024, 5],
    [4000, 2],
  ])('reads batches of four images of %i px ahead: %i', async (size, ahead) => {
    // Decoding never ends, so that nothing of that size is made.
    const decode = vi.fn(() => new Promise<never>(() => undefined));
    const loader = make(400, { size, batch: 4, decode });
    void loader.next();
    await vi.waitFor(() => expect(decode).toHaveBeenCalledTimes(4 * (1 + ahead)));
  });

  it('answers overlapping calls in order', async () => {
    const expected = await take(make(11), 6);
    const loader = make(11, { decode: fakeDecode({ delaySeed: 9 }) });
    const batches = await Promise.all(Array.from({ length: 6 }, () => loader.next()));
    expect(batches.map(({ files }) => files)).toEqual(expected);
    await loader.close();
  });

  it('decodes a file once while the cache holds it', async () => {
    const cached = fakeDecode();
    await take(make(9, { cacheBytes: 9 * 12, decode: cached }), 12);
    expect(cached).toHaveBeenCalledTimes(9);
    const uncached = fakeDecode();
    await take(make(9, { prefetch: 0, decode: uncached }), 12);
    expect(uncached).toHaveBeenCalledTimes(36);
  });

  it('returns copies of images, so changes by the caller do not affect later batches', async () => {
    const loader = make(3, { cacheBytes: 1000 });
    (await loader.next()).images.fill(77);
    await take(loader, 3);
    await loader.close();
  });

  it('peeks at the images of coming batches without delivering them', async () => {
    const all = await take(make(11), 6);
    const loader = make(11, { prefetch: 0, decode: fakeDecode({ delaySeed: 4 }) });
    const before = loader.state();
    const shown = await Promise.all([3, 0, 1].map((index) => loader.peek(index)));
    expect(loader.state()).toEqual(before);
    const firstBytes = (images: Uint8Array | undefined) =>
      [0, 1, 2].map((slot) => images![slot * SIZE * SIZE * 3]);
    expect(shown.map(firstBytes)).toEqual([3, 0, 1].map((batch) => all[batch]!.map(numberOf)));
    shown[1]!.fill(77);
    expect(await take(loader, 1)).toEqual(all.slice(0, 1));
    await loader.skip();
    const straight = sampler(11);
    for (let i = 0; i < 2; i++) straight.next(3);
    expect(loader.state()).toEqual(straight.state());
    expect(firstBytes(await loader.peek(1))).toEqual(all[3]!.map(numberOf));
    expect(await take(loader, 4)).toEqual(all.slice(2));
    await loader.close();
    expect(await loader.peek(0)).toBeUndefined();
    await expect(loader.skip()).rejects.toThrow('closed');
  });

  it('fills batches that are larger than the set', async () => {
    const [files] = await take(make(2, { batch: 5 }), 1);
    expect(files).toHaveLength(5);
    expect(new Set(files)).toEqual(new Set(['0.png', '1.png']));
  });

  it('rejects a sampler that was made for another set', () => {
    expect(() => make(5, { sampler: sampler(6) })).toThrow(InputError);
    expect(() => make(5, { sampler: sampler(6) })).toThrow(/the 6 images .* found 5; restore the dataset/);
  });

  it('stops decoding when it is closed', async () => {
    const decode = fakeDecode({ delaySeed: 1 });
    const loader = make(30, { decode });
    await loader.next();
    await loader.close();
    const calls = decode.mock.calls.length;
    await expect(loader.next()).rejects.toThrow('closed');
    expect(decode).toHaveBeenCalledTimes(calls);
  });
});

describe('ImageLoader with files that cannot be decoded', () => {
  it('peeks at nothing of a batch with missing images, and reports no failure before its delivery', async () => {
    const onBadFile = vi.fn();
    const bad = new Set(names(6));
    const loader = make(6, { decode: fakeDecode({ bad }), onBadFile });
    expect(await loader.peek(0)).toBeUndefined();
    expect(onBadFile).not.toHaveBeenCalled();
    await expect(loader.skip()).rejects.toThrow(RunError);
    expect(onBadFile).toHaveBeenCalled();
    expect(await loader.peek(0)).toBeUndefined();
  });

  it('replaces a bad file by the next good one, and reports each bad file once', async () => {
    const bad = new Set(['2.png', '3.png', '9.png']);
    const onBadFile = vi.fn();
    const decode = fakeDecode({ bad, delaySeed: 5 });
    const loader = make(10, { batch: 5, onBadFile, decode, prefetch: 3 });
    const plain = sampler(10);
    const stand: Record<number, number> = { 2: 4, 3: 4, 9: 0 };
    for (const files of await take(loader, 8)) {
      expect(files).toEqual([...plain.next(5)].map((index) => `${stand[index] ?? index}.png`));
    }
    expect(onBadFile.mock.calls.map(([file]) => file).sort()).toEqual([...bad]);
    expect(onBadFile.mock.calls[0]![1]).toBeInstanceOf(Error);
    const triedBad = decode.mock.calls.filter(([file]) => bad.has(file));
    expect(triedBad).toHaveLength(3);
    await loader.close();
  });

  it('reports bad files in the same order for any timing', async () => {
    const bad = new Set(names(400).filter((_, i) => i % 100 === 7));
    const orders = [];
    for (const delaySeed of [1, 2]) {
      const onBadFile = vi.fn();
      const loader = make(400, { batch: 40, onBadFile, decode: fakeDecode({ bad, delaySeed }), prefetch: 4 });
      await take(loader, 10);
      orders.push(onBadFile.mock.calls.map(([file]) => file));
      await loader.close();
    }
    expect(orders[0]).toHaveLength(4);
    expect(orders[1]).toEqual(orders[0]);
  });

  it.each([
    [600, 6, true],
    [600, 7, false],
    [50, 3, true],
    [50, 4, false],
    [3, 2, true],
    [3, 3, false],
    [1, 1, false],
  ])('decides whether a set of %i files may lose %i: %s', async (count, badCount, isAllowed) => {
    const bad = new Set(names(count).filter((_, i) => i < badCount));
    const loader = make(count, { decode: fakeDecode({ bad }), cacheBytes: 1e6 });
    const epoch = take(loader, Math.ceil(count / 3) + 2);
    if (isAllowed) {
      await epoch;
    } else {
      const error = await epoch.then(
        () => expect.unreachable('was accepted'),
        (reason: Error) => reason,
      );
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toContain(`Cannot decode ${badCount} of the ${count} images: `);
      expect(error.message).toMatch(/\d\.png \(bad \d\.png\).*Replace or remove them/);
      await expect(loader.next()).rejects.toBe(error);
    }
    await loader.close();
  });

  it('keeps the state of the last delivered batch when it fails', async () => {
    const loader = make(50, { decode: fakeDecode({ bad: new Set(names(50)) }) });
    const before = loader.state();
    await expect(loader.next()).rejects.toThrow(RunError);
    expect(loader.state()).toEqual(before);
    await loader.close();
  });
});

describe('ImageLoader on files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gnr-loader-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('decodes, resizes and crops files, and skips a text file named .png', async () => {
    const files = names(8).map((name) => join(folder, name));
    for (const [i, file] of files.entries()) {
      const data = Uint8Array.from({ length: 12 * 9 * 3 }, (_, at) => (at * 7 + i * 31) % 256);
      await encodePng({ data, width: 12, height: 9 }, file);
    }
    await writeFile(files[5]!, 'no image');
    const onBadFile = vi.fn();
    const loader = new ImageLoader({
      files,
      size: 6,
      sampler: sampler(8),
      batch: 4,
      cacheBytes: 500,
      onBadFile,
    });
    for (let round = 0; round < 4; round++) {
      const batch = await loader.next();
      expect(batch.images).toHaveLength(4 * 6 * 6 * 3);
      for (const [slot, file] of batch.files.entries()) {
        const { data } = await decodeImage(file, { size: 6 });
        expect(batch.images.subarray(slot * 108, slot * 108 + 108)).toEqual(data);
      }
    }
    expect(onBadFile).toHaveBeenCalledTimes(1);
    expect(onBadFile.mock.calls[0]![0]).toBe(files[5]);
    expect(onBadFile.mock.calls[0]![1]).toBeInstanceOf(InputError);
    await loader.close();
  });

  /** A loader over one image a folder, in `set/0`, `set/1` and so on. */
  async function spread(count: number, onBadFile = vi.fn()): Promise<ImageLoader> {
    const data = new Uint8Array(SIZE * SIZE * 3);
    const files = names(count).map((name, i) => join(folder, 'set', String(i), name));
    for (const file of files) {
      await mkdir(dirname(file), { recursive: true });
      await encodePng({ data, width: SIZE, height: SIZE }, file);
    }
    return new ImageLoader({ files, size: SIZE, sampler: sampler(count), batch: 2, prefetch: 1, onBadFile });
  }

  it('reports once that the folder is gone, without naming files', async () => {
    const onBadFile = vi.fn();
    const loader = await spread(20, onBadFile);
    await loader.next();
    await rename(join(folder, 'set'), join(folder, 'moved'));
    // What was decoded ahead is still delivered.
    await loader.next();
    const before = loader.state();
    const gone = `The dataset is gone: there is no folder ${join(folder, 'set')} any more. Put it back`;
    for (let i = 0; i < 2; i++) await expect(loader.next()).rejects.toThrow(gone);
    expect(loader.state()).toEqual(before);
    expect(onBadFile).not.toHaveBeenCalled();
    await loader.close();
  });

  it('counts missing files as bad files while the folder exists', async () => {
    const onBadFile = vi.fn();
    const loader = await spread(20, onBadFile);
    for (const i of [3, 4]) await rm(join(folder, 'set', String(i)), { recursive: true });
    for (let i = 0; i < 10; i++) await loader.next();
    expect(onBadFile).toHaveBeenCalledTimes(2);
    for (const i of [5, 6]) await rm(join(folder, 'set', String(i)), { recursive: true });
    const epoch = Promise.all(Array.from({ length: 12 }, () => loader.next()));
    await expect(epoch).rejects.toThrow('Cannot decode 4 of the 20 images: ');
    await loader.close();
  });
});
