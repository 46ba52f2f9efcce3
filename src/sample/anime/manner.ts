// What makes a family of anime portraits: all in which one artist differs from another.
import type { Rng } from '../../base/rng.js';
import type { Frame, Quad } from './frame.js';
import type { Ink } from './ink.js';
import type { BackgroundKind, EyeShape } from './kinds.js';
import type { AnimeStyle } from './style.js';

/** Half-width and half-height of an eye, head units, and how much higher its outer corner is than its inner one. */
type EyeSize = readonly [halfWidth: number, halfHeight: number, slant: number];
/** Middle and radii of an ellipse, in shares of the iris's radii. */
type Spot = readonly [x: number, y: number, rx: number, ry: number];

export interface EyeManner {
  sizes: Readonly<Record<EyeShape, EyeSize>>;
  /** How arched the upper lid is; 1 is round. */
  arch: number;
  /** Radii of the iris in shares of the eye's half-width and half-height. */
  iris: readonly [number, number];
  /** Radii of the pupil in shares of the iris's. */
  pupil: readonly [number, number];
  highlights: readonly Spot[];
  /** A pale spot at the bottom of the iris. */
  glow: Spot | undefined;
  /** Thickness of the upper lashes, head units. */
  lash: number;
  /** How far the lashes reach beyond the outer corner, head units. */
  wing: number;
  /** Number of single lashes at the outer corner. */
  flicks: number;
  /** Width of the line under the eye, and of the crease above the lid, in outline widths; 0 for none. */
  lowerLine: number;
  crease: number;
}

export interface MouthManner {
  /** Half-width of a serious and of a smiling mouth, head units. */
  width: readonly [number, number];
  /** Width of the lips' line, in outline widths. */
  line: number;
  /** Width of the outline of an open mouth, in outline widths. */
  rim: number;
  hasTeeth: boolean;
  hasLowerLip: boolean;
}

/** Heights and widths of the face's contour. */
export interface ContourManner {
  chin: number;
  /** Width of the jaw as a factor. */
  jaw: number;
  /** Half-width of the chin, head units. */
  point: number;
}

/** The manner of a family. */
export interface Manner {
  drawStyle(rng: Rng): Omit<AnimeStyle, 'manner' | 'family'>;
  inkOf(style: AnimeStyle): Ink;
  /** SVG definitions besides those of every family. */
  definitions(ink: Ink, style: AnimeStyle): string;
  eyes: EyeManner;
  mouth: MouthManner;
  contour: ContourManner;
  /** How much heavier outlines are at the lower right; 0 for even ones. */
  weight: number;
  /** How pointed locks are: 0 leaves, 1 wedges. */
  wedge: number;
  /** The nose in coordinates whose origin is its tip; it points to the right. */
  nose(ink: Ink): string;
  /** Blush of one cheek, in coordinates whose origin is its middle. */
  blush(ink: Ink): string;
  /** Shadow on the face beside the far or right cheek, if the family draws one; clipped by the head. */
  cheekShade(frame: Frame, ink: Ink): string;
  /** Shade of one lock, between its flanks from root to tip. */
  lockShade(left: Quad, right: Quad, ink: Ink): string;
  /** Shade of the crown at its right. */
  crownShade(frame: Frame, ink: Ink): string;
  /** Shine on the top of the head. */
  shine(frame: Frame, ink: Ink): string;
  /** Opacity of the shadow that the fringe throws on the face. */
  fringeShadow: number;
  backgrounds: readonly BackgroundKind[];
}
