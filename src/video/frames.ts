// Reads and writes raw frames through pipes.
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/**
 * Cuts a stream of raw frames into batches of `batch` frames; the last may have fewer. An incomplete frame at the end is
 * dropped. The next bytes are read only when the consumer is done with a batch.
 * @returns batches `[n * frameBytes]`, each a new array.
 */
export async function* readFrames(
  stream: Readable,
  frameBytes: number,
  batch: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const wholeBytes = frameBytes * batch;
  let frames = new Uint8Array(wholeBytes);
  let filled = 0;
  for await (const piece of stream) {
    let chunk = piece as Uint8Array;
    while (chunk.byteLength > 0) {
      const taken = chunk.subarray(0, wholeBytes - filled);
      frames.set(taken, filled);
      filled += taken.byteLength;
      chunk = chunk.subarray(taken.byteLength);
      if (filled < wholeBytes) continue;
      yield frames;
      frames = new Uint8Array(wholeBytes);
      filled = 0;
    }
  }
  const rest = Math.floor(filled / frameBytes);
  if (rest > 0) yield frames.subarray(0, rest * frameBytes);
}

/**
 * Writes bytes to a pipe and waits until it takes more.
 * @returns false if the other end is closed.
 */
export async function writeFrames(stream: Writable, frames: Uint8Array): Promise<boolean> {
  if (stream.destroyed || stream.writableEnded) return false;
  if (stream.write(frames)) return true;
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]);
  } catch {
    return false;
  } finally {
    settled.abort();
  }
  return !stream.destroyed;
}
