import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunError } from '../../src/base/errors.js';
import {
  type DecodedImage,
  decodeImage,
  encodeImage,
  encodePng,
  fromFloat,
  toFloat,
} from '../../src/data/decode.js';
import { rejectionMessage } from '../support/rejection.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-decode-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Colour = readonly [number, number, number];
const RED: Colour = [230, 20, 30];
const GREEN: Colour = [20, 200, 40];
const BLUE: Colour = [30, 40, 220];
const YELLOW: Colour = [240, 220, 10];
const QUARTERS = [RED, GREEN, BLUE, YELLOW] as const;

/** Four colours: red and green above, blue and yellow below. */
function quarters(width: number, height: number): DecodedImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set(QUARTERS[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)]!, (y * width + x) * 3);
    }
  }
  return { data, width, height };
}

function raw({ data, width, height }: DecodedImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

function pixel({ data, width }: DecodedImage, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

/** The colours in the middle of the four quarters. */
function middles(image: DecodedImage): number[][] {
  const [x, y] = [Math.floor(image.width / 4), Math.floor(image.height / 4)];
  return [
    [x, y],
    [3 * x, y],
    [x, 3 * y],
    [3 * x, 3 * y],
  ].map(([px, py]) => pixel(image, px!, py!));
}

/** The largest difference of two lists of colours. */
function difference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  return Math.max(
    ...a.map((colour, i) => Math.max(...colour.map((value, c) => Math.abs(value - b[i]![c]!)))),
  );
}

describe('decodeImage', () => {
  it.each([
    ['png', 0],
    ['jpeg', 6],
    ['webp', 6],
    ['tiff', 6],
    ['gif', 12],
    ['avif', 12],
  ] as const)('reads %s from a file and from bytes', async (format, tolerance) => {
    const bytes = await raw(quarters(48, 32)).toFormat(format, { quality: 95 }).toBuffer();
    const path = join(folder, 'misleading.name');
    await writeFile(path, bytes);
    const image = await decodeImage(path);
    expect([image.width, image.height, image.data.length]).toEqual([48, 32, 48 * 32 * 3]);
    expect(difference(middles(image), QUARTERS)).toBeLessThanOrEqual(tolerance);
    expect(await decodeImage(bytes)).toEqual(image);
  });

  it('rotates an image by its EXIF orientation', async () => {
    // By orientation: which of the four colours comes to stand top left, top right, bottom left, bottom right.
    const orders: Record<number, readonly Colour[]> = {
      1: [RED, GREEN, BLUE, YELLOW],
      2: [GREEN, RED, YELLOW, BLUE],
      3: [YELLOW, BLUE, GREEN, RED],
      4: [BLUE, YELLOW, RED, GREEN],
      5: [RED, BLUE, GREEN, YELLOW],
      6: [BLUE, RED, YELLOW, GREEN],
      7: [YELLOW, GREEN, BLUE, RED],
      8: [GREEN, YELLOW, RED, BLUE],
    };
    for (const [orientation, order] of Object.entries(orders)) {
      const bytes = await raw(quarters(64, 32))
        .jpeg({ quality: 95 })
        .withMetadata({ orientation: Number(orientation) })
        .toBuffer();
      const image = await decodeImage(bytes);
      const isTurned = Number(orientation) >= 5;
      expect([image.width, image.height]).toEqual(isTurned ? [32, 64] : [64, 32]);
      expect(difference(middles(image), order), `orientation ${orientation}`).toBeLessThanOrEqual(6);
      expect(
        difference(middles(await decodeImage(bytes, { size: 32, fit: 'stretch' })), order),
      ).toBeLessThanOrEqual(8);
    }
  });

  it('converts CMYK to sRGB', async () => {
    const muted: Colour[] = [
      [150, 90, 80],
      [100, 140, 90],
      [80, 90, 140],
      [180, 170, 120],
    ];
    const source = quarters(64, 64);
    for (let i = 0; i < source.data.length; i += 3) {
      const index = QUARTERS.findIndex((colour) => colour[0] === source.data[i]);
      source.data.set(muted[index]!, i);
    }
    const bytes = await raw(source)
      .toColourspace('cmyk')
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    expect(await sharp(bytes).metadata()).toMatchObject({ space: 'cmyk', channels: 4 });
    const image = await decodeImage(bytes);
    expect(image.data).toHaveLength(64 * 64 * 3);
    // A profile's way there and back is no identity (13 at most here); plain subtraction of inks is off by 30 and more.
    expect(difference(middles(image), muted)).toBeLessThanOrEqual(14);
  });

  it('converts an embedded colour profile to sRGB, in 8 and in 16 bits', async () => {
    const wide = await raw(quarters(32, 32)).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(wide).metadata();
    expect(stored.hasProfile).toBe(true);
    // The numbers in the file are those of the wider space, not sRGB's.
    const numbers = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
    expect(difference([[...numbers.subarray(0, 3)]], [RED])).toBeGreaterThan(10);
    expect(difference(middles(await decodeImage(wide)), QUARTERS)).toBeLessThanOrEqual(5);
    const deep = await raw(quarters(32, 32)).toColourspace('rgb16').withIccProfile('p3').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expect(difference(middles(await decodeImage(deep)), QUARTERS)).toBeLessThanOrEqual(5);
  });

  it('expands grey to three equal channels and reduces 16 bits to 8', async () => {
    const values = Uint16Array.from({ length: 16 * 16 }, (_, i) => i * 257);
    const grey16 = await sharp(values, { raw: { width: 16, height: 16, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect(await sharp(grey16).metadata()).toMatchObject({ depth: 'ushort', channels: 1 });
    const grey8 = await sharp(
      Uint8Array.from(values, (value) => value / 257),
      {
        raw: { width: 16, height: 16, channels: 1 },
      },
    )
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(grey8).metadata()).channels).toBe(1);
    const expected = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.floor(i / 3));
    expect((await decodeImage(grey16)).data).toEqual(expected);
    expect((await decodeImage(grey8)).data).toEqual(expected);
    const rgb16 = await raw(quarters(8, 8)).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(rgb16).metadata()).depth).toBe('ushort');
    expect((await decodeImage(rgb16)).data).toEqual(quarters(8, 8).data);
  });

  it('composites transparency onto white, also for grey and palette images', async () => {
    const data = new Uint8Array(8 * 8 * 4);
    for (let i = 0; i < 64; i++) data.set([200, 100, 0, i < 32 ? 0 : 128], i * 4);
    const rgba = sharp(data, { raw: { width: 8, height: 8, channels: 4 } });
    const image = await decodeImage(await rgba.clone().png().toBuffer());
    expect(pixel(image, 0, 0)).toEqual([255, 255, 255]);
    expect(difference([pixel(image, 0, 7)], [[227, 177, 127]])).toBeLessThanOrEqual(1);
    const small = await decodeImage(await rgba.clone().png().toBuffer(), { size: 4 });
    expect(pixel(small, 0, 0)).toEqual([255, 255, 255]);
    const greyAlpha = await decodeImage(
      await sharp(Uint8Array.of(0, 0, 0, 255), { raw: { width: 2, height: 1, channels: 2 } })
        .toColourspace('b-w')
        .png()
        .toBuffer(),
    );
    expect([...greyAlpha.data]).toEqual([255, 255, 255, 0, 0, 0]);
    const palette = await decodeImage(await rgba.clone().gif().toBuffer());
    expect(pixel(palette, 0, 0)).toEqual([255, 255, 255]);
  });

  it.each(['gif', 'webp'] as const)('takes the first frame of an animated %s', async (format) => {
    const frames = new Uint8Array(16 * 48 * 3);
    for (const [i, colour] of [RED, GREEN, BLUE].entries()) {
      for (let p = 0; p < 256; p++) frames.set(colour, (i * 256 + p) * 3);
    }
    const bytes = await sharp(frames, { raw: { width: 16, height: 48, channels: 3, pageHeight: 16 } })
      .toFormat(format, { lossless: true })
      .toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(3);
    const image = await decodeImage(bytes);
    expect([image.width, image.height]).toEqual([16, 16]);
    expect(difference(middles(image), [RED, RED, RED, RED])).toBeLessThanOrEqual(2);
  });

  it('crops the centre (cover) or stretches', async () => {
    // Three columns of 32 px: blue, red, green.
    const data = new Uint8Array(96 * 32 * 3);
    for (let i = 0; i < 96 * 32; i++) data.set([BLUE, RED, GREEN][Math.floor((i % 96) / 32)]!, i * 3);
    const bytes = await raw({ data, width: 96, height: 32 }).png().toBuffer();
    const cover = await decodeImage(bytes, { size: 32 });
    expect([cover.width, cover.height]).toEqual([32, 32]);
    expect(difference([pixel(cover, 0, 5), pixel(cover, 31, 5)], [RED, RED])).toBe(0);
    const stretched = await decodeImage(bytes, { size: 30, fit: 'stretch' });
    expect([stretched.width, stretched.height]).toEqual([30, 30]);
    const row = [pixel(stretched, 3, 9), pixel(stretched, 15, 9), pixel(stretched, 26, 9)];
    expect(difference(row, [BLUE, RED, GREEN])).toBeLessThanOrEqual(2);
    expect((await decodeImage(bytes, { size: 200 })).data).toHaveLength(200 * 200 * 3);
  });

  it('reduces without aliasing: a fine checkerboard becomes grey', async () => {
    const data = new Uint8Array(256 * 256 * 3);
    for (let i = 0; i < 256 * 256; i++) data.fill(((i & 1) ^ ((i >> 8) & 1)) * 255, i * 3, i * 3 + 3);
    const image = await decodeImage(await raw({ data, width: 256, height: 256 }).png().toBuffer(), {
      size: 48,
    });
    const inside = [...Array(30)].flatMap((_, y) =>
      [...Array(30)].map((__, x) => pixel(image, x + 9, y + 9)[0]!),
    );
    expect(Math.min(...inside)).toBeGreaterThan(120);
    expect(Math.max(...inside)).toBeLessThan(136);
  });

  it('decodes the new content of a changed file', async () => {
    const path = join(folder, 'a.png');
    for (const colour of [RED, BLUE]) {
      await writeFile(
        path,
        await sharp({
          create: {
            width: 4,
            height: 4,
            channels: 3,
            background: { r: colour[0], g: colour[1], b: colour[2] },
          },
        })
          .png()
          .toBuffer(),
      );
      expect(pixel(await decodeImage(path), 1, 1)).toEqual([...colour]);
    }
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const)(
    'refuses a truncated %s and names it',
    async (format) => {
      const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
      const whole = await raw({ data: noise, width: 64, height: 64 }).toFormat(format).toBuffer();
      for (const share of [0.1, 0.5, 0.9]) {
        const path = join(folder, `half.${format}`);
        await writeFile(path, whole.subarray(0, Math.floor(whole.length * share)));
        expect(await rejectionMessage(decodeImage(path, { size: 32 }))).toMatch(
          new RegExp(`^Expected an image at ${path} but found .*; replace or remove the file`),
        );
      }
    },
  );

  it('decodes 20,000 x 20,000 px, and rejects much larger images by their header', async () => {
    const huge = await decodeImage(blackPng(20_000, 20_000), { size: 16 });
    expect([huge.width, huge.height, Math.max(...huge.data)]).toEqual([16, 16, 0]);
    // 60 bytes that claim 3.6 billion pixels.
    expect(await rejectionMessage(decodeImage(blackPng(60_000, 60_000, 0), { name: 'bomb.png' }))).toBe(
      'Expected an image of at most 512 Mi pixels at bomb.png but found one of 60000 x 60000; scale it down first.',
    );
  });

  it('reports what it finds instead of an image', async () => {
    const path = (name: string) => join(folder, name);
    await writeFile(path('text.png'), 'these are words\n');
    await writeFile(path('empty.jpg'), '');
    await writeFile(
      path('drawing.png'),
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    );
    await mkdir(path('folder.png'));
    expect(await rejectionMessage(decodeImage(path('text.png')))).toContain(
      `${path('text.png')} but found a file that is not an image`,
    );
    expect(await rejectionMessage(decodeImage(path('empty.jpg')))).toContain(
      `${path('empty.jpg')} but found an empty file`,
    );
    expect(await rejectionMessage(decodeImage(path('drawing.png')))).toContain(
      'an SVG drawing; export it as PNG first',
    );
    expect(await rejectionMessage(decodeImage(path('folder.png')))).toContain('found a folder; name a file');
    expect(await rejectionMessage(decodeImage(path('gone.png')))).toContain('found nothing; check the path');
    expect(await rejectionMessage(decodeImage(new Uint8Array(0)))).toContain('the given bytes');
  });

  it.skipIf(process.getuid?.() === 0)('reports a file without read permission', async () => {
    const path = join(folder, 'secret.png');
    await encodePng(quarters(4, 4), path);
    await chmod(path, 0);
    expect(await rejectionMessage(decodeImage(path))).toMatch(
      /without permission to read it; make it readable/,
    );
  });
});

