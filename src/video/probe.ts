// Reads what ffprobe says about a video file.
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import { lastErrorLines, outputOf } from './tools.js';

/** Longest side of upright frames with square pixels, px, and the most that a pixel may be wider than high, or higher. */
const MAX_SIDE = 16_384;
const MAX_PIXEL_RATIO = 16;

/** A number as a fraction, as frame rates are: 30000/1001. */
export interface Rational {
  numerator: number;
  denominator: number;
}

/** An audio track. */
export interface AudioTrack {
  /** The stream's number in the file. */
  index: number;
  /** ffmpeg's name of the codec: aac, opus, pcm_s16le; undefined if ffmpeg does not know it. */
  codec: string | undefined;
  /** Start in the file's time. */
  startSeconds: number;
}

/** A stream that a translated video does not have. */
export interface OtherStream {
  /** ffmpeg's name of its kind: video, subtitle, data, attachment. */
  kind: string;
  codec: string | undefined;
}

/** How the samples of a video's frames stand for colours; the words are ffmpeg's. */
export interface VideoColour {
  /** Format of the samples, such as yuv420p10le. */
  samples: string;
  /** Matrix between RGB and the samples, such as bt709; undefined if the file does not say. */
  matrix: string | undefined;
  /** Transfer function, such as smpte2084; undefined if the file does not say. */
  transfer: string | undefined;
  /** Primaries, such as bt2020; undefined if the file does not say. */
  primaries: string | undefined;
}

/** What a video file says about itself. */
export interface VideoInfo {
  /** Number of the video stream in the file. */
  index: number;
  /** ffmpeg's name of the video's codec. */
  codec: string | undefined;
  colour: VideoColour;
  /** Whether frames consist of two fields of different times. */
  isInterlaced: boolean;
  /** Whether the file has opacity that only some decoders read, as VP8 and VP9 do. */
  hasHiddenAlpha: boolean;
  /** Start of each frame, seconds from the first; undefined for a constant rate. */
  frameSeconds: readonly number[] | undefined;
  /** Size of the upright frames with square pixels, px. */
  extent: Extent;
  /** Width of a pixel over its height. */
  pixelRatio: number;
  /** Mean frame rate. */
  averageRate: Rational | undefined;
  /** The rate of which all times are multiples; far above the mean if frames come irregularly. */
  baseRate: Rational | undefined;
  /** Duration of the video stream; undefined if the file does not say. */
  seconds: number | undefined;
  /** Frames that the file claims to have; undefined if it does not say. */
  frames: number | undefined;
  /** Start of the video stream in the file's time. */
  startSeconds: number;
  /** Start of the first stream. */
  fileStartSeconds: number;
  audio: AudioTrack[];
  others: OtherStream[];
  /** Number of chapters. */
  chapters: number;
}

