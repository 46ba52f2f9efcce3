// The light of photographs: how bright a surface is by its direction.
import type { Direction } from './photo-relief.js';
import type { PhotoStyle } from './photo-style.js';

/** How far light reaches round a surface, by channel; skin glows red where the light ends. */
const SKIN_WRAP = [0.42, 0.26, 0.18] as const;
const CLOTH_WRAP = [0.25, 0.25, 0.25] as const;

/** The light of a photograph. */
export interface Light {
  /** Where the light comes from. */
  direction: Direction;
  /** Writes the colour of a surface in linear light in [0, 1] and above. */
  shade(albedo: Direction, normal: Direction, shadow: number, isSkin: boolean, out: Direction): void;
  /** Factors of the background, by channel. */
  background: Direction;
}

function unitVector(x: number, y: number, z: number): Direction {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

function reach(cosine: number, wrap: number): number {
  return Math.max(0, (cosine + wrap) / (1 + wrap));
}

/** The light of a style. */
export function lightOf(style: PhotoStyle): Light {
  const { contrast, rim, warmth } = style;
  const direction = unitVector(1.25 * style.light, -0.15 - 0.9 * style.lightHeight, 0.75);
  const [lx, ly, lz] = direction;
  const half = unitVector(lx, ly, lz + 1);
  const rimSide = -Math.sign(style.light || 1);
  const exposure = 2 ** style.exposure;
  const balance: Direction = [1 + 0.13 * warmth, 1, 1 - 0.17 * warmth];
  // The mean over directions that a face has is 1, so that the kind of light does not change the exposure.
  const mean = [-0.6, 0, 0.6].reduce((sum, x) => sum + reach(x * lx + 0.8 * lz, 0.28), 0) / 3;
  const key = (contrast / Math.max(0.2, mean)) * exposure;
  const fill = (1 - contrast) * exposure;
  const keyTint = [1.03, 1, 0.95];
  const fillTint = [0.96, 1, 1.07];
  const shade: Light['shade'] = (albedo, normal, shadow, isSkin, out) => {
    const [nx, ny, nz] = normal;
    const cosine = nx * lx + ny * ly + nz * lz;
    const sky = 0.88 - 0.24 * ny;
    const away = Math.max(0, 1 - nz);
    const edge = rim * 1.7 * away * away * (0.65 + 0.5 * nx * rimSide) * exposure;
    const gloss = Math.max(0, nx * half[0] + ny * half[1] + nz * half[2]);
    // Powers by multiplication: this runs for every pixel.
    const gloss4 = gloss * gloss * gloss * gloss;
    const gloss8 = gloss4 * gloss4;
    const shine =
      key * shadow * (isSkin ? 0.075 * gloss8 * gloss8 * gloss4 + 0.05 * gloss8 : 0.035 * gloss8 * gloss4);
    const wraps = isSkin ? SKIN_WRAP : CLOTH_WRAP;
    const direct = key * shadow;
    const ambient = fill * sky * (0.45 + 0.55 * shadow);
    for (let c = 0; c < 3; c++) {
      const wrap = wraps[c]!;
      const lit = cosine > -wrap ? direct * keyTint[c]! * ((cosine + wrap) / (1 + wrap)) : 0;
      out[c] = (albedo[c]! * (lit + ambient * fillTint[c]! + edge) + shine + 0.06 * edge) * balance[c]!;
    }
  };
  const behind = exposure * (1 + 1.1 * rim) * (1 - 0.75 * Math.max(0, contrast - 0.8) * 5 * 0.8);
  return { direction, shade, background: [balance[0] * behind, behind, balance[2] * behind] };
}
