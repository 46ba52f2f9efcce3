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

/** Angle by which a head is turned at `turn` 1, radians. */
export const MAX_YAW = Math.PI / 6;
/** Radius of the sphere on which the features of a face lie, head units. */
const FACE_RADIUS = 21;

/**
 * Where a feature of the face is on a turned head.
 * @param point its place on a head that looks straight ahead, head units; |x| is at most 20.
 * @returns the place on the turned head, and by what factor the feature's width changes there.
 */
export function turned(content: Content, [x, y]: Point): { point: Point; width: number } {
  const yaw = content.turn * MAX_YAW;
  const depth = Math.sqrt(FACE_RADIUS ** 2 - x ** 2);
  return {
    point: [x * Math.cos(yaw) + depth * Math.sin(yaw), y],
    width: Math.cos(yaw) - (x / depth) * Math.sin(yaw),
  };
}

/** Middles of eyes and mouth on a head that looks straight ahead, head units. Both domains draw them there. */
export const EYE_LEFT: Point = [-9.5, 1.5];
export const EYE_RIGHT: Point = [9.5, 1.5];
export const MOUTH: Point = [0, 17.5];

/** Places of a face's features in an image, in shares of its width and height from the upper left corner. */
export interface Landmarks {
  /** The eye on the left of the image. */
  leftEye: Point;
  rightEye: Point;
  mouth: Point;
}

/** Width of a head at scale 1, in shares of the image's width. */
export const HEAD_WIDTH = 0.42;

/** Where both domains draw eyes and mouth of a content. */
export function landmarksOf(content: Content): Landmarks {
  const tilt = (content.tilt * Math.PI) / 180;
  const place = (feature: Point): Point => {
    const [x, y] = turned(content, feature).point;
    const scale = content.scale / CANVAS;
    return [
      0.5 + content.x + scale * (x * Math.cos(tilt) - y * Math.sin(tilt)),
      0.5 + content.y + scale * (x * Math.sin(tilt) + y * Math.cos(tilt)),
    ];
  };
  return { leftEye: place(EYE_LEFT), rightEye: place(EYE_RIGHT), mouth: place(MOUTH) };
}

/** Wraps a drawing in an SVG document. */
export function svgDocument(size: number, definitions: string, drawing: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${CANVAS} ${CANVAS}">` +
    `<defs>${definitions}</defs>${drawing}</svg>`
  );
}