const text = z.string().optional();
const streamShape = z.looseObject({
  index: z.number(),
  codec_type: text,
  codec_name: text,
  width: z.number().optional(),
  height: z.number().optional(),
  pix_fmt: text,
  color_space: text,
  color_transfer: text,
  color_primaries: text,
  field_order: text,
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
  chapters: z.array(z.unknown()).default([]),
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

/** Parses two positive whole numbers as ffmpeg writes them, `30000/1001`. @returns undefined for anything else, 0/0 too. */
export function parseRational(value: string | undefined): Rational | undefined {
  const match = /^(\d+)\/(\d+)$/.exec(value ?? '');
  const [numerator, denominator] = [Number(match?.[1]), Number(match?.[2])];
  return numerator > 0 && denominator > 0 ? { numerator, denominator } : undefined;
}

/** Parses `00:01:02.5`, as in Matroska's DURATION tags, to seconds. @returns undefined for anything else. */
export function parseClock(value: string | undefined): number | undefined {
  const match = /^(\d+):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(value ?? '');
  if (match === null) return undefined;
  const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
  return seconds > 0 ? seconds : undefined;
}

type Stream = z.infer<typeof streamShape>;

/** @returns a name of ffmpeg's, or undefined where it stands for nothing. */
function known(name: string | undefined): string | undefined {
  return name === undefined || ['unknown', 'unspecified', 'none', 'reserved'].includes(name)
    ? undefined
    : name;
}

function colourOf(stream: Stream): VideoColour {
  return {
    samples: stream.pix_fmt ?? '',
    matrix: known(stream.color_space),
    transfer: known(stream.color_transfer),
    primaries: known(stream.color_primaries),
  };
}

function pixelRatioOf({ sample_aspect_ratio: ratio }: Stream): number {
  const shape = parseRational(ratio?.replace(':', '/'));
  return shape ? shape.numerator / shape.denominator : 1;
}

/** @returns the size of upright frames: pixels that are not square are widened, a quarter turn swaps the sides. */
function extentOf(stream: Stream): Extent {
  const { width = 0, height = 0, side_data_list: side } = stream;
  const wide = Math.max(1, Math.round(width * pixelRatioOf(stream)));
  const turn = side?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  return Math.abs(turn) % 180 === 90 ? { width: height, height: wide } : { width: wide, height };
}

/**
 * Parses what `ffprobe -show_streams -show_format -of json` prints.
 * @returns undefined if it has no moving picture.
 */
export function parseProbe(json: string): VideoInfo | undefined {
  const { streams, chapters, format } = probeShape.parse(JSON.parse(json));
  // To ffmpeg, images are videos of one frame; GIF and APNG really are videos.
  if (/(^|,)(\w+_pipe|image2)(,|$)/.test(format.format_name ?? '')) return undefined;
  const video = streams.find(
    ({ codec_type: type, disposition, width = 0, height = 0 }) =>
      type === 'video' && !disposition?.attached_pic && width > 0 && height > 0,
  );
  if (video === undefined) return undefined;
  const startSeconds = finite(video.start_time);
  // Matroska's tag has the end, not the duration.
  const endSeconds = parseClock(video.tags?.DURATION);
  const tagSeconds = endSeconds === undefined ? undefined : Math.max(0, endSeconds - startSeconds);
  return {
    index: video.index,
    codec: known(video.codec_name),
    colour: colourOf(video),
    isInterlaced: ['tt', 'bb', 'tb', 'bt'].includes(video.field_order ?? ''),
    hasHiddenAlpha: video.tags?.alpha_mode === '1' || video.tags?.ALPHA_MODE === '1',
    frameSeconds: undefined,
    extent: extentOf(video),
    pixelRatio: pixelRatioOf(video),
    averageRate: parseRational(video.avg_frame_rate),
    baseRate: parseRational(video.r_frame_rate),
    seconds: positive(video.duration) ?? tagSeconds,
    frames: positive(video.nb_frames),
    startSeconds,
    fileStartSeconds: finite(format.start_time),
    audio: streams.flatMap(({ index, codec_type: type, codec_name: codec, start_time: start }) =>
      type === 'audio' ? [{ index, codec: known(codec), startSeconds: finite(start) }] : [],
    ),
    others: streams
      .filter((stream) => stream !== video && stream.codec_type !== 'audio')
      .map(({ codec_type: kind = 'data', codec_name: codec, disposition }) => ({
        kind: disposition?.attached_pic ? 'cover image' : kind,
        codec: known(codec),
      })),
    chapters: chapters.length,
  };
}

/** Formats whose files contain all that they show, some of them audio alone; names that an ffmpeg lacks do no harm. */
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
 * @returns the options of ffmpeg that read this file and no other. A list of files (ffconcat, HLS, DASH) under a video's
 * name would make ffmpeg open what it lists, other files of this machine too: only formats without such lists are read.
 */
export function inputFile(path: string): string[] {
  return ['-protocol_whitelist', 'file,pipe', '-format_whitelist', FORMATS.join(), '-i', `file:${path}`];
}

/** @returns the size that a file claims for its frames, where nobody's memory would hold them; undefined otherwise. */
export function excessiveSize({
  extent,
  pixelRatio,
}: Pick<VideoInfo, 'extent' | 'pixelRatio'>): string | undefined {
  const { width, height } = extent;
  const isLarge = Math.max(width, height) > MAX_SIDE;
  if (!isLarge && Math.max(pixelRatio, 1 / pixelRatio) <= MAX_PIXEL_RATIO) return undefined;
  const shape =
    pixelRatio === 1 ? '' : `, by pixels that are ${Number(pixelRatio.toPrecision(3))} times as wide as high`;
  return `frames of ${width} x ${height} px${shape}`;
}

/**
 * Reads what a video file says about itself.
 * @throws InputError if it is missing or unreadable, claims frames above 16,384 px, or without ffprobe; InterruptedError
 *   after `signal`.
 */
export async function probeVideo(path: string, signal?: AbortSignal): Promise<VideoInfo> {
  const reject = (found: string, remedy: string): InputError =>
    new InputError({ expected: `a video at ${path}`, found, remedy });
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw reject('nothing', 'check the path');
  if (!info.isFile())
    throw reject(info.isDirectory() ? 'a folder' : 'something that is not a file', 'name a file');
  if (info.size === 0) throw reject('an empty file', 'name another file');
  const args = [
    '-v',
    'error',
    '-show_streams',
    '-show_chapters',
    '-show_format',
    '-of',
    'json',
    ...inputFile(path),
  ];
  const { code, stdout, stderr } = await outputOf('ffprobe', args, { input: path, signal });
  if (/not on whitelist/i.test(stderr))
    throw reject(
      'an image, a list of files, or another format that is not read as a video',
      'name a video, such as .mp4, .mov, .mkv or .webm; gnr translate takes images',
    );
  if (code !== 0) {
    const reason = lastErrorLines(stderr, 2).replace(`file:${path}: `, '');
    throw reject(
      `a file that ffprobe cannot read (${reason})`,
      'name a video that players show; a video without its end may have lost its index',
    );
  }
  const video = parseProbe(stdout);
  if (video === undefined)
    throw reject('a file without a moving picture', 'name a video; gnr translate takes images');
  const excess = excessiveSize(video);
  if (excess !== undefined)
    throw reject(
      excess,
      `name a video of at most ${MAX_SIDE} px; ffmpeg -i FILE -c copy -aspect 16:9 NEW.mp4 corrects a wrong shape of pixels`,
    );
  return video;
}
