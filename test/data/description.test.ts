import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeImage } from '../../src/data/decode.js';
import {
  DESCRIPTION_CHARACTERS,
  hasRoomFor,
  imageDescription,
  readDescription,
} from '../../src/data/description.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-description-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const image = { data: new Uint8Array(4 * 4 * 3).fill(90), width: 4, height: 4 };
const description = { text: 'čaj "and" {more}\n', list: [0.1, -3e-9], nested: { a: null } };

describe('a description', () => {
  it.each(['png', 'jpg', 'webp'])(
    'a description survives a round trip through a .%s file',
    async (extension) => {
      const path = join(folder, `a.${extension}`);
      await encodeImage(image, path, description);
      expect(await readDescription(await readFile(path))).toEqual(description);
    },
  );

  it.each(['png', 'jpg', 'webp'])(
    'a description of the maximum length survives a round trip through a .%s file',
    async (extension) => {
      const longest = { text: 'x'.repeat(DESCRIPTION_CHARACTERS - '{"text":""}'.length) };
      expect(hasRoomFor(longest)).toBe(true);
      expect(hasRoomFor({ text: `${longest.text}x` })).toBe(false);
      expect(hasRoomFor({ text: 'č'.repeat(DESCRIPTION_CHARACTERS / 5) })).toBe(false);
      const path = join(folder, `long.${extension}`);
      await encodeImage(image, path, longest);
      expect(await readDescription(await readFile(path))).toEqual(longest);
    },
  );

  it('readDescription returns undefined for a file without a description, or with text that is not JSON', async () => {
    const raw = { raw: { width: 4, height: 4, channels: 3 } } as const;
    expect(await readDescription(await sharp(image.data, raw).png().toBuffer())).toBeUndefined();
    const words = sharp(image.data, raw).withExif({ IFD0: { ImageDescription: 'a nice day' } });
    expect(await readDescription(await words.jpeg().toBuffer())).toBeUndefined();
    expect(await readDescription(Buffer.from('no image'))).toBeUndefined();
  });
});

/** An EXIF block with one tag, in either byte order. */
function block(little: boolean, text: string, claimedBytes = text.length): Uint8Array {
  const bytes = new Uint8Array(26 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, 1, little);
  view.setUint16(10, 0x010e, little);
  view.setUint16(12, 2, little);
  view.setUint32(14, claimedBytes, little);
  if (text.length <= 4) bytes.set(Buffer.from(text), 18);
  else view.setUint32(18, 26, little);
  bytes.set(Buffer.from(text), 26);
  return bytes;
}

describe('imageDescription', () => {
  it.each([true, false])(
    'reads both byte orders, with the marker and without (little endian: %s)',
    (little) => {
      const plain = block(little, 'hello there\0');
      expect(imageDescription(plain)).toBe('hello there');
      expect(imageDescription(Buffer.concat([Buffer.from('Exif\0\0'), plain]))).toBe('hello there');
      expect(imageDescription(block(little, 'abc\0'))).toBe('abc');
    },
  );

  it('imageDescription rejects damaged EXIF blocks', () => {
    const whole = block(true, 'hello there\0');
    expect(imageDescription(block(true, 'hello', 4_000_000_000))).toBeUndefined();
    for (let bytes = 0; bytes < 26; bytes++)
      expect(imageDescription(whole.subarray(0, bytes))).toBeUndefined();
    const astray = block(true, 'hello there\0');
    new DataView(astray.buffer).setUint32(4, 0xfffffff0, true);
    expect(imageDescription(astray)).toBeUndefined();
  });
});
