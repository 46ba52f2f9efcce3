import sharp from 'sharp';

/** What an image's file tells of how it came about: anything that JSON can hold. */
export type Description = Readonly<Record<string, unknown>>;

const IMAGE_DESCRIPTION = 0x010e;
const ASCII = 2;
const TAG_BYTES = 12;
/** A longer text is dropped on writing: a JPEG's block of EXIF has 65,533 bytes, other tags among them. */
export const DESCRIPTION_CHARACTERS = 65_000;

/** Only characters that EXIF texts can hold. */
function asciiJson(description: Description): string {
  return JSON.stringify(description).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Whether a file can hold a description. */
export function hasRoomFor(description: Description): boolean {
  return asciiJson(description).length <= DESCRIPTION_CHARACTERS;
}

/** For sharp's `withExif`: a description as the JSON text in EXIF's ImageDescription. */
export function descriptionExif(description: Description): { IFD0: { ImageDescription: string } } {
  return { IFD0: { ImageDescription: asciiJson(description) } };
}

/**
 * The text of ImageDescription in the first directory of an EXIF block (EXIF 2.32, 4.6), whose bytes nobody has looked
 * at; undefined where there is none, or the block is damaged.
 */
export function imageDescription(exif: Uint8Array): string | undefined {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    // Formats differ in whether the marker's name stands before the block.
    const start = view.getUint32(0) === 0x45786966 ? 6 : 0;
    const little = view.getUint16(start) === 0x4949;
    const directory = start + view.getUint32(start + 4, little);
    const tags = view.getUint16(directory, little);
    for (let i = 0; i < tags; i++) {
      const at = directory + 2 + i * TAG_BYTES;
      if (view.getUint16(at, little) !== IMAGE_DESCRIPTION || view.getUint16(at + 2, little) !== ASCII)
        continue;
      const length = view.getUint32(at + 4, little);
      // Four bytes and less stand in place of the offset.
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
 * What `encodeImage` was given as the description of a file of these bytes.
 * @returns whatever JSON stands there, not looked at further; undefined where there is none, and for what is no image.
 */
export async function readDescription(bytes: Uint8Array): Promise<unknown> {
  try {
    const { exif } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return exif === undefined ? undefined : JSON.parse(imageDescription(exif) ?? 'null');
  } catch {
    return undefined;
  }
}
