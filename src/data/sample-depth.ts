// Copies images whose samples the decoder would misread (floats, 32-bit integers, 16 bits with a profile) to 8 bits.
import type { Metadata, Sharp } from 'sharp';
import { flatTiff } from './flat-tiff.js';
import { PHOTOMETRIC, type TiffHeader } from './tiff-header.js';

const LEVELS = 255;
/** Leaves room for values up to 4 in 16 bits. */
const ROUNDED_SCALE = 2 ** 14;
const UINT32_PER_LEVEL = 2 ** 24;
/** How far floats may lie outside of 0 to 1, as filters make them, before they are taken for another range. */
const OVERSHOOT = 0.5;

/** Samples in a range that has no agreed meaning. */
export class SampleRangeError extends Error {
  /** `SampleRangeError`. */
  override readonly name = 'SampleRangeError';
  /** What to do about it, as an imperative. */
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

type Samples = Float32Array | Uint8Array;

/** Takes the grey level, and the alpha if there is one, out of pixels of three or four channels. */
function greyOf<T extends Samples>(samples: T, channels: number): { samples: T; channels: 1 | 2 | 3 | 4 } {
  if (channels <= 2) return { samples, channels: channels as 1 | 2 };
  const kept = channels - 2;
  // The same memory: nothing is read after it was written.
  for (let from = 0, to = 0; from < samples.length; from += channels, to += kept) {
    samples[to] = samples[from]!;
    if (kept === 2) samples[to + 1] = samples[from + 3]!;
  }
  return { samples: samples.subarray(0, (samples.length / channels) * kept) as T, channels: kept as 1 | 2 };
}

/**
 * Scales floats and 32-bit integers of a grey or RGB image to 8-bit levels. Floats from 0 to 1, and integers from 0 to 2^32 - 1, are
 * black to white, in the curve of sRGB or of the embedded profile.
 *
 * @param image opened without its profile.
 * @returns a TIFF file with the same profile and orientation.
 * @throws SampleRangeError for samples in another range.
 */
export async function scaledCopy(image: Sharp, tiff: TiffHeader, metadata: Metadata): Promise<Buffer> {
  const isGrey = tiff.photometric !== PHOTOMETRIC.rgb;
  const isFloat = tiff.format === 'float';
  // The decoder rounds grey half floats to whole numbers of 16 bits.
  const isRounded = metadata.space === 'grey16';
  if (isRounded) image.linear(ROUNDED_SCALE, 0);
  // In the decoder's own name of these samples, so that it converts nothing; as grey ones they would lose alpha.
  const { data, info } = await image
    .toColourspace(metadata.space === 'b-w' ? 'srgb' : metadata.space)
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true });
  const stored = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const { samples, channels } = isGrey
    ? greyOf(stored, info.channels)
    : { samples: stored, channels: info.channels as 3 | 4 };
  if (isRounded) for (let i = 0; i < samples.length; i++) samples[i]! /= ROUNDED_SCALE;
  checkRange(samples, tiff);
  const { width, height } = info;
  const { file, pixels } = flatTiff({
    width,
    height,
    channels,
    profile: metadata.icc,
    orientation: metadata.orientation,
  });
  // A Uint8ClampedArray rounds and clamps.
  const levels = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const scale = isFloat ? LEVELS : 1 / UINT32_PER_LEVEL;
  // Whole levels of integers are rounded down, as the decoder does for 16 bits.
  const offset = isFloat ? 0 : -0.5;
  for (let i = 0; i < levels.length; i++) levels[i] = samples[i]! * scale + offset;
  if (isGrey && tiff.photometric === PHOTOMETRIC.minIsWhite)
    for (let i = 0; i < levels.length; i += channels) levels[i] = LEVELS - levels[i]!;
  return file;
}

function checkRange(samples: Float32Array, { bits, format }: TiffHeader): void {
  let [least, most, isNumber] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (const sample of samples) {
    if (sample < least) least = sample;
    if (sample > most) most = sample;
    if (!Number.isFinite(sample)) isNumber = false;
  }
  const range = `from ${Number(least.toPrecision(4))} to ${Number(most.toPrecision(4))}`;
  if (format !== 'float') {
    if (most >= UINT32_PER_LEVEL || most === 0) return;
    throw new SampleRangeError(
      `a TIFF file of ${bits}-bit unsigned integers ${range}, which is black`,
      'scale them to 0..4294967295, or save it with 8 or 16 bits a channel',
    );
  }
  if (!isNumber)
    throw new SampleRangeError(
      `a TIFF file of ${bits}-bit floats that are not all numbers`,
      'replace those, or save it with 8 or 16 bits a channel',
    );
  if (least < -OVERSHOOT || most > 1 + OVERSHOOT)
    throw new SampleRangeError(
      `a TIFF file of ${bits}-bit floats ${range}`,
      'scale them to 0..1, or save it with 8 or 16 bits a channel',
    );
}

/**
 * Reduces an image of 16 bits with a colour profile to 8 bits, because the decoder converts profiles of 16-bit RGB by way of Display P3,
 * which clips colours, and ignores those of 16-bit grey.
 *
 * @param image opened without its profile.
 * @returns a TIFF file with the same profile and orientation.
 */
export async function eightBitCopy(image: Sharp, { space, icc, orientation }: Metadata): Promise<Buffer> {
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  // Profiles of grey images want one channel.
  const { samples, channels } =
    space === 'grey16'
      ? greyOf<Uint8Array>(data, info.channels)
      : { samples: data, channels: info.channels as 3 | 4 };
  const { file, pixels } = flatTiff({ width, height, channels, profile: icc, orientation });
  pixels.set(samples);
  return file;
}
