// The containers that videos are written to, and which codecs each takes.
import { extname } from 'node:path';
import { InputError } from '../base/errors.js';

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
