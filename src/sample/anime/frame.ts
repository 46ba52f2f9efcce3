// A turned head's surface: where locks, ears and the contour of the face lie at the head's turn.
import type { Content } from '../factors.js';
import { MAX_YAW } from '../pose.js';
import { clamp, lerp, type Point } from '../svg.js';

/** Half the width of hair that lies on the head, its lowest full width, and its top, head units. */
const RADIUS = 23.6;
const WIDEST_Y = -6;
export const CROWN_Y = -34;

/** The surface of a turned head, in head coordinates. */
export interface Frame {
  /** -1 to 1, as in the content. */
  turn: number;
  /** Degrees by which the surface is turned to the right of the image. */
  yaw: number;
  /**
   * The place on the surface at an angle from the front and at a height.
   * @param degrees -90 is the left of the image, 90 the right, before the turn; what would lie behind comes to the edge.
   * @param reach distance above the surface.
   */
  at(degrees: number, y: number, reach?: number): Point;
  /** Shift to the right of something at a depth; positive depths are before the middle of the head. */
  shift(depth: number): number;
}

export function frameOf(content: Content): Frame {
  const yaw = content.turn * MAX_YAW;
  // The skull reaches farther to the back than to the front.
  const skull = -1.5 * Math.sin(yaw);
  return {
    turn: content.turn,
    yaw: (yaw * 180) / Math.PI,
    shift: (depth) => depth * Math.sin(yaw),
    at(degrees, y, reach = 0) {
      const angle = clamp((degrees * Math.PI) / 180 + yaw, -Math.PI / 2, Math.PI / 2);
      const up = clamp((WIDEST_Y - y) / (WIDEST_Y - CROWN_Y), 0, 1);
      const radius = RADIUS * Math.sqrt(1 - up ** 2) + reach;
      return [radius * Math.sin(angle) + skull, y];
    },
  };
}

/** A quadratic curve. */
export type Quad = readonly [from: Point, control: Point, to: Point];

/** The part of a quadratic curve from `t` in [0, 1] to its end. */
export function endOf([a, b, c]: Quad, t: number): Quad {
  const between = (p: Point, q: Point): Point => [lerp(p[0], q[0], t), lerp(p[1], q[1], t)];
  return [between(between(a, b), between(b, c)), between(b, c), c];
}

/** The side to which a head is turned, which is the far one. */
export function farSide(frame: Frame): -1 | 1 {
  return frame.turn < 0 ? -1 : 1;
}
