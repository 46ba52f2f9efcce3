// Portraits as PNG files.
import sharp from 'sharp';
import { Rng } from '../base/rng.js';
import type { PhotoStyle, PortraitFactors } from './factors.js';
import { portraitSvg } from './portrait.js';
import { clamp } from './svg.js';

/** Minimum blur that sharp accepts, px. */
const MIN_BLUR = 0.3;

/** Draws a portrait as a PNG of `size` px. The same factors and size give the same bytes. */
export async function rasterise(factors: PortraitFactors, size: number): Promise<Buffer> {
  const drawing = sharp(Buffer.from(portraitSvg(factors, size))).removeAlpha();
  const { style } = factors;
  if (style.manner !== 'photo') return drawing.png().toBuffer();
  const blur = (style.blur * size) / 100;
  if (blur >= MIN_BLUR) drawing.blur(blur);
  const pixels = await drawing.raw().toBuffer();
  addNoise(pixels, size, style);
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
}

/** Adds sensor noise to RGB bytes in place: brightness noise, and a weaker one between red and blue. */
function addNoise(pixels: Buffer, size: number, style: PhotoStyle): void {
  const rng = new Rng(style.detail, 'noise');
  const noise = rng.normals(size * size);
  const cast = rng.normals(size * size);
  for (let i = 0; i < size * size; i++) {
    const level = noise[i]! * style.noise;
    const colour = cast[i]! * style.noise * 0.4;
    pixels[3 * i] = clamp(Math.round(pixels[3 * i]! + level + colour), 0, 255);
    pixels[3 * i + 1] = clamp(Math.round(pixels[3 * i + 1]! + level), 0, 255);
    pixels[3 * i + 2] = clamp(Math.round(pixels[3 * i + 2]! + level - colour), 0, 255);
  }
}
