import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { Rng } from '../../../src/base/rng.js';

/** An image of coloured rectangles, which differ from seed to seed. */
export function blocks(seed: number, size = 64): Sharp {
  const rng = new Rng(seed, 'blocks');
  const data = new Uint8Array(size * size * 3).fill(120);
  for (let block = 0; block < 24; block++) {
    const colour = [rng.integer(256), rng.integer(256), rng.integer(256)];
    const [left, top] = [rng.integer(size), rng.integer(size)];
    const [width, height] = [4 + rng.integer(size / 2), 4 + rng.integer(size / 2)];
    for (let y = top; y < Math.min(size, top + height); y++) {
      for (let x = left; x < Math.min(size, left + width); x++) data.set(colour, (y * size + x) * 3);
    }
  }
  return sharp(data, { raw: { width: size, height: size, channels: 3 } });
}

/** Writes an image, with the folders above it. */
export async function put(path: string, image: Sharp): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await image.toFile(path);
}
