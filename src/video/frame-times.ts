// Finds out when the frames of a video are shown, where the file's own statements contradict each other.
import { InterruptedError } from '../base/errors.js';
import { inputFile, type Rational, type VideoInfo } from './probe.js';
import { startTool, threadOptions } from './tools.js';

/** A higher rate is the clock of a file, not its frame rate. */
export const MAX_RATE = 250;
/** Times are rounded to milliseconds in WebM and FLV. */
const ROUNDING_SECONDS = 0.0011;
/** Frame rates of cameras and editing programs. */
const COMMON_RATES: readonly Rational[] = [
  ...[10, 12, 15, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 240].map((rate) => [rate, 1]),
  ...[24000, 30000, 60000, 120000].map((rate) => [rate, 1001]),
].map(([numerator, denominator]) => ({ numerator: numerator!, denominator: denominator! }));
/** Frames and their share that may be missing or more where durations are rounded. */
const SLACK_FRAMES = 3;
const SLACK = 0.02;
/** Time between frames when there is only one. */
const DEFAULT_SECONDS = 1 / 25;

/** @returns a rate as a number. */
export const perSecond = ({ numerator, denominator }: Rational): number => numerator / denominator;

const isRate = (rate: Rational | undefined): rate is Rational =>
  rate !== undefined && perSecond(rate) <= MAX_RATE;

/** @returns the rate on which the file's statements agree over the whole video; undefined if they do not. */
export function statedRate({ averageRate, baseRate, seconds }: VideoInfo): Rational | undefined {
  if (!isRate(averageRate) || !isRate(baseRate)) return undefined;
  const framesApart = Math.abs(perSecond(baseRate) - perSecond(averageRate)) * (seconds ?? 60);
  return framesApart < 0.5 ? baseRate : undefined;
}

/**
 * @returns a function that gives the time of each frame, seconds, and for the number of all frames the end of the video.
 * Frames that the file did not announce follow at its mean rate.
 */
export function secondsOf(
  { frameSeconds, seconds = 0 }: Pick<VideoInfo, 'frameSeconds' | 'seconds'>,
  framesPerSecond: number,
): (frame: number) => number {
  if (frameSeconds === undefined) return (frame) => frame / framesPerSecond;
  const count = frameSeconds.length;
  const end = Math.max(seconds, frameSeconds[count - 1]!);
  return (frame) => frameSeconds[frame] ?? end + (frame - count) / framesPerSecond;
}

/** @returns the middle value of the steps between times; a default without any. */
function medianStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, i) => time - times[i]!);
  const positive = steps.filter((step) => step > 0).sort((a, b) => a - b);
  return positive[positive.length >> 1] ?? DEFAULT_SECONDS;
}

/**
 * @param times as a decoder gives them; NaN where it has none.
 * @returns times from 0 on that grow from frame to frame. A time that is missing or goes back, as where recordings were
 *   joined, follows the one before by the usual step, and so do the times after it.
 */
export function growingTimes(times: readonly number[]): number[] {
  const step = medianStep(times.filter(Number.isFinite));
  let shift = 0;
  let last = Number.NaN;
  return times.map((time, i) => {
    if (i === 0) {
      shift = Number.isFinite(time) ? -time : 0;
      last = 0;
      return last;
    }
    if (!Number.isFinite(time)) last += step;
    else {
      if (time + shift <= last) shift = last + step - time;
      last = time + shift;
    }
    return last;
  });
}

/** @returns the constant rate of which all times are, but for rounding; undefined if there is none. */
export function constantRate(
  times: readonly number[],
  candidates: readonly (Rational | undefined)[] = [],
): Rational | undefined {
  const last = times.at(-1) ?? 0;
  if (times.length < 2 || last <= 0) return undefined;
  const mean = { numerator: Math.round(((times.length - 1) / last) * 1000), denominator: 1000 };
  return [...candidates.filter(isRate), ...COMMON_RATES, mean].find(
    (rate) =>
      rate.numerator > 0 &&
      isRate(rate) &&
      times.every((time, i) => Math.abs(time - i / perSecond(rate)) < ROUNDING_SECONDS),
  );
}

