import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import { lastErrorLines, outputOf } from './tools.js';

/** A number as a fraction, as frame rates are: 30000/1001. */
export interface Rational {
  numerator: number;
  denominator: number;
}

/** A track of sound. */
export interface AudioTrack {
  /** The stream's number in the file. */
  index: number;
  /** As ffmpeg names it: aac, opus, pcm_s16le. */
  codec: string;
  /** When it begins, in the file's time. */
  startSeconds: number;
}

/** What a video file says of itself. */
export interface VideoInfo {
  /** Of the picture's stream: its number in the file. */
  index: number;
  /** Of the upright frames with square pixels, px. */
  extent: Extent;
  /** Mean frame rate. */
  averageRate: Rational | undefined;
  /** The rate that all of its times are multiples of; far above the mean where frames come irregularly. */
  baseRate: Rational | undefined;
  /** Of the picture's stream; undefined where the file does not say. */
  seconds: number | undefined;
  /** Frames that the file claims to have; undefined where it does not say. */
  frames: number | undefined;
  /** When the picture begins, in the file's time. */
  startSeconds: number;
  /** When the first stream begins. */
  fileStartSeconds: number;
  audio: AudioTrack[];
}

const text = z.string().optional();
const streamShape = z.looseObject({
  index: z.number(),
  codec_type: text,
  codec_name: text,
  width: z.number().optional(),
  height: z.number().optional(),
  sample_aspect_ratio: text,
  side_data_list: z.array(z.looseObject({ rotation: z.number().optional() })).optional(),
  avg_frame_rate: text,
  r_frame_rate: text,
  start_time: text,
  duration: text,
  nb_frames: text,
  disposition: z.looseObject({ attached_pic: z.number().optional() }).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
const probeShape = z.looseObject({
  streams: z.array(streamShape).default([]),
  format: z.looseObject({ format_name: text, start_time: text, duration: text }).default({}),
});

function positive(value: string | undefined): number | undefined {
  const number = Number(value);
  return value !== undefined && Number.isFinite(number) && number > 0 ? number : undefined;
}

function finite(value: string | undefined): number {
  const number = Number(value);
  return Number.isFinite(number) ? number : 0;
}

/** Two positive whole numbers as ffmpeg writes them, `30000/1001`; undefined for 0/0 and anything else. */
export function parseRational(value: string | undefined): Rational | undefined {
  const match = /^(\d+)\/(\d+)$/.exec(value ?? '');
  const [numerator, denominator] = [Number(match?.[1]), Number(match?.[2])];
  return numerator > 0 && denominator > 0 ? { numerator, denominator } : undefined;
}

/** `00:01:02.5` in seconds, as Matroska's DURATION tags have it; undefined for anything else. */
export function parseClock(value: string | undefined): number | undefined {
  const match = /^(\d+):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(value ?? '');
  if (match === null) return undefined;
  const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  return seconds > 0 ? seconds : undefined;
}

type Stream = z.infer<typeof streamShape>;

/** Pixels that are not square are widened; a quarter turn swaps the sides. */
function extentOf({
  width = 0,
  height = 0,
  sample_aspect_ratio: ratio,
  side_data_list: side,
}: Stream): Extent {
  const shape = parseRational(ratio?.replace(':', '/'));
  const wide = Math.max(1, Math.round(shape ? (width * shape.numerator) / shape.denominator : width));
  const turn = side?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  return Math.abs(turn) % 180 === 90 ? { width: height, height: wide } : { width: wide, height };
}

/**
 * Reads what `ffprobe -show_streams -show_format -of json` prints.
 * @returns undefined where there is no moving picture in it.
 */
export function parseProbe(json: string): VideoInfo | undefined {
  const { streams, format } = probeShape.parse(JSON.parse(json));
  // Pictures are videos of one frame to ffmpeg; GIF and APNG really are videos.
  if (/(^|,)(\w+_pipe|image2)(,|$)/.test(format.format_name ?? '')) return undefined;
  const video = streams.find(
    ({ codec_type: type, disposition, width = 0, height = 0 }) =>
      type === 'video' && !disposition?.attached_pic && width > 0 && height > 0,
  );
  if (video === undefined) return undefined;
  const startSeconds = finite(video.start_time);
  // Matroska's tag tells the end.
  const endSeconds = parseClock(video.tags?.DURATION);
  const tagSeconds = endSeconds === undefined ? undefined : Math.max(0, endSeconds - startSeconds);
  return {
    index: video.index,
    extent: extentOf(video),
    averageRate: parseRational(video.avg_frame_rate),
    baseRate: parseRational(video.r_frame_rate),
    seconds: positive(video.duration) ?? tagSeconds,
    frames: positive(video.nb_frames),
    startSeconds,
    fileStartSeconds: finite(format.start_time),
    audio: streams.flatMap(({ index, codec_type: type, codec_name: codec, start_time: start }) =>
      type === 'audio' && codec !== undefined && codec !== 'none'
        ? [{ index, codec, startSeconds: finite(start) }]
        : [],
    ),
  };
}

/** Formats whose files hold all that they show, and some of sound alone; a name that an ffmpeg lacks does no harm. */
const FORMATS = [
  ...[
    'mov',
    'matroska',
    'avi',
    'mpegts',
    'mpeg',
    'flv',
    'gif',
    'apng',
    'ogg',
    'asf',
    'mxf',
    'nut',
    'rm',
    'dv',
  ],
  ...['ivf', 'obu', 'av1', 'h264', 'hevc', 'm4v', 'mpegvideo', 'mjpeg', 'yuv4mpegpipe', 'gxf', 'wtv'],
  ...['mp3', 'wav', 'flac', 'aac'],
];

/**
 * The options that read a file and nothing else. A list of files (ffconcat, HLS, DASH) under a video's name would make
 * ffmpeg open what it lists, other files of this machine too: only formats without such lists are read.
 */
export function inputFile(path: string): string[] {
  return ['-protocol_whitelist', 'file,pipe', '-format_whitelist', FORMATS.join(), '-i', `file:${path}`];
}

/** What a video file says of itself. @throws InputError where there is none, none that can be read, or no ffprobe. */
export async function probeVideo(path: string): Promise<VideoInfo> {
  const refuse = (found: string, remedy: string): InputError =>
    new InputError({ expected: `a video at ${path}`, found, remedy });
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw refuse('nothing', 'check the path');
  if (!info.isFile())
    throw refuse(info.isDirectory() ? 'a folder' : 'something that is no file', 'name a file');
  if (info.size === 0) throw refuse('an empty file', 'name another file');
  const args = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', ...inputFile(path)];
  const { code, stdout, stderr } = await outputOf('ffprobe', args);
  if (/not on whitelist/i.test(stderr))
    throw refuse(
      'a picture, a list of files, or another format that is read as no video',
      'name a video, such as .mp4, .mov, .mkv or .webm; gnr translate takes pictures',
    );
  if (code !== 0) {
    const reason = lastErrorLines(stderr, 2).replace(`file:${path}: `, '');
    throw refuse(
      `a file that ffprobe cannot read (${reason})`,
      'name a video that players show; one whose end is missing may have lost its index',
    );
  }
  const video = parseProbe(stdout);
  if (video === undefined)
    throw refuse('a file without a moving picture', 'name a video; gnr translate takes pictures');
  return video;
}
