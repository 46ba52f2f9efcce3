// Pipes a video through ffmpeg, the network and ffmpeg again.
import { open, realpath, stat } from 'node:fs/promises';
import { replaceFile } from '../base/atomic-files.js';
import { InputError, InterruptedError, RunError } from '../base/errors.js';
import { removeLeftoversOf } from '../base/leftovers.js';
import { gatherInOrder, handOut } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';
import type { Direction, Translator } from '../translate/translator.js';
import {
  bytesOf,
  type FrameChange,
  FrameTranslator,
  type FrameTranslatorOptions,
  type StylingJob,
  styleImages,
} from './frame-translator.js';
import { readFrames, writeFrames } from './frames.js';
import type { VideoPlan } from './plan.js';
import { frameHeader, streamHeader } from './timed-frames.js';
import { lastErrorLines, noFrames, type RunningTool, startTool } from './tools.js';

/** Frames translated together. */
export const FRAMES_TOGETHER = 8;

/** How `translateVideo` translates. */
export interface TranslateVideoOptions extends FrameTranslatorOptions {
  /** Made by `planVideo` for the same input and output. */
  plan: VideoPlan;
  input: string;
  output: string;
  /** Frames translated together; FRAMES_TOGETHER by default. */
  batch?: number;
  signal?: AbortSignal;
  /** Ranks that share the frames: the others call `helpTranslateVideo`. One by default. */
  world?: World;
  /** Called with the number of frames translated so far. */
  onProgress?: (frames: number) => void;
}

/** What `translateVideo` did. */
export interface TranslatedVideo {
  frames: number;
  change: FrameChange;
  /** The decoder's last error lines; null if it wrote none. */
  decoderErrors: string | null;
  /** Whether the input ended early, or the decoder gave up. */
  isTruncated: boolean;
  /** From the start of the decoder to the finished file. */
  wallSeconds: number;
}

/** Frames that may be missing because rates and durations are rounded. */
const frameSlack = (expected: number): number => 2 + expected * 0.01;

/** Most bytes of the frames of a batch: batches of large frames are smaller. */
const MAX_BATCH_BYTES = 2 ** 26;

async function* nothing(): AsyncGenerator<never, void> {}

/** What the jobs of rank 0 give, in order; only rank 0 gets it. */
function styleShared(
  jobs: (signal: AbortSignal | undefined) => AsyncGenerator<StylingJob, void>,
  {
    translator,
    direction,
    world = SOLO,
    signal,
  }: { translator: Translator; direction: Direction; world?: World; signal?: AbortSignal },
): AsyncGenerator<Uint8Array[], void> {
  const share = async function* (either: AbortSignal | undefined) {
    for await (const job of handOut(world, jobs(either)))
      yield job && styleImages(job, translator, direction);
  };
  return gatherInOrder(world, signal, share, { to: 'first' });
}

/** Translates this rank's batches of the video that rank 0 translates with `translateVideo`. @throws InterruptedError after `signal`. */
export async function helpTranslateVideo(options: {
  translator: Translator;
  direction: Direction;
  world: World;
  signal?: AbortSignal;
}): Promise<void> {
  for await (const _ of styleShared(nothing, options));
}

/** Passes frames through the network into the encoder, until there are no more or the encoder takes no more. */
async function pump(
  decoder: RunningTool,
  encoder: RunningTool,
  frames: FrameTranslator,
  options: TranslateVideoOptions,
): Promise<void> {
  const { plan, signal, onProgress, batch = FRAMES_TOGETHER } = options;
  const frameBytes = bytesOf(plan.input);
  const batchFrames = Math.max(1, Math.min(batch, Math.floor(MAX_BATCH_BYTES / frameBytes)));
  // Once the encoder takes no more, the other ranks get no more frames either; all leave the loop together.
  let takesMore =
    !plan.isTimed || (await writeFrames(encoder.stdin, streamHeader(plan.canvas, 1 / plan.framesPerSecond)));
  const jobs = async function* (either: AbortSignal | undefined) {
    for await (const batchOfFrames of readFrames(decoder.stdout, frameBytes, batchFrames)) {
      stopIfAsked(options, frames.frames, either);
      if (!takesMore) return;
      yield frames.prepare(batchOfFrames);
    }
  };
  for await (const styled of styleShared(jobs, options)) {
    if (!takesMore) continue;
    const first = frames.frames;
    const translated = frames.finish(styled);
    const bytes = plan.isTimed ? withTimes(translated, first, plan) : translated;
    takesMore = await writeFrames(encoder.stdin, bytes);
    if (takesMore) onProgress?.(frames.frames);
  }
  if (signal?.aborted) stopIfAsked(options, frames.frames);
  encoder.stdin.end();
}

/** Puts its time before each frame. @param first the number of the first frame. */
function withTimes(frames: Uint8Array, first: number, { canvas, secondsAt }: VideoPlan): Uint8Array {
  const bytes = bytesOf(canvas);
  return Buffer.concat(
    Array.from({ length: frames.length / bytes }, (_, i) => {
      const seconds = secondsAt(first + i);
      return [
        frameHeader(bytes, seconds, secondsAt(first + i + 1) - seconds),
        frames.subarray(i * bytes, (i + 1) * bytes),
      ];
    }).flat(),
  );
}

function stopIfAsked({ signal, plan, output }: TranslateVideoOptions, frames: number, either = signal): void {
  if (!either?.aborted) return;
  const all = plan.expectedFrames === undefined ? '' : ` of ${plan.expectedFrames}`;
  throw new InterruptedError(`stopped after ${frames}${all} frames; ${output} was not written`);
}

/** Writes the video to `target`, a temporary file. */
async function writeVideo(target: string, options: TranslateVideoOptions): Promise<TranslatedVideo> {
  const { plan, input, output, signal } = options;
  const startedAt = performance.now();
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
      wallSeconds: (performance.now() - startedAt) / 1000,
    };
  } catch (error) {
    // A pipe that breaks after a request to stop is not a failure.
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

/** @throws InputError if the output is its own input, or a folder. */
export async function checkOutput(input: string, output: string): Promise<void> {
  const existing = await stat(output).catch(() => undefined);
  if (existing?.isDirectory())
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
 * encodes from a pipe; each waits for the next, and only a few batches are in memory. The file appears under its name
 * when it is complete; until then, and after an error or an interruption, an earlier file stays.
 * @returns what was done. If the input is cut short, the output has what could be decoded, and `isTruncated` is true.
 * @throws InputError if nothing can be decoded, or ffmpeg is missing; RunError if the encoder fails; InterruptedError
 *   after `signal`.
 */
export async function translateVideo(options: TranslateVideoOptions): Promise<TranslatedVideo> {
  let translated: TranslatedVideo | undefined;
  await checkOutput(options.input, options.output);
  // A translation that was killed may have left a temporary file.
  await removeLeftoversOf(options.output);
  await replaceFile(options.output, async (target) => {
    translated = await writeVideo(target, options);
    const handle = await open(target, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
  return translated!;
}
