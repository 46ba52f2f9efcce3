import { extname } from 'node:path';
import { InputError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import { inputFile, type Rational, type VideoInfo } from './probe.js';

/** What a file name's extension asks for. */
export interface Container {
  /** ffmpeg's name of the format. */
  muxer: string;
  /** Encoders of the picture, the best first; ffmpeg may lack some. */
  videoEncoders: readonly string[];
  /** Codecs of sound that can be copied into it. */
  audioCodecs: RegExp;
  /** What other sound is encoded by, the best first. */
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
/** Settings of near lossless looks, for each encoder of pictures. */
const QUALITY: Readonly<Record<string, readonly string[]>> = {
  libx264: ['-preset', 'veryfast', '-crf', '17'],
  libopenh264: ['-b:v', '4M'],
  mpeg4: ['-q:v', '2'],
  'libvpx-vp9': ['-crf', '24', '-b:v', '0', '-row-mt', '1', '-deadline', 'realtime', '-cpu-used', '6'],
  libvpx: ['-crf', '8', '-b:v', '4M', '-deadline', 'realtime', '-cpu-used', '6'],
};
const AUDIO_BITS = '192k';
/** A single argument of a program may have 128 kB; hundreds of styles would be more. */
const MAX_COMMENT = 32_768;
/** Above it is no rate of pictures, but a clock that a file gives in place of one. */
const HIGHEST_RATE = 1000;

/** The container for an output's name. @throws InputError for an extension that means none. */
export function containerOf(path: string): Container {
  const container = CONTAINERS[extname(path).toLowerCase()];
  if (container !== undefined) return container;
  throw new InputError({
    expected: `a video's name that ends in ${Object.keys(CONTAINERS).join(', ')}`,
    found: path,
    remedy: 'change the extension of --out',
  });
}

/** Names of the encoders in what `ffmpeg -encoders` prints. */
export function parseEncoders(text: string): Set<string> {
  return new Set([...text.matchAll(/^ [VAS][F.][S.][X.][B.][D.] (\S+)/gm)].map((match) => match[1]!));
}

/** A rate as a number. */
export const perSecond = ({ numerator, denominator }: Rational): number => numerator / denominator;

/**
 * The constant frame rate of the output. Frames come at the base rate where that makes no difference over the whole
 * video, and at the mean rate where they come irregularly: frames are then repeated and left out so that none is off by
 * more than half a frame, and there are as many as before.
 * @throws InputError where the file tells no rate.
 */
export function outputRate({ averageRate, baseRate, seconds }: VideoInfo, path: string): Rational {
  const isRate = (rate: Rational | undefined): rate is Rational =>
    rate !== undefined && perSecond(rate) <= HIGHEST_RATE;
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

/** Frames that the output should have; undefined where the file tells no duration. */
export function expectedFrames({ seconds, frames }: VideoInfo, rate: Rational): number | undefined {
  return seconds === undefined ? frames : Math.max(1, Math.round(seconds * perSecond(rate)));
}

export interface VideoPlan {
  rate: Rational;
  framesPerSecond: number;
  expectedFrames: number | undefined;
  /** Of the frames that the decoder gives, px. */
  input: Extent;
  /** Of the frames that the encoder takes, px. */
  canvas: Extent;
  /** Of the video that comes out, px. */
  output: Extent;
  decoderArgs: string[];
  encoderArgs: (target: string) => string[];
  /** What becomes of each track of sound. */
  audio: ('copied' | 're-encoded')[];
}

export interface PlanOptions {
  input: string;
  output: string;
  /** Side of the model's pictures, px. */
  modelPx: number;
  /** Cells of the output, side by side: 3 for the mosaic. */
  cells: 1 | 3;
  /** Side of the output, px; an even number. */
  outputPx?: number | undefined;
  /** Of the frames that the decoder gives, px, where they are whole: else they are centred squares of the model's size. */
  whole?: Extent | undefined;
  /** Whether whole frames come out, in even numbers of px. */
  isPasted?: boolean;
  /** What ffmpeg can encode with: names. */
  encoders: ReadonlySet<string>;
  /** Goes into the file as its comment, unless it is longer than 32 kB. */
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

/** What ffmpeg has to do for raw RGB frames at a constant rate. */
export interface Decoding {
  input: string;
  /** The stream of the picture. */
  index: number;
  rate: Rational;
  /** What becomes of the upright frames: all of them at this size, or their centred squares at this side, px. */
  extent: Extent | number;
}

/** Arguments of ffmpeg for a decoding. */
export function decoderArgs({ input, index, rate, extent }: Decoding): string[] {
  const { width, height } = typeof extent === 'number' ? { width: extent, height: extent } : extent;
  const filters = [
    `fps=${rate.numerator}/${rate.denominator}`,
    ...(typeof extent === 'number' ? ["crop=w='min(iw,ih/sar)':h='min(ih,iw*sar)'"] : []),
    `scale=${width}:${height}:flags=${SCALING}`,
    'setsar=1',
    // Else frames would be repeated to fill the time before the picture begins.
    'setpts=PTS-STARTPTS',
  ];
  return [
    ...['-nostdin', '-v', 'error', ...inputFile(input), '-map', `0:${index}`, '-vf', filters.join(',')],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

/** The nearest size in even numbers of px, which video codecs need. */
export function evenExtent({ width, height }: Extent): Extent {
  const even = (length: number): number => Math.max(2, 2 * Math.round(length / 2));
  return { width: even(width), height: even(height) };
}

/**
 * What ffmpeg has to do so that a video becomes squares of the model's size and squares become the video again. The
 * decoder turns frames upright, cuts the centre out with regard to the shape of its pixels, and scales; the encoder
 * scales, and takes the sound from the file.
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
  // Sound that begins before the picture gets negative times: a delay of the picture would be filled with repeated
  // frames. Where more than a frame of it would be lost, the muxer moves everything; with it would go the delay of
  // frames that are encoded out of order.
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
    decoderArgs: decoderArgs({ input, index: info.index, rate, extent: frame }),
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
      ...(comment !== undefined && comment.length <= MAX_COMMENT ? ['-metadata', `comment=${comment}`] : []),
      ...(isMoved ? ['-bf', '0', '-avoid_negative_ts', 'make_zero'] : []),
      ...(['mp4', 'mov'].includes(container.muxer) ? ['-movflags', '+faststart'] : []),
      ...['-f', container.muxer, `file:${target}`],
    ],
  };
}
