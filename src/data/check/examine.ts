// Examines one image file: size, format, colours and a small version of its pixels.
import { InputError } from '../../base/errors.js';
import { sha256 } from '../../base/hash.js';
import { decodeImageFile } from '../decode.js';
import { type ImageFacts, openImage, REPLACE, readImageBytes } from '../image-file.js';
import { profileName } from './icc.js';
import { HASH_IMAGE_PX } from './perceptual-hash.js';

/** Side of the squares that images are reduced to for the examination, px. */
export const EXAMINED_PX = 64;
/** A pixel counts as grey if its channels differ by at most this many 8-bit levels. */
const GREY_LEVELS = 10;
/** Share of coloured pixels that a grey image may have, because JPEG adds some. */
const COLOURED_SHARE = 0.005;

/** The properties of an image file. */
export interface Examined {
  bytes: number;
  sha256: string;
  /** Format by content: jpeg, png, webp, avif, gif, tiff, bmp. */
  format: string;
  /** Size of the upright image, px. */
  width: number;
  height: number;
  /** Whether the image is stored as grey, or visibly without colour. */
  isGrey: boolean;
  /** Whether some pixels are not opaque. */
  isTransparent: boolean;
  /** Colour space if it is not sRGB: `CMYK`, or the name of the profile. */
  colours?: string;
  /** What is wrong with a file that is decoded all the same, in words: "lacks its end marker". */
  flaw?: string;
  /** The whole image, stretched: [64, 64, 3], 8-bit sRGB. */
  pixels: Uint8Array;
}

/** A file that cannot be decoded, with the reason in words, and the remedy where there is one. */
export interface Unreadable {
  reason: string;
}

/**
 * Decodes a file completely, as training does, which detects truncated files.
 *
 * @throws errors that the file did not cause.
 */
export async function examineImage(path: string): Promise<Examined | Unreadable> {
  try {
    const bytes = await readImageBytes(path);
    const file = await openImage(bytes, path);
    const { data: pixels } = await decodeImageFile(file, { size: EXAMINED_PX, fit: 'stretch' });
    const { width, height, facts } = file;
    const isTransparent =
      facts.hasAlpha &&
      (await file.read(async (image) => !(await image.stats()).isOpaque, { keepsAlpha: true }));
    return {
      bytes: bytes.byteLength,
      sha256: sha256(bytes),
      ...{ width, height, isTransparent, pixels },
      ...describe(facts, pixels),
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { found, remedy } = error.details;
    return { reason: remedy === REPLACE ? found : `${found}; ${remedy}` };
  }
}

/** Returns the properties that the header of the file tells, and whether its pixels have colour. */
function describe(
  { format, space, profile, flaw }: ImageFacts,
  pixels: Uint8Array,
): Pick<Examined, 'format' | 'isGrey' | 'colours' | 'flaw'> {
  const colours = otherColours(space, profile);
  return {
    format,
    isGrey: space === 'b-w' || space === 'grey16' || isWithoutColour(pixels),
    ...(colours !== undefined && { colours }),
    ...(flaw !== undefined && { flaw }),
  };
}

/** Names the colour space if it is not sRGB. */
function otherColours(space: string, icc: Uint8Array | undefined): string | undefined {
  if (space === 'cmyk') return 'CMYK';
  if (icc === undefined) return undefined;
  const name = profileName(icc) ?? 'a profile without a name';
  // "c2" and "uRGB" are compact profiles of sRGB.
  return /srgb|^c2|^uRGB/i.test(name) ? undefined : name;
}

function isWithoutColour(pixels: Uint8Array): boolean {
  const maxColoured = (pixels.length / 3) * COLOURED_SHARE;
  let coloured = 0;
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY_LEVELS && ++coloured > maxColoured) return false;
  }
  return true;
}

/** Returns the luma of 8-bit sRGB (ITU-R BT.601), 0 to 255. */
export function brightness(r: number, g: number, b: number): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

/** Reduces pixels [64, 64, 3] to the grey image [32, 32] that is hashed and compared. */
export function reduceToGrey(pixels: Uint8Array): Uint8Array {
  const factor = EXAMINED_PX / HASH_IMAGE_PX;
  const out = new Uint8Array(HASH_IMAGE_PX ** 2);
  for (let y = 0; y < HASH_IMAGE_PX; y++) {
    for (let x = 0; x < HASH_IMAGE_PX; x++) {
      let sum = 0;
      for (let dy = 0; dy < factor; dy++) {
        for (let dx = 0; dx < factor; dx++) {
          const i = ((y * factor + dy) * EXAMINED_PX + x * factor + dx) * 3;
          sum += brightness(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
        }
      }
      out[y * HASH_IMAGE_PX + x] = Math.round(sum / factor ** 2);
    }
  }
  return out;
}
