import { InputError, InterruptedError } from '../base/errors.js';
import { findBeats } from './beats.js';
import { FIRST_ONSET_SECONDS, ONSET_SAMPLE_RATE, ONSETS_PER_SECOND, OnsetMeter } from './onsets.js';
import { inputFile, type VideoInfo } from './probe.js';
import { lastComplaints, startTool } from './tools.js';

const FLOAT_BYTES = 4;

export interface AudioBeatsOptions {
  signal?: AbortSignal;
  /** Is told how many seconds of sound have been listened to. */
  onProgress?: (seconds: number) => void;
}

/** The samples of a track, mixed to one channel, as they come. */
async function listen(path: string, track: number, meter: OnsetMeter, options: AudioBeatsOptions) {
  const { signal, onProgress } = options;
  const decoder = startTool('ffmpeg', [
    ...['-nostdin', '-v', 'error', ...inputFile(path), '-map', `0:${track}`],
    ...['-ac', '1', '-ar', String(ONSET_SAMPLE_RATE), '-f', 'f32le', 'pipe:1'],
  ]);
  decoder.stdin.end();
  let rest = Buffer.alloc(0);
  let samples = 0;
  try {
    for await (const piece of decoder.stdout) {
      if (signal?.aborted) throw new InterruptedError('stopped while listening for beats');
      const bytes = Buffer.concat([rest, piece as Uint8Array]);
      const count = Math.floor(bytes.byteLength / FLOAT_BYTES);
      // A copy of its own lies at a multiple of four bytes.
      meter.add(new Float32Array(new Uint8Array(bytes.subarray(0, count * FLOAT_BYTES)).buffer));
      rest = bytes.subarray(count * FLOAT_BYTES);
      samples += count;
      onProgress?.(samples / ONSET_SAMPLE_RATE);
    }
  } finally {
    decoder.kill();
  }
  return { samples, ...(await decoder.end) };
}

/**
 * Beats in the first track of sound of a video, in seconds from the start of its picture; those before it are left out.
 * @throws InputError where it has no sound, or none that can be decoded; InterruptedError.
 */
export async function audioBeats(
  path: string,
  info: VideoInfo,
  options: AudioBeatsOptions = {},
): Promise<number[]> {
  const [track] = info.audio;
  const refuse = (found: string): InputError =>
    new InputError({
      expected: `sound to find beats in at ${path}`,
      found,
      remedy: 'leave --beats out, or change styles by --style-seconds',
    });
  if (track === undefined) throw refuse('a video without sound');
  const meter = new OnsetMeter();
  const { samples, complaints } = await listen(path, track.index, meter, options);
  if (samples === 0) throw refuse(`none that can be decoded (${lastComplaints(complaints)})`);
  const delay = track.startSeconds - info.startSeconds + FIRST_ONSET_SECONDS;
  return findBeats(meter.strengths(), ONSETS_PER_SECOND)
    .map((step) => step / ONSETS_PER_SECOND + delay)
    .filter((seconds) => seconds >= 0);
}
