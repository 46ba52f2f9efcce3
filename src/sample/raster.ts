// Portraits as PNG files.
import sharp from 'sharp';
import { animeSvg } from './anime.js';
import type { Content, PhotoStyle, PortraitFactors } from './factors.js';
import { photoLayersSvg } from './photo.js';
import { develop } from './photo-camera.js';
import { compose } from './photo-compose.js';

/** Noise cannot be compressed, so that a higher level takes longer for the same size. */
const NOISY_PNG = { compressionLevel: 4 };

/** Draws a portrait as a PNG of `size` px. The same factors and size give the same bytes. */
export async function rasterise({ content, style }: PortraitFactors, size: number): Promise<Buffer> {
  if (style.manner === 'photo') return photograph(content, style, size);
  return sharp(Buffer.from(animeSvg(content, style, size)))
    .removeAlpha()
    .png()
    .toBuffer();
}

async function photograph(content: Content, style: PhotoStyle, size: number): Promise<Buffer> {
  const layers = await sharp(Buffer.from(photoLayersSvg(content, style, size)))
    .ensureAlpha()
    .raw()
    .toBuffer();
  const pixels = develop(compose(content, style, layers, size), style, size);
  const image = sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
  const stored = style.jpeg === 100 ? image : sharp(await image.jpeg({ quality: style.jpeg }).toBuffer());
  return stored.png(NOISY_PNG).toBuffer();
}
