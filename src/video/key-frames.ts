// Lists the key frames of a video.
import { inputFile, type VideoInfo } from './probe.js';
import { outputOf } from './tools.js';

/** The key frames of a video, by their numbers at its constant rate. */
export interface KeyFrames {
  /** In the order of the file. */
  frames: number[];
  /** Number of all frames. */
  total: number;
}

/**
 * Parses what `ffprobe -show_entries packet=pts_time,flags -of csv=p=0` prints.
 * @param startSeconds when the video begins.
 */
export function parseKeyFrames(text: string, startSeconds: number, framesPerSecond: number): KeyFrames {
  const frames: number[] = [];
  let total = 0;
  for (const line of text.split('\n')) {
    const [time = '', flags = ''] = line.trim().split(',');
    const frame = Math.round((Number.parseFloat(time) - startSeconds) * framesPerSecond);
    // Packets with D are decoded and not shown.
    if (!Number.isFinite(frame) || flags.includes('D')) continue;
    total = Math.max(total, frame + 1);
    if (flags.startsWith('K')) frames.push(Math.max(0, frame));
  }
  return { frames, total };
}

/** Lists the key frames of a video, without decoding it. @returns undefined if the file has no times. @throws InterruptedError after `signal`. */
export async function listKeyFrames(
  input: string,
  { index, startSeconds }: VideoInfo,
  framesPerSecond: number,
  signal?: AbortSignal,
): Promise<KeyFrames | undefined> {
  const entries = ['-select_streams', String(index), '-show_entries', 'packet=pts_time,flags'];
  const args = ['-v', 'error', ...entries, '-of', 'csv=p=0', ...inputFile(input)];
  const { stdout } = await outputOf('ffprobe', args, { input, signal });
  const keyFrames = parseKeyFrames(stdout, startSeconds, framesPerSecond);
  return keyFrames.frames.length === 0 ? undefined : keyFrames;
}
