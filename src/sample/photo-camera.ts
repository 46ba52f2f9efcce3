// The camera of photographs: lens, sensor and tone curve.
import { Rng } from '../base/rng.js';
import { blur } from './photo-planes.js';
import type { PhotoStyle } from './photo-style.js';
import { CANVAS } from './pose.js';
import { clamp } from './svg.js';

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
  const rng = new Rng(style.detail, 'noise');
  const noise = style.noise > 0 ? rng.normals(size * size) : undefined;
  const half = Math.ceil(size / 2);
  // Cameras smooth the noise of colours more than that of brightness.
  const casts = style.chromaNoise > 0 ? rng.normals(2 * half * half) : undefined;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const i = y * size + x;
      const radius = Math.hypot(x / size - 0.5, y / size - 0.5);
      const dim = 1 - style.vignette * 1.1 * Math.max(0, radius - 0.25) ** 1.5 * 1.6;
      const level = (c: number): number => CURVE[clamp(Math.round(image[3 * i + c]! * dim * (CURVE_STEPS / 2)), 0, CURVE_STEPS)]!;
      let [red, green, blue] = [level(0), level(1), level(2)];
      if (style.monochrome) red = green = blue = 0.3 * red + 0.59 * green + 0.11 * blue;
      const grain = noise ? noise[i]! * style.noise : 0;
      const spot = (y >> 1) * half + (x >> 1);
      const warm = casts && !style.monochrome ? casts[spot]! * style.chromaNoise : 0;
      const magenta = casts && !style.monochrome ? casts[half * half + spot]! * style.chromaNoise * 0.5 : 0;
      out[3 * i] = clamp(Math.round(red + grain + warm + magenta), 0, 255);
      out[3 * i + 1] = clamp(Math.round(green + grain - magenta), 0, 255);
      out[3 * i + 2] = clamp(Math.round(blue + grain - warm + magenta), 0, 255);
    }
  return out;
}
