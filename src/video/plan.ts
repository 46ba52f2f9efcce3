// Plans ffmpeg's work: containers, codecs, rates, sizes and arguments.
import { InputError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import { containerOf } from './containers.js';
import { type FramePart, type Frames, frameFilters, SCALING } from './decoder-filters.js';
import { MAX_RATE, perSecond, secondsOf, statedRate } from './frame-times.js';
import { inputFile, type Rational, type VideoInfo } from './probe.js';
import { type PlannedTrack, type TrackFate, trackOptions } from './sound.js';
import { type Ffmpeg, threadOptions } from './tools.js';

/** Visually near lossless settings of each video encoder. */
const QUALITY: Readonly<Record<string, readonly string[]>> = {
  libx264: ['-preset', 'veryfast', '-crf', '17'],
  libopenh264: ['-b:v', '4M'],
  mpeg4: ['-q:v', '2'],
  'libvpx-vp9': ['-crf', '24', '-b:v', '0', '-row-mt', '1', '-deadline', 'realtime', '-cpu-used', '6'],
  libvpx: ['-crf', '8', '-b:v', '4M', '-deadline', 'realtime', '-cpu-used', '6'],
};
/** A program takes 128 kB in a single argument; hundreds of styles would be more. */
const MAX_COMMENT_CHARACTERS = 32_768;
/** Unit of the times of frames that come irregularly: a fraction of a second that all encoders take. */
const TIMES_PER_SECOND = 60_000;

/**
 * The frame rate of the output: the one on which the file's statements agree, or else the mean.
 * @throws InputError if the file has no frame rate.
 */
export function outputRate(info: VideoInfo, path: string): Rational {
  const rate =
    statedRate(info) ??
    [info.averageRate, info.baseRate].find((stated) => stated !== undefined && perSecond(stated) <= MAX_RATE);
  if (rate !== undefined) return rate;
  throw new InputError({
    expected: `a frame rate in ${path}`,
    found: 'none that makes sense',
    remedy: 'give it one first: ffmpeg -i FILE -r 25 NEW.mp4',
  });
}

/** @returns the frames that the output should have; undefined if the file has no duration. */
export function expectedFrames({ seconds, frames }: VideoInfo, rate: Rational): number | undefined {
  return seconds === undefined ? frames : Math.max(1, Math.round(seconds * perSecond(rate)));
}

/** What ffmpeg has to do, and the sizes on the way. */
export interface VideoPlan {
  rate: Rational;
  framesPerSecond: number;
  expectedFrames: number | undefined;
  /** Size of the frames that the decoder gives, px. */
  input: Extent;
  /** Size of the frames that the encoder takes, px. */
  canvas: Extent;
  /** Size of the output video, px. */
  output: Extent;
  decoderArgs: string[];
  encoderArgs: (target: string) => string[];
  /** Whether the encoder takes frames with a time each, as `timed-frames.ts` wraps them, and not one after the other. */
  isTimed: boolean;
  /** @returns when a frame is shown, seconds from the first one. */
  secondsAt: (frame: number) => number;
  /** What becomes of each audio track. */
  audio: TrackFate[];
  /** What is done to the frames beside scaling, each a phrase. */
  conversions: string[];
  /** What a user should know of them, each a sentence. */
  notices: string[];
}

export interface PlanOptions {
  input: string;
  output: string;
  /** Side of the model's images, px. */
  modelPx: number;
  /** Cells in each row of the output: 3 for the mosaic. */
  cells: 1 | 3;
  /** Side of the output, px; an even number. */
  outputPx?: number | undefined;
  /** Size of the frames, px; by default the decoder gives centred squares of the model's size. */
  whole?: Extent | undefined;
  /** The part of the frames that is decoded, to the size `whole`; by default all of them. */
  part?: FramePart | undefined;
  /** Whether the output shows whole frames, with even sides. */
  isPasted?: boolean;
  /** What ffmpeg can do. */
  ffmpeg: Ffmpeg;
  /** The audio, as `planSound` plans it; by default there is none. */
  sound?: { tracks: readonly PlannedTrack[]; fates: TrackFate[] } | undefined;
  /** The output's comment; it is dropped if it is longer than 32 kB. */
  comment?: string | undefined;
}

/** @returns the best video encoder for an output's name that ffmpeg has. @throws InputError if it has none. */
export function videoEncoderFor(output: string, { encoders }: Pick<Ffmpeg, 'encoders'>): string {
  const candidates = containerOf(output).videoEncoders;
  const encoder = candidates.find((name) => encoders.has(name));
  if (encoder !== undefined) return encoder;
  throw new InputError({
    expected: `an ffmpeg with one of the encoders ${candidates.join(', ')} for ${output}`,
    found: 'none of them',
    remedy: 'install a complete ffmpeg, or give --out another extension',
  });
}

/** A file whose video stream is decoded to raw RGB frames. */
export interface Decoding extends Frames {
  input: string;
  info: VideoInfo;
  ffmpeg: Pick<Ffmpeg, 'filters' | 'decoders'>;
}

/** @returns the arguments of ffmpeg for a decoding. */
export function decoderArgs({ input, info, ffmpeg, ...frames }: Decoding): string[] {
  const { inputOptions, filters } = frameFilters(info, frames, ffmpeg);
  const { rate } = frames;
  return [
    ...[
      '-nostdin',
      '-v',
      'error',
      ...threadOptions(),
      ...inputOptions,
      ...inputFile(input),
      '-map',
      `0:${info.index}`,
    ],
    // From version 6 on, ffmpeg forgets the rate in the last filter, and would repeat frames to have 25 a second.
    ...['-vf', filters, '-r', `${rate.numerator}/${rate.denominator}`],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

/** @returns the nearest size with even sides, which video codecs need. */
export function evenExtent({ width, height }: Extent): Extent {
  const even = (length: number): number => Math.max(2, 2 * Math.round(length / 2));
  return { width: even(width), height: even(height) };
}

/**
 * Plans how ffmpeg turns a video into frames for the model and back. The decoder turns frames upright, cuts out the
 * centre with regard to the pixels' shape, and scales; the encoder scales, and takes the audio from the input.
 */
export function planVideo(info: VideoInfo, options: PlanOptions): VideoPlan {
  const { input, output, modelPx, cells, ffmpeg, comment, sound = { tracks: [], fates: [] } } = options;
  const container = containerOf(output);
  const rate = outputRate(info, input);
  const frames: Frames = { rate, extent: options.whole ?? modelPx, part: options.part };
  const square = (side: number): Extent => ({ width: side, height: side });
  const whole = options.isPasted === true ? options.whole : undefined;
  const canvas = whole ?? square(modelPx * cells);
  const out = whole ? evenExtent(whole) : square(options.outputPx ?? modelPx * cells);
  const videoEncoder = videoEncoderFor(output, ffmpeg);
  const { conversions, notices } = frameFilters(info, frames, ffmpeg);
  const isTimed = info.frameSeconds !== undefined;
  // Audio that begins before the first frame gets negative times, as a delay of the video would be filled with repeated
  // frames. If more than a frame of it would be lost, the muxer shifts everything; it would also shift by the delay of
  // frames that are encoded out of order, so there are none (-bf 0).
  const leadSeconds = Math.max(0, info.startSeconds - info.fileStartSeconds);
  const hasSound = sound.tracks.length > 0;
  const hasChapters = info.chapters > 0;
  const isMoved = hasSound && leadSeconds * perSecond(rate) > 1;
  const isMp4 = ['mp4', 'mov'].includes(container.muxer);
  const framesIn = isTimed
    ? ['-f', 'matroska', '-i', 'pipe:0']
    : [
        ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${canvas.width}x${canvas.height}`],
        ...['-framerate', `${rate.numerator}/${rate.denominator}`, '-i', 'pipe:0'],
      ];
  // Frames that are encoded out of order would confuse the times of the last ones (-bf 0).
  const timedOut = [
    ...[ffmpeg.hasFpsMode ? '-fps_mode' : '-vsync', 'vfr', '-enc_time_base', `1:${TIMES_PER_SECOND}`],
    ...(isMp4 ? ['-video_track_timescale', String(TIMES_PER_SECOND)] : []),
    // Older versions cut the last frame off, as they do not know how long it is shown.
    ...(isMp4 && !ffmpeg.hasFpsMode ? ['-use_editlist', '0'] : []),
  ];
  return {
    rate,
    framesPerSecond: perSecond(rate),
    expectedFrames: info.frameSeconds?.length ?? expectedFrames(info, rate),
    input: options.whole ?? square(modelPx),
    canvas,
    output: out,
    isTimed,
    secondsAt: secondsOf(info, perSecond(rate)),
    audio: sound.fates,
    conversions,
    notices,
    decoderArgs: decoderArgs({ input, info, ffmpeg, ...frames }),
    encoderArgs: (target) => [
      ...['-nostdin', '-v', 'error', '-y', ...framesIn],
      ...(hasSound || hasChapters ? ['-itsoffset', (-leadSeconds).toFixed(6), ...inputFile(input)] : []),
      ...['-map', '0:v:0', ...sound.tracks.flatMap(({ index }) => ['-map', `1:${index}`])],
      ...['-map_chapters', hasChapters ? '1' : '-1'],
      '-vf',
      `scale=${out.width}:${out.height}:flags=${SCALING}:out_color_matrix=bt709:out_range=tv`,
      ...['-c:v', videoEncoder, ...threadOptions(), ...(QUALITY[videoEncoder] ?? []), '-pix_fmt', 'yuv420p'],
      ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
      ...sound.tracks.flatMap(trackOptions),
      ...(comment !== undefined && comment.length <= MAX_COMMENT_CHARACTERS
        ? ['-metadata', `comment=${comment}`]
        : []),
      ...(isTimed ? timedOut : []),
      ...(isMoved || isTimed ? ['-bf', '0'] : []),
      ...(isMoved ? ['-avoid_negative_ts', 'make_zero'] : []),
      ...(isMp4 ? ['-movflags', '+faststart'] : []),
      ...['-f', container.muxer, `file:${target}`],
    ],
  };
}
