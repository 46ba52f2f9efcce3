import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { removeLeftovers, replaceEntry } from '../base/atomic-files.js';
import { InputError, InterruptedError, RunError } from '../base/errors.js';
import {
  bytesOf,
  type FrameChange,
  FrameTranslator,
  type FrameTranslatorOptions,
} from './frame-translator.js';
import { readFrames, writeFrames } from './frames.js';
import type { VideoPlan } from './plan.js';
import { lastErrorLines, noFrames, type RunningTool, startTool } from './tools.js';

/** Frames translated together. */
export const FRAMES_TOGETHER = 8;

export interface TranslateVideoOptions extends FrameTranslatorOptions {
  /** Of `planVideo`, for the same input and output. */
  plan: VideoPlan;
  input: string;
  output: string;
  /** Frames translated together; FRAMES_TOGETHER where it is left out. */
  batch?: number;
  signal?: AbortSignal;
  /** Is told how many frames are translated by now. */
  onProgress?: (frames: number) => void;
}

export interface TranslatedVideo {
  frames: number;
  change: FrameChange;
  /** What the decoder found wrong; null where nothing was. */
  decoderErrors: string | null;
  /** Whether the input ended before its time, or the decoder gave up. */
  isTruncated: boolean;
  /** From the start of the decoder to the finished file. */
  wallSeconds: number;
}

/** Fewer frames than this below the expected ones are the rounding of rates and durations. */
const frameSlack = (expected: number): number => 2 + expected * 0.01;

/** Whole frames that are held together at most, bytes: of large ones fewer are translated together. */
const BATCH_BYTES = 2 ** 26;

/** Frames through the network into the encoder, until there are no more or the encoder takes no more. */
async function pump(
  decoder: RunningTool,
  encoder: RunningTool,
  frames: FrameTranslator,
  options: TranslateVideoOptions,
): Promise<void> {
  const { plan, signal, onProgress, batch = FRAMES_TOGETHER } = options;
  const frameBytes = bytesOf(plan.input);
  const fitting = Math.max(1, Math.min(batch, Math.floor(BATCH_BYTES / frameBytes)));
  for await (const batchOfFrames of readFrames(decoder.stdout, frameBytes, fitting)) {
    stopIfAsked(options, frames.frames);
    if (!(await writeFrames(encoder.stdin, frames.translate(batchOfFrames)))) return;
    onProgress?.(frames.frames);
  }
  if (signal?.aborted) stopIfAsked(options, frames.frames);
  encoder.stdin.end();
}

function stopIfAsked({ signal, plan, output }: TranslateVideoOptions, frames: number): void {
  if (!signal?.aborted) return;
  const all = plan.expectedFrames === undefined ? '' : ` of ${plan.expectedFrames}`;
  throw new InterruptedError(`stopped after ${frames}${all} frames; ${output} was not written`);
}

/** Makes the video at `target`, which nobody looks at before it is whole. */
async function makeVideo(target: string, options: TranslateVideoOptions): Promise<TranslatedVideo> {
  const { plan, input, output, signal } = options;
  const begun = performance.now();
  const frames = new FrameTranslator(options);
  const decoder = startTool('ffmpeg', plan.decoderArgs);
  decoder.stdin.end();
  const encoder = startTool('ffmpeg', plan.encoderArgs(target));
  const kill = (): void => {
    decoder.kill();
    encoder.kill();
  };
  signal?.addEventListener('abort', kill, { once: true });
  try {
    await pump(decoder, encoder, frames, options);
    const encoded = await encoder.end;
    stopIfAsked(options, frames.frames);
    if (encoded.code !== 0 && frames.frames > 0)
      throw new RunError(
        `Cannot write ${output}: ffmpeg stopped (${withoutTarget(encoded.stderr, target, output)}). What was there before is kept.`,
      );
    const decoded = await decoder.end;
    if (frames.frames === 0) throw noFrames(input, decoded.stderr);
    const expected = plan.expectedFrames;
    const isShort = expected !== undefined && frames.frames < expected - frameSlack(expected);
    const endsEarly = expected === undefined && /prematurely|partial file|truncat/i.test(decoded.stderr);
    return {
      frames: frames.frames,
      change: frames.change(),
      decoderErrors: decoded.stderr === '' ? null : lastErrorLines(decoded.stderr),
      isTruncated: decoded.code !== 0 || isShort || endsEarly,
      wallSeconds: (performance.now() - begun) / 1000,
    };
  } catch (error) {
    // A pipe that breaks because somebody asked to stop is no failure.
    stopIfAsked(options, frames.frames);
    throw error;
  } finally {
    signal?.removeEventListener('abort', kill);
    kill();
    await Promise.allSettled([decoder.end, encoder.end]);
  }
}

function withoutTarget(stderr: string, target: string, output: string): string {
  return lastErrorLines(stderr.replaceAll(target, output));
}

/** @throws InputError where the output would take the place of its own input, or of a folder. */
export async function checkOutput(input: string, output: string): Promise<void> {
  const there = await stat(output).catch(() => undefined);
  if (there?.isDirectory())
    throw new InputError({
      expected: '--out to be the name of a file',
      found: `the folder ${output}`,
      remedy: 'add a name, such as anime.mp4',
    });
  const [from, to] = await Promise.all([input, output].map((path) => realpath(path).catch(() => undefined)));
  if (from === undefined || from !== to) return;
  throw new InputError({
    expected: '--out to be another file than the input',
    found: `${output} for both`,
    remedy: 'give it another name',
  });
}

/**
 * Translates a video frame by frame: one ffmpeg decodes into a pipe, the network works on batches, another ffmpeg
 * encodes from a pipe; each waits for the next, and no more than a few batches are in memory. The file appears under its
 * name when it is whole; until then, and after an error or an interruption, what was there stays.
 * @returns what was done; where the input is cut short, the output has what could be decoded, and `isTruncated` tells.
 * @throws InputError where nothing can be decoded, or ffmpeg is missing; RunError where the encoder fails;
 *   InterruptedError.
 */
export async function translateVideo(options: TranslateVideoOptions): Promise<TranslatedVideo> {
  let result: TranslatedVideo | undefined;
  await checkOutput(options.input, options.output);
  const output = resolve(options.output);
  // Of a translation that was killed.
  await removeLeftovers(dirname(output), basename(output));
  await replaceEntry(options.output, async (target) => {
    result = await makeVideo(target, options);
    const handle = await open(target, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
  return result!;
}
