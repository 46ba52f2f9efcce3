import sharp from 'sharp';
import { InputError } from '../../base/errors.js';
import { sha256 } from '../../base/hash.js';
import { decodeImage, readImageBytes } from '../decode.js';
import { profileName } from './icc.js';
import { HASH_PICTURE_PX } from './perceptual-hash.js';

/** Pictures are looked at reduced to squares of this side, px. */
export const EXAMINED_PX = 64;
/** 8-bit levels between the largest and the smallest channel up to which a pixel counts as grey. */
const GREY_LEVELS = 10;
/** The part of the pixels that may have colour in a picture without: JPEG leaves some. */
const COLOURED_SHARE = 0.005;

/** What a picture file holds. */
export interface Examined {
  bytes: number;
  sha256: string;
  /** As the file's content says: jpeg, png, webp, avif, gif, tiff. */
  format: string;
  /** Upright, px. */
  width: number;
  height: number;
  /** Stored as grey, or without colour to the eye. */
  isGrey: boolean;
  /** Has pixels that are not opaque. */
  isTransparent: boolean;
  /** Colours other than sRGB: `CMYK`, or the name of the profile. */
  colours?: string;
  /** The whole picture, stretched: [64, 64, 3], 8-bit sRGB. */
  pixels: Uint8Array;
}

/** What is wrong with a file that is no picture, in words. */
export interface Unreadable {
  reason: string;
}

/**
 * Reads and decodes a file in full, as training would, which finds the truncated ones.
 * @throws what is no fault of the file.
 */
export async function examinePicture(path: string): Promise<Examined | Unreadable> {
  try {
    const bytes = await readImageBytes(path);
    const { data: pixels } = await decodeImage(bytes, { size: EXAMINED_PX, fit: 'stretch' });
    return { bytes: bytes.byteLength, sha256: sha256(bytes), ...(await describe(bytes, pixels)), pixels };
  } catch (error) {
    if (error instanceof InputError) return { reason: error.details.found };
    throw error;
  }
}

async function describe(
  bytes: Uint8Array,
  pixels: Uint8Array,
): Promise<Omit<Examined, 'bytes' | 'sha256' | 'pixels'>> {
  const image = sharp(bytes, { pages: 1 });
  const { format, autoOrient, space, hasAlpha, icc } = await image.metadata();
  const colours = otherColours(space, icc);
  return {
    format: format === 'heif' ? 'avif' : format,
    width: autoOrient.width,
    height: autoOrient.height,
    isGrey: space === 'b-w' || space === 'grey16' || isWithoutColour(pixels),
    isTransparent: hasAlpha && !(await image.stats()).isOpaque,
    ...(colours !== undefined && { colours }),
  };
}

/** What the colours are, where they are not sRGB. */
function otherColours(space: string, icc: Buffer | undefined): string | undefined {
  if (space === 'cmyk') return 'CMYK';
  if (icc === undefined) return undefined;
  const name = profileName(icc) ?? 'a profile without a name';
  // "c2" and "uRGB" are small profiles of the same colours.
  return /srgb|^c2|^uRGB/i.test(name) ? undefined : name;
}

function isWithoutColour(pixels: Uint8Array): boolean {
  const most = (pixels.length / 3) * COLOURED_SHARE;
  let coloured = 0;
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY_LEVELS && ++coloured > most) return false;
  }
  return true;
}

/** Brightness of 8-bit sRGB (ITU-R BT.601), 0 to 255. */
export function brightness(r: number, g: number, b: number): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

/** The grey picture that is hashed and compared: [64, 64, 3] to [32, 32]. */
export function reduceToGrey(pixels: Uint8Array): Uint8Array {
  const factor = EXAMINED_PX / HASH_PICTURE_PX;
  const out = new Uint8Array(HASH_PICTURE_PX ** 2);
  for (let y = 0; y < HASH_PICTURE_PX; y++) {
    for (let x = 0; x < HASH_PICTURE_PX; x++) {
      let sum = 0;
      for (let dy = 0; dy < factor; dy++) {
        for (let dx = 0; dx < factor; dx++) {
          const i = ((y * factor + dy) * EXAMINED_PX + x * factor + dx) * 3;
          sum += brightness(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
        }
      }
      out[y * HASH_PICTURE_PX + x] = Math.round(sum / factor ** 2);
    }
  }
  return out;
}
