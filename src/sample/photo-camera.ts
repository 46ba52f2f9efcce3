// The camera of photographs: lens, sensor and tone curve.
import { Rng } from '../base/rng.js';
import { blur } from './photo-planes.js';
import type { PhotoStyle } from './photo-style.js';
import { CANVAS } from './pose.js';

const CURVE_STEPS = 2048;
/** Levels by linear light from 0 to 2; highlights fade out instead of being cut. */
const CURVE = Float32Array.from({ length: CURVE_STEPS + 1 }, (_, i) => {
  const value = (2 * i) / CURVE_STEPS;
  const soft = value < 0.7 ? value : 0.7 + 0.3 * (1 - Math.exp(-(value - 0.7) / 0.3));
  return 255 * (soft <= 0.0031308 ? 12.92 * soft : 1.055 * soft ** (1 / 2.4) - 0.055);
});

/** Photographs linear light. @param image `size * size * 3` numbers; they are changed. @returns RGB bytes. */
export function develop(image: Float32Array, style: PhotoStyle, size: number): Uint8Array {
  blur(image, size, 3, (style.blur * size) / CANVAS);
  const out = new Uint8Array(image.length);
  const half = Math.ceil(size / 2);
  const grains = grainOf(style, size * size, 'noise');
  // Cameras smooth the noise of colours more than that of brightness.
  const casts = grainOf(style, 2 * half * half, 'chroma');
  const chroma = style.monochrome ? 0 : style.chromaNoise;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const i = y * size + x;
      const [dx, dy] = [x / size - 0.5, y / size - 0.5];
      // The fourth power of the cosine of the angle to the lens's axis.
      const dim = CURVE_STEPS / 2 / (1 + style.vignette * 1.4 * (dx * dx + dy * dy)) ** 2;
      let red = levelOf(image[3 * i]! * dim);
      let green = levelOf(image[3 * i + 1]! * dim);
      let blue = levelOf(image[3 * i + 2]! * dim);
      if (style.monochrome) red = green = blue = 0.3 * red + 0.59 * green + 0.11 * blue;
      const spot = (y >> 1) * half + (x >> 1);
      const grain = grains[i]! * style.noise;
      const warm = casts[spot]! * chroma;
      const magenta = casts[half * half + spot]! * chroma * 0.5;
      out[3 * i] = toByte(red + grain + warm + magenta);
      out[3 * i + 1] = toByte(green + grain - magenta);
      out[3 * i + 2] = toByte(blue + grain - warm + magenta);
    }
  return out;
}

function levelOf(step: number): number {
  return CURVE[step > CURVE_STEPS ? CURVE_STEPS : (step + 0.5) | 0]!;
}

function toByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : (value + 0.5) | 0;
}

/** Numbers of mean 0 and variance 1: sums of four bytes, nearly normal and quick to draw. */
function grainOf(style: PhotoStyle, count: number, stream: string): Float32Array {
  const rng = new Rng(style.detail, stream);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const word = rng.uint32();
    out[i] = ((word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510) / 147.8;
  }
  return out;
}
