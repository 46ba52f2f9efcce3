// Colour transforms of adaptive discriminator augmentation: their distributions, and one matrix for all of them.

import type { Rng } from '../../base/rng.js';

/** The colour transforms of one image, in the order in which they apply. */
export interface Colour {
  /** Added to every channel; images run from -1 to 1. */
  brightness: number;
  /** Factor on every channel. */
  contrast: number;
  /** Mirrored along the grey axis: light becomes dark, hue and saturation stay. */
  lumaFlip: boolean;
  /** Turn about the grey axis, radians. */
  hue: number;
  /** Factor on the distance from the grey axis; 0 is grey. */
  saturation: number;
}

/** An affine map of colours, `out[c] = sum over k of m[c][k] in[k] + m[c][3]`. */
export type ColourMatrix = readonly [ColourRow, ColourRow, ColourRow];
type ColourRow = readonly [number, number, number, number];

const BRIGHTNESS_DEVIATION = 0.2;
/** Deviations of binary logarithms. */
const CONTRAST_DEVIATION = 0.5;
const SATURATION_DEVIATION = 1;

/**
 * Draws the colour transforms of Karras et al. 2020, appendix B, with its distributions and constants, each independently
 * with probability `p`. Always uses the same number of random words.
 */
export function drawColour(p: number, rng: Rng): Colour {
  const orNone = <T>(drawn: T, none: T): T => (rng.uniform() < p ? drawn : none);
  return {
    brightness: orNone(rng.normal(0, BRIGHTNESS_DEVIATION), 0),
    contrast: orNone(2 ** rng.normal(0, CONTRAST_DEVIATION), 1),
    lumaFlip: orNone(rng.integer(2) === 1, false),
    hue: orNone(rng.uniform(-Math.PI, Math.PI), 0),
    saturation: orNone(2 ** rng.normal(0, SATURATION_DEVIATION), 1),
  };
}

/** A 3 x 3 matrix that treats all channels alike: `same` on its diagonal, `next` and `previous` beside it, in a circle. */
const circular = (same: number, next: number, previous: number): ColourMatrix => [
  [same, next, previous, 0],
  [previous, same, next, 0],
  [next, previous, same, 0],
];

/** `x -> outer(inner(x))`. */
function compose(outer: ColourMatrix, inner: ColourMatrix): ColourMatrix {
  const row = ([a, b, c, offset]: ColourRow): ColourRow => {
    const column = (k: number): number => a * inner[0][k]! + b * inner[1][k]! + c * inner[2][k]!;
    return [column(0), column(1), column(2), column(3) + offset];
  };
  return [row(outer[0]), row(outer[1]), row(outer[2])];
}

/** All colour transforms of an image as one map. */
export function colourMatrix({ brightness, contrast, lumaFlip, hue, saturation }: Colour): ColourMatrix {
  const lit: ColourMatrix = [
    [contrast, 0, 0, contrast * brightness],
    [0, contrast, 0, contrast * brightness],
    [0, 0, contrast, contrast * brightness],
  ];
  // Householder reflection at the plane through 0 that is perpendicular to the grey axis, (1, 1, 1) / sqrt(3).
  const flipped = lumaFlip ? circular(1 / 3, -2 / 3, -2 / 3) : circular(1, 0, 0);
  const cos = Math.cos(hue);
  const across = Math.sin(hue) / Math.sqrt(3);
  const along = (1 - cos) / 3;
  const turned = circular(cos + along, along - across, along + across);
  const grey = (1 - saturation) / 3;
  const saturated = circular(saturation + grey, grey, grey);
  return [flipped, turned, saturated].reduce((map, step) => compose(step, map), lit);
}
