// Makes and measures videos with ffmpeg.
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether this machine has ffmpeg with common encoders. Tests that need it are skipped elsewhere. */
export const HAS_FFMPEG =
  spawnSync('ffprobe', ['-version']).status === 0 &&
  String(spawnSync('ffmpeg', ['-v', 'error', '-encoders']).stdout).includes('libx264');

/** Runs ffmpeg with arguments, of which the last is a file's name in `folder`. @returns the file's path. */
export async function ffmpeg(folder: string, ...words: string[]): Promise<string> {
  const path = join(folder, words.pop()!);
  await run('ffmpeg', ['-v', 'error', '-y', ...words, path]);
  return path;
}

/** The arguments for a source that ffmpeg draws. */
export const lavfi = (source: string): string[] => ['-f', 'lavfi', '-i', source];

export interface Measured {
  frames: number;
  seconds: number;
  width: number;
  height: number;
  rate: string;
  /** Codecs of the audio tracks. */
  audio: string[];
  comment: string | undefined;
}

/** Measures the content of a video file, counting its frames. */
export async function measure(path: string): Promise<Measured> {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-count_frames', '-show_streams', '-show_format', '-of', 'json', path],
  ]);
  const { streams, format } = JSON.parse(stdout) as {
    streams: Record<string, string | number>[];
    format: { duration: string; tags?: Record<string, string> };
  };
  const video = streams.find(({ codec_type: type }) => type === 'video')!;
  return {
    frames: Number(video.nb_read_frames),
    seconds: Number(format.duration),
    width: Number(video.width),
    height: Number(video.height),
    rate: String(video.avg_frame_rate),
    audio: streams.flatMap(({ codec_type: type, codec_name: name }) =>
      type === 'audio' ? [String(name)] : [],
    ),
    comment: format.tags?.comment ?? format.tags?.COMMENT,
  };
}
