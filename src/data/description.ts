// Stores how an image was made as JSON in its file (EXIF's ImageDescription), and reads it back.
import sharp from 'sharp';
import { imageKindOf } from './image-kinds.js';

/** How an image was made: any JSON object. */
export type Description = Readonly<Record<string, unknown>>;

const IMAGE_DESCRIPTION = 0x010e;
const ASCII = 2;
const TAG_BYTES = 12;
/** A longer text is dropped when the file is written: a JPEG's EXIF block has 65,533 bytes, with other tags in it. */
export const DESCRIPTION_CHARACTERS = 65_000;

/** Serialises in ASCII, which is all that EXIF text can hold. */
function asciiJson(description: Description): string {
  return JSON.stringify(description).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Returns whether a description fits into a file. */
export function hasRoomFor(description: Description): boolean {
  return asciiJson(description).length <= DESCRIPTION_CHARACTERS;
}

/** Returns a description as EXIF's ImageDescription, for sharp's `withExif`. */
export function descriptionExif(description: Description): { IFD0: { ImageDescription: string } } {
  return { IFD0: { ImageDescription: asciiJson(description) } };
}

/**
 * Reads the text of ImageDescription from the first directory of an unchecked EXIF block (EXIF 2.32, 4.6).
 *
 * @returns undefined if there is none or the block is damaged.
 */
export function imageDescription(exif: Uint8Array): string | undefined {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    // Some formats put the name of the marker before the block.
    const start = view.getUint32(0) === 0x45786966 ? 6 : 0;
    const little = view.getUint16(start) === 0x4949;
    const directory = start + view.getUint32(start + 4, little);
    const tags = view.getUint16(directory, little);
    for (let i = 0; i < tags; i++) {
      const at = directory + 2 + i * TAG_BYTES;
      if (view.getUint16(at, little) !== IMAGE_DESCRIPTION || view.getUint16(at + 2, little) !== ASCII)
        continue;
      const length = view.getUint32(at + 4, little);
      // A value of at most four bytes takes the place of the offset.
      const from = length <= 4 ? at + 8 : start + view.getUint32(at + 8, little);
      if (from + length > exif.byteLength) return undefined;
      const text = new TextDecoder().decode(exif.subarray(from, from + length));
      return text.replace(/\0.*$/s, '').trimEnd();
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/**
 * Reads the description that `encodeImage` stored.
 *
 * @param bytes the whole file.
 * @returns unchecked JSON; undefined if there is none, or the bytes are not an image.
 */
export async function readDescription(bytes: Uint8Array): Promise<unknown> {
  // The decoder knows formats that are programs to it, such as SVG.
  if (typeof imageKindOf(bytes) !== 'string') return undefined;
  try {
    const { exif } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return exif === undefined ? undefined : JSON.parse(imageDescription(exif) ?? 'null');
  } catch {
    return undefined;
  }
}
