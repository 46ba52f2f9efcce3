// Geometric transforms of adaptive discriminator augmentation: their distributions, and one sampling matrix for all of them.

import type { Rng } from '../../base/rng.js';
import { type AffineMatrix, composeAffine } from '../warp.js';

/** The geometric transforms of one image, in the order in which they apply. Lengths are px, angles radians. */
export interface Geometry {
  /** Mirrored left to right. */
  flip: boolean;
  /** Turns by 90 degrees, 0 to 3. */
  quarterTurns: number;
  /** Whole pixels. */
  shift: readonly [x: number, y: number];
  /** Above 1 enlarges. */
  scale: number;
  rotationBefore: number;
  /** Widens by this factor and flattens by it. */
  stretch: number;
  rotationAfter: number;
  /** Shift that may include fractions of pixels. */
  drift: readonly [x: number, y: number];
}

/** Probability of each transform in the two stages that move pixels. */
export interface GeometryStrength {
  /** Flips, quarter turns and shifts by whole pixels, which need no resampling. */
  blit: number;
  /** Scale, rotation, stretch, drift. */
  geometry: number;
}

/** Largest shift by whole pixels in either direction, as a fraction of the image. */
const SHIFT = 0.125;
/** Deviations of the binary logarithms of scale and stretch. */
const SCALE_DEVIATION = 0.2;
const STRETCH_DEVIATION = 0.2;
/** Deviation of the drift along each axis, as a fraction of the image. */
const DRIFT_DEVIATION = 0.125;

/**
 * Draws the pixel blits and the geometric transforms of Karras et al. 2020, "Training Generative Adversarial Networks
 * with Limited Data", appendix B, with its distributions and constants. Each transform occurs independently with the
 * probability of its stage; the two rotations, before and after the stretch, together have that probability. With
 * `drawColour` this is the paper's best pipeline, "bgc"; it lacks filtering, noise and cutout, which the paper found no
 * more useful. Always uses the same number of random words.
 *
 * @param size side of the image, px.
 */
export function drawGeometry({ blit, geometry }: GeometryStrength, size: number, rng: Rng): Geometry {
  // Every value is drawn, even if it is not used, so that the draws do not depend on p.
  const orNone = <T>(drawn: T, none: T, p: number): T => (rng.uniform() < p ? drawn : none);
  const shiftAlong = (): number => Math.round(rng.uniform(-SHIFT, SHIFT) * size);
  const angle = (): number => rng.uniform(-Math.PI, Math.PI);
  const driftAlong = (): number => rng.normal(0, DRIFT_DEVIATION * size);
  const eitherRotation = 1 - Math.sqrt(1 - geometry);
  const none = [0, 0] as const;
  return {
    flip: orNone(rng.integer(2) === 1, false, blit),
    quarterTurns: orNone(rng.integer(4), 0, blit),
    shift: orNone<Geometry['shift']>([shiftAlong(), shiftAlong()], none, blit),
    scale: orNone(2 ** rng.normal(0, SCALE_DEVIATION), 1, geometry),
    rotationBefore: orNone(angle(), 0, eitherRotation),
    stretch: orNone(2 ** rng.normal(0, STRETCH_DEVIATION), 1, geometry),
    rotationAfter: orNone(angle(), 0, eitherRotation),
    drift: orNone<Geometry['drift']>([driftAlong(), driftAlong()], none, geometry),
  };
}

/** The inverse of a rotation with this cosine and sine. */
const inverseRotation = (cos: number, sin: number): AffineMatrix => [cos, sin, 0, -sin, cos, 0];
/** The inverse of a shift. */
const inverseShift = ([x, y]: readonly [number, number]): AffineMatrix => [1, 0, -x, 0, 1, -y];

/** Exact values for turns by 90 degrees: `Math.cos(Math.PI / 2)` is not 0. */
const QUARTER_COSINES = [1, 0, -1, 0];
const QUARTER_SINES = [0, 1, 0, -1];

/** The map from a pixel of the transformed image to the position that it samples, about the centre; positions are px. */
export function samplingMatrix(geometry: Geometry, size: number): AffineMatrix {
  const { flip, quarterTurns, shift, scale, rotationBefore, stretch, rotationAfter, drift } = geometry;
  const steps: AffineMatrix[] = [
    [flip ? -1 : 1, 0, 0, 0, 1, 0],
    inverseRotation(QUARTER_COSINES[quarterTurns]!, QUARTER_SINES[quarterTurns]!),
    inverseShift(shift),
    [1 / scale, 0, 0, 0, 1 / scale, 0],
    inverseRotation(Math.cos(rotationBefore), Math.sin(rotationBefore)),
    [1 / stretch, 0, 0, 0, stretch, 0],
    inverseRotation(Math.cos(rotationAfter), Math.sin(rotationAfter)),
    inverseShift(drift),
  ];
  const centre = (size - 1) / 2;
  const fromCentre: AffineMatrix = [1, 0, -centre, 0, 1, -centre];
  return composeAffine(
    inverseShift([-centre, -centre]),
    composeAffine(steps.reduce(composeAffine), fromCentre),
  );
}
