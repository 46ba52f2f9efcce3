import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readFrames, writeFrames } from '../../src/video/frames.js';

async function batchesOf(chunks: number[][], frameBytes: number, batch: number): Promise<number[][]> {
  const batches: number[][] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const frames of readFrames(stream, frameBytes, batch)) batches.push([...frames]);
  return batches;
}

describe('readFrames', () => {
  it.each([
    [[[1, 2, 3, 4, 5, 6, 7, 8]]],
    [[[1], [2, 3], [4, 5, 6], [7, 8]]],
    [[[1, 2, 3], [], [4, 5, 6, 7, 8]]],
  ])('cuts %j into batches, however the bytes are split', async (chunks) => {
    expect(await batchesOf(chunks, 2, 2)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  it('yields the rest as a smaller batch, without an incomplete frame', async () => {
    expect(await batchesOf([[1, 2, 3, 4, 5, 6, 7]], 2, 2)).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    expect(await batchesOf([[1]], 2, 2)).toEqual([]);
    expect(await batchesOf([], 2, 2)).toEqual([]);
  });

  it('yields arrays that later frames do not overwrite', async () => {
    const kept: Uint8Array[] = [];
    for await (const frames of readFrames(Readable.from([Buffer.from([1, 2, 3])]), 1, 1)) kept.push(frames);
    expect(kept.map(([value]) => value)).toEqual([1, 2, 3]);
  });

  it('reads no further ahead than the next batch', async () => {
    let made = 0;
    const stream = Readable.from(
      (function* () {
        for (; made < 1000; made++) yield Buffer.alloc(10);
      })(),
      { objectMode: true, highWaterMark: 1 },
    );
    const frames = readFrames(stream, 10, 2);
    await frames.next();
    expect(made).toBeLessThan(10);
    await frames.return(undefined);
  });
});

describe('writeFrames', () => {
  it('waits until the stream accepts more', async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    let isWritten = false;
    const writing = writeFrames(stream, Buffer.alloc(100)).then((value) => {
      isWritten = true;
      return value;
    });
    await new Promise(setImmediate);
    expect(isWritten).toBe(false);
    stream.resume();
    expect(await writing).toBe(true);
  });

  it('returns false if the stream is closed, before and while it waits', async () => {
    const stream = new Writable({ highWaterMark: 1, write: () => undefined });
    stream.on('error', () => undefined);
    const writing = writeFrames(stream, Buffer.alloc(100));
    stream.destroy(new Error('EPIPE'));
    expect(await writing).toBe(false);
    expect(await writeFrames(stream, Buffer.alloc(1))).toBe(false);
  });
});
