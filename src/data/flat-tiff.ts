// Lays out 8-bit pixels as an uncompressed TIFF file in memory, so that one decoder reads all that is not read by it directly.
import type { Extent } from '../base/geometry.js';

/** Properties of pixels in memory. */
export interface FlatTiffOptions extends Extent {
  /** 1 for grey, 2 for grey and alpha, 3 for RGB, 4 for RGB and alpha. */
  channels: 1 | 2 | 3 | 4;
  /** ICC profile of the colours; sRGB by default. */
  profile?: Uint8Array | undefined;
  /** EXIF orientation, 1 to 8. */
  orientation?: number | undefined;
}

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
const UNASSOCIATED_ALPHA = 2;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/**
 * Makes a TIFF file (TIFF 6.0) of one strip.
 *
 * @returns the file, and the part of it for the pixels, `[height, width, channels]`, which the caller fills in.
 */
export function flatTiff(options: FlatTiffOptions): { file: Buffer; pixels: Buffer } {
  const { width, height, channels, profile, orientation = 1 } = options;
  const hasAlpha = channels % 2 === 0;
  const isGrey = channels <= 2;
  const pixelBytes = width * height * channels;
  const entries: [tag: number, type: number, count: number, value: number | 'bits' | 'pixels' | 'profile'][] =
    [
      [256, LONG, 1, width],
      [257, LONG, 1, height],
      [258, SHORT, channels, channels <= 2 ? 8 | (8 << 16) : 'bits'],
      [259, SHORT, 1, 1],
      [262, SHORT, 1, isGrey ? 1 : 2],
      [273, LONG, 1, 'pixels'],
      [274, SHORT, 1, orientation],
      [277, SHORT, 1, channels],
      [278, LONG, 1, height],
      [279, LONG, 1, pixelBytes],
      ...(hasAlpha ? [[338, SHORT, 1, UNASSOCIATED_ALPHA] as [number, number, number, number]] : []),
      ...(profile
        ? [[34675, UNDEFINED, profile.byteLength, 'profile'] as [number, number, number, 'profile']]
        : []),
    ];
  const bits = HEADER_BYTES + 2 + entries.length * ENTRY_BYTES + 4;
  const profileAt = bits + 2 * channels;
  const pixelsAt = profileAt + (profile?.byteLength ?? 0) + ((profile?.byteLength ?? 0) % 2);
  const file = Buffer.alloc(pixelsAt + pixelBytes);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(HEADER_BYTES, 4);
  file.writeUInt16LE(entries.length, HEADER_BYTES);
  const places = { bits, profile: profileAt, pixels: pixelsAt };
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    const at = HEADER_BYTES + 2 + i * ENTRY_BYTES;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(typeof value === 'number' ? value : places[value], at + 8);
  }
  for (let c = 0; c < channels; c++) file.writeUInt16LE(8, bits + 2 * c);
  if (profile) file.set(profile, profileAt);
  return { file, pixels: file.subarray(pixelsAt) };
}
