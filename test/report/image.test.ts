import sharp from 'sharp';
import { expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { reportImage } from '../../src/report/image.js';

const SIZE = { width: 8, height: 8 };
const red = {
  data: new Uint8Array(16 * 12 * 3).map((_, i) => (i % 3 === 0 ? 250 : 10)),
  width: 16,
  height: 12,
};

it('encodes pixels and files alike, as WebP within the given size', async () => {
  const png = await sharp(red.data, { raw: { width: 16, height: 12, channels: 3 } })
    .png()
    .toBuffer();
  for (const source of [red, png]) {
    const { bytes, type, width, height } = await reportImage(source, SIZE);
    expect([type, width, height]).toEqual(['image/webp', 8, 6]);
    const { channels } = await sharp(bytes).stats();
    expect(channels[0]!.mean).toBeGreaterThan(240);
    expect(channels[1]!.mean).toBeLessThan(25);
  }
});

it('rejects a file that is no image', async () => {
  await expect(reportImage(new Uint8Array([1, 2, 3]), SIZE)).rejects.toThrow(InputError);
  await expect(reportImage('none.png', SIZE)).rejects.toThrow(/an image at none\.png/);
});
