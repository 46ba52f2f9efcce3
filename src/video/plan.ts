// Plans ffmpeg's work: containers, codecs, rates, sizes and arguments.
import { extname } from 'node:path';
import { InputError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import { inputFile, type Rational, type VideoInfo } from './probe.js';

/** What a file name's extension stands for. */
export interface Container {
  /** ffmpeg's name of the format. */
  muxer: string;
  /** Video encoders, the best first; ffmpeg may lack some. */
  videoEncoders: readonly string[];
  /** Audio codecs that can be copied into it. */
  audioCodecs: RegExp;
  /** Encoders of other audio, the best first. */
  audioEncoders: readonly string[];
}

const H264 = ['libx264', 'libopenh264', 'mpeg4'];
const MP4: Container = {
  muxer: 'mp4',
  videoEncoders: H264,
  audioCodecs: /^(aac|mp3|ac3|eac3|alac|opus)$/,
  audioEncoders: ['aac'],
};
const CONTAINERS: Readonly<Record<string, Container>> = {
  '.mp4': MP4,
  '.m4v': MP4,
  '.mov': {
    ...MP4,
    muxer: 'mov',
    audioCodecs: /^(aac|mp3|ac3|eac3|alac|pcm_[su](8|16le|24le|32le|16be|24be))$/,
  },
  '.mkv': {
    ...MP4,
    muxer: 'matroska',
    audioCodecs: /^(aac|mp3|mp2|ac3|eac3|alac|opus|vorbis|flac|dts|truehd|pcm_(s16le|s24le|s32le|f32le))$/,
  },
  '.webm': {
    muxer: 'webm',
    videoEncoders: ['libvpx-vp9', 'libvpx'],
    audioCodecs: /^(opus|vorbis)$/,
    audioEncoders: ['libopus', 'libvorbis'],
  },
};
/** Visually near lossless settings of each video encoder. */
const QUALITY: Readonly<Record<string, readonly string[]>> = {
  libx264: ['-preset', 'veryfast', '-crf', '17'],
  libopenh264: ['-b:v', '4M'],
  mpeg4: ['-q:v', '2'],
  'libvpx-vp9': ['-crf', '24', '-b:v', '0', '-row-mt', '1', '-deadline', 'realtime', '-cpu-used', '6'],
  libvpx: ['-crf', '8', '-b:v', '4M', '-deadline', 'realtime', '-cpu-used', '6'],
};
const AUDIO_BITS = '192k';
/** A program takes 128 kB in a single argument; hundreds of styles would be more. */
const MAX_COMMENT_CHARACTERS = 32_768;
/** A higher rate is the clock of a file, not its frame rate. */
const MAX_RATE = 1000;

/** @returns the container for an output's name. @throws InputError for an unknown extension. */
export function containerOf(path: string): Container {
  const container = CONTAINERS[extname(path).toLowerCase()];
  if (container !== undefined) return container;
  throw new InputError({
    expected: `a video's name that ends in ${Object.keys(CONTAINERS).join(', ')}`,
    found: path,
    remedy: 'change the extension of --out',
  });
}

/** @returns the names of the encoders that `ffmpeg -encoders` lists. */
export function parseEncoders(text: string): Set<string> {
  return new Set([...text.matchAll(/^ [VAS][F.][S.][X.][B.][D.] (\S+)/gm)].map((match) => match[1]!));
}

/** @returns a rate as a number. */
export const perSecond = ({ numerator, denominator }: Rational): number => numerator / denominator;

/**
 * The constant frame rate of the output: the base rate if that makes no difference over the whole video, and the mean
 * rate if frames come irregularly. Frames are then repeated and dropped so that none is off by more than half a frame,
 * and their number stays.
 * @throws InputError if the file has no frame rate.
 */
export function outputRate({ averageRate, baseRate, seconds }: VideoInfo, path: string): Rational {
  const isRate = (rate: Rational | undefined): rate is Rational =>
    rate !== undefined && perSecond(rate) <= MAX_RATE;
  if (isRate(baseRate) && isRate(averageRate)) {
    const framesApart = Math.abs(perSecond(baseRate) - perSecond(averageRate)) * (seconds ?? 60);
    return framesApart < 0.5 ? baseRate : averageRate;
  }
  const rate = [averageRate, baseRate].find(isRate);
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
  /** What becomes of each audio track. */
  audio: ('copied' | 're-encoded')[];
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
  /** Names of the encoders that ffmpeg has. */
  encoders: ReadonlySet<string>;
  /** The output's comment; it is dropped if it is longer than 32 kB. */
  comment?: string | undefined;
}

function choose(candidates: readonly string[], encoders: ReadonlySet<string>, output: string): string {
  const encoder = candidates.find((name) => encoders.has(name));
  if (encoder !== undefined) return encoder;
  throw new InputError({
    expected: `an ffmpeg with one of the encoders ${candidates.join(', ')} for ${output}`,
    found: 'none of them',
    remedy: 'install a complete ffmpeg, or give --out another extension',
  });
}

const SCALING = 'lanczos+accurate_rnd+full_chroma_int';

/** Which raw RGB frames ffmpeg decodes, at a constant rate. */
export interface Decoding {
  input: string;
  /** Number of the video stream. */
  index: number;
  rate: Rational;
  /** Size of the upright frames, or the side of their centred squares, px. */
  extent: Extent | number;
  /** Decodes this part of the frames alone. */
  part?: FramePart | undefined;
}

/** A rectangle of the frames of a video. */
export interface FramePart extends Extent {
  /** Distance from the frames' left edge, px. */
  left: number;
  /** Distance from the frames' top edge, px. */
  top: number;
  /** Size of the whole frames, px. */
  whole: Extent;
}

/** @returns ffmpeg's filter for a part of the frames. Their pixels may differ from those of `whole`: it uses shares. */
function cropOf({ left, top, width, height, whole }: FramePart): string {
  const across = (px: number): string => `iw*${px}/${whole.width}`;
  const down = (px: number): string => `ih*${px}/${whole.height}`;
  return `crop=w=${across(width)}:h=${down(height)}:x=${across(left)}:y=${down(top)}`;
}

/** @returns the arguments of ffmpeg for a decoding. */
export function decoderArgs({ input, index, rate, extent, part }: Decoding): string[] {
  const { width, height } = typeof extent === 'number' ? { width: extent, height: extent } : extent;
  const filters = [
    `fps=${rate.numerator}/${rate.denominator}`,
    ...(typeof extent === 'number' ? ["crop=w='min(iw,ih/sar)':h='min(ih,iw*sar)'"] : []),
    ...(part === undefined ? [] : [cropOf(part)]),
    `scale=${width}:${height}:flags=${SCALING}`,
    'setsar=1',
    // Without it, frames would be repeated to fill the time before the first one.
    'setpts=PTS-STARTPTS',
  ];
  return [
    ...['-nostdin', '-v', 'error', ...inputFile(input), '-map', `0:${index}`, '-vf', filters.join(',')],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

/**
 * @returns the arguments of ffmpeg that decode the key frames of a video alone, each once: raw frames have no times, and ffmpeg
 *   would repeat them to fill the time in between.
 */
export function keyFrameArgs({ input, index, extent }: Decoding & { extent: Extent }): string[] {
  const filters = `scale=${extent.width}:${extent.height}:flags=${SCALING},setsar=1,settb=1/25,setpts=N`;
  return [
    ...['-nostdin', '-v', 'error', '-skip_frame', 'nokey', ...inputFile(input), '-map', `0:${index}`],
    ...['-vf', filters, '-r', '25', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
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
  const { input, output, modelPx, cells, encoders, comment } = options;
  const container = containerOf(output);
  const rate = outputRate(info, input);
  const frame = options.whole ?? modelPx;
  const square = (side: number): Extent => ({ width: side, height: side });
  const whole = options.isPasted === true ? options.whole : undefined;
  const canvas = whole ?? square(modelPx * cells);
  const out = whole ? evenExtent(whole) : square(options.outputPx ?? modelPx * cells);
  const fraction = `${rate.numerator}/${rate.denominator}`;
  const videoEncoder = choose(container.videoEncoders, encoders, output);
  const audio = info.audio.map(({ codec }) =>
    container.audioCodecs.test(codec) ? ('copied' as const) : ('re-encoded' as const),
  );
  const needsAudioEncoder = audio.includes('re-encoded');
  const audioEncoder = needsAudioEncoder ? choose(container.audioEncoders, encoders, output) : '';
  // Audio that begins before the first frame gets negative times, as a delay of the video would be filled with repeated
  // frames. If more than a frame of it would be lost, the muxer shifts everything; it would also shift by the delay of
  // frames that are encoded out of order, so there are none (-bf 0).
  const leadSeconds = Math.max(0, info.startSeconds - info.fileStartSeconds);
  const isMoved = audio.length > 0 && leadSeconds * perSecond(rate) > 1;
  return {
    rate,
    framesPerSecond: perSecond(rate),
    expectedFrames: expectedFrames(info, rate),
    input: options.whole ?? square(modelPx),
    canvas,
    output: out,
    audio,
    decoderArgs: decoderArgs({ input, index: info.index, rate, extent: frame, part: options.part }),
    encoderArgs: (target) => [
      ...['-nostdin', '-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'rgb24'],
      ...['-video_size', `${canvas.width}x${canvas.height}`, '-framerate', fraction, '-i', 'pipe:0'],
      ...(audio.length > 0 ? ['-itsoffset', (-leadSeconds).toFixed(6), ...inputFile(input)] : []),
      ...['-map', '0:v:0', ...info.audio.flatMap(({ index }) => ['-map', `1:${index}`])],
      '-vf',
      `scale=${out.width}:${out.height}:flags=${SCALING}:out_color_matrix=bt709:out_range=tv`,
      ...['-c:v', videoEncoder, ...(QUALITY[videoEncoder] ?? []), '-pix_fmt', 'yuv420p'],
      ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
      ...audio.flatMap((how, i) =>
        how === 'copied' ? [`-c:a:${i}`, 'copy'] : [`-c:a:${i}`, audioEncoder, `-b:a:${i}`, AUDIO_BITS],
      ),
      ...(comment !== undefined && comment.length <= MAX_COMMENT_CHARACTERS
        ? ['-metadata', `comment=${comment}`]
        : []),
      ...(isMoved ? ['-bf', '0', '-avoid_negative_ts', 'make_zero'] : []),
      ...(['mp4', 'mov'].includes(container.muxer) ? ['-movflags', '+faststart'] : []),
      ...['-f', container.muxer, `file:${target}`],
    ],
  };
}