export interface FrameTimesOptions {
  signal?: AbortSignal | undefined;
  /** Called with the number of frames whose time is known. */
  onProgress?: ((frames: number) => void) | undefined;
}

/** What ffprobe lists with a time each: frames, which it decodes, or packets, which are near to frames. */
const TIMES = { frame: 'frame=best_effort_timestamp_time', packet: 'packet=pts_time' } as const;

/** @returns the time of each frame or packet in the order of the file, seconds; NaN where it has none. */
async function listTimes(
  of: keyof typeof TIMES,
  path: string,
  { index }: VideoInfo,
  { signal, onProgress }: FrameTimesOptions,
): Promise<number[]> {
  const probe = startTool('ffprobe', [
    ...['-v', 'error', ...threadOptions(), '-select_streams', String(index), '-show_entries', TIMES[of]],
    ...['-of', 'csv=p=0', ...inputFile(path)],
  ]);
  probe.stdin.end();
  const kill = (): void => probe.kill();
  signal?.addEventListener('abort', kill, { once: true });
  const times: number[] = [];
  let rest = '';
  try {
    for await (const chunk of probe.stdout.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== '') times.push(Number.parseFloat(line));
      onProgress?.(times.length);
    }
    await probe.end;
  } finally {
    signal?.removeEventListener('abort', kill);
    kill();
  }
  if (signal?.aborted) throw new InterruptedError('stopped while reading the times of the frames');
  return times;
}

/** Whether so many frames in so many seconds are those of a constant rate. */
function fits(rate: Rational, frames: number, seconds: number): boolean {
  return Math.abs(frames - seconds * perSecond(rate)) <= SLACK_FRAMES + SLACK * frames;
}

/**
 * Whether the rate that a file states is that of its frames. A false one would have each frame repeated or left out, a
 * thousand times a second for a day if the file says so. Where the file does not count its frames, its packets are listed.
 */
async function isTrueRate(
  rate: Rational,
  info: VideoInfo,
  path: string,
  { signal }: FrameTimesOptions,
): Promise<boolean> {
  const { frames, seconds } = info;
  if (frames !== undefined && seconds !== undefined && fits(rate, frames, seconds)) return true;
  const times = (await listTimes('packet', path, info, { signal })).filter(Number.isFinite);
  if (times.length < 2) return true;
  // Not the stated duration: the end of the file may be missing.
  const [first, last] = times.reduce(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  return fits(rate, times.length - 1, last - first);
}

/**
 * Completes what a file says about its frame rate. Where its statements agree with each other and with the file, no frame
 * is read. Where they do not (phones, screen recordings, GIF, what browsers record), the whole video is decoded once for
 * the times of its frames.
 * @returns the information with one rate for all frames, or with the start of each frame.
 * @throws InterruptedError after `signal`.
 */
export async function withFrameTimes(
  info: VideoInfo,
  path: string,
  options: FrameTimesOptions = {},
): Promise<VideoInfo> {
  const stated = statedRate(info);
  if (stated !== undefined && (await isTrueRate(stated, info, path, options))) return info;
  const times = growingTimes(await listTimes('frame', path, info, options));
  if (times.length < 2) return info;
  const frames = times.length;
  const rate = constantRate(times, [info.baseRate, info.averageRate]);
  if (rate !== undefined)
    return { ...info, frames, seconds: frames / perSecond(rate), averageRate: rate, baseRate: rate };
  const last = times.at(-1)!;
  // A fraction of thousandths is near enough for a mean.
  const mean = { numerator: Math.max(1, Math.round(((frames - 1) / last) * 1000)), denominator: 1000 };
  const seconds = Math.max(info.seconds ?? 0, last + medianStep(times));
  return { ...info, frames, seconds, averageRate: mean, baseRate: mean, frameSeconds: times };
}
