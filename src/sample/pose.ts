// Positions of head and body, the same in both domains.
import type { Content } from './factors.js';
import { decimal, type Point, svg } from './svg.js';

/** Side of the square in which portraits are drawn, units; a head at scale 1 is 42 units wide, its origin between the eyes and the nose. */
export const CANVAS = 100;

/** SVG transforms of head and body, and the ends of the neck in body coordinates. */
export interface Pose {
  head: string;
  body: string;
  /** Middle of the head's lower end, which swings with the tilt, in body coordinates. */
  neckTop: Point;
  /** Middle of the shoulders, in body coordinates; moves about half as far as the chin. */
  neckBase: Point;
  /** Radians, clockwise. */
  tilt: number;
}

const NECK_TOP_Y = 15;
const NECK_BASE_Y = 36;

/** The pose of a content: position, size and tilt of the head, and the body below it. */
export function poseOf(content: Content): Pose {
  const x = CANVAS * (0.5 + content.x);
  const y = CANVAS * (0.5 + content.y);
  const tilt = (content.tilt * Math.PI) / 180;
  const place = svg`translate(${x} ${y}) scale(${String(content.scale)})`;
  const swing = -Math.sin(tilt) * NECK_TOP_Y;
  return {
    head: `${place} rotate(${decimal(content.tilt)})`,
    body: place,
    neckTop: [swing, Math.cos(tilt) * NECK_TOP_Y],
    neckBase: [swing * 0.6, NECK_BASE_Y],
    tilt,
  };
}

/** Wraps a drawing in an SVG document. */
export function svgDocument(size: number, definitions: string, drawing: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${CANVAS} ${CANVAS}">` +
    `<defs>${definitions}</defs>${drawing}</svg>`
  );
}