/** A PNG of one bit a pixel, so that a large one is quickly made; with fewer rows than it claims, if so asked. */
function blackPng(width: number, height: number, rows = height): Uint8Array {
  const chunk = (name: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const frame = Buffer.alloc(body.length + 8);
    frame.writeUInt32BE(data.length);
    body.copy(frame, 4);
    frame.writeUInt32BE(crc32(body), body.length + 4);
    return frame;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc(rows * (1 + Math.ceil(width / 8))), { level: 1 });
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('encodeImage', () => {
  it.each([
    ['a.png', 0],
    ['b.jpg', 4],
    ['c.JPEG', 4],
    ['d.webp', 8],
  ])('writes %s, with metadata that can be read back', async (name, tolerance) => {
    const path = join(folder, 'new', name);
    await encodeImage(quarters(40, 24), path, { seed: '7', checkpoint: 'läufe/eins' });
    const image = await decodeImage(path);
    expect([image.width, image.height]).toEqual([40, 24]);
    expect(difference(middles(image), QUARTERS)).toBeLessThanOrEqual(tolerance);
    const exif = (await sharp(path).metadata()).exif!.toString('latin1');
    const json = exif.slice(exif.indexOf('{'), exif.indexOf('}') + 1);
    expect(JSON.parse(json)).toEqual({ seed: '7', checkpoint: 'läufe/eins' });
    expect(await readdir(join(folder, 'new'))).toEqual([name]);
  });

  it('encodes the same image to the same bytes, and encodePng writes PNG under any name', async () => {
    await encodeImage(quarters(20, 20), join(folder, 'a.png'));
    await encodePng(quarters(20, 20), join(folder, 'b.part'));
    expect(await readFile(join(folder, 'a.png'))).toEqual(await readFile(join(folder, 'b.part')));
    expect((await sharp(join(folder, 'b.part')).metadata()).format).toBe('png');
  });

  it('rejects other extensions, and reports a failed write with a remedy', async () => {
    expect(await rejectionMessage(encodeImage(quarters(4, 4), join(folder, 'a.bmp')))).toMatch(
      /a.bmp; change the extension/,
    );
    await writeFile(join(folder, 'file'), '');
    const failed = encodePng(quarters(4, 4), join(folder, 'file', 'a.png'));
    await expect(failed).rejects.toThrow(RunError);
    await expect(failed).rejects.toThrow(join(folder, 'file', 'a.png'));
    expect((await stat(join(folder, 'file'))).size).toBe(0);
  });
});

describe('toFloat and fromFloat', () => {
  it('map 0..255 to -1..1 and back', () => {
    const data = Uint8Array.from({ length: 768 }, (_, i) => i % 256);
    const floats = toFloat({ data });
    expect([floats[0], floats[255], floats[51]]).toEqual([-1, 1, Math.fround(51 / 127.5 - 1)]);
    expect(fromFloat(floats, 16, 16)).toEqual({ data, width: 16, height: 16 });
  });

  it('round to the nearest and clamp', () => {
    const steps = [
      -7,
      -1,
      -1 + 0.4 / 127.5,
      -1 + 0.6 / 127.5,
      1 - 0.4 / 127.5,
      1 - 0.6 / 127.5,
      1,
      9,
      Number.NaN,
    ];
    expect([...fromFloat(Float32Array.from(steps), 3, 1).data]).toEqual([0, 0, 0, 1, 255, 254, 255, 255, 0]);
    expect(() => fromFloat(new Float32Array(10), 2, 2)).toThrow('12 values, not 10');
  });
});
