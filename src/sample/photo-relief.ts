// The relief of a photographed face: directions of its surface, from which its shading follows.
import type { Content } from './factors.js';
import type { Head } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { EYE_LEFT, EYE_RIGHT } from './pose.js';
import { clamp } from './svg.js';

/** A hill (or, below 0, a hollow) of Gaussian shape on a face that looks straight ahead, head units. */
type Hill = readonly [x: number, y: number, width: number, height: number, rise: number];

/** Radius of the sphere that `turned` uses. */
const RADIUS = 21;

/** Lower end of the nose, head units. */
export function noseBase(style: PhotoStyle): number {
  return 10.7 + 0.8 * style.noseLength;
}

function hillsOf(content: Content, style: PhotoStyle, yaw: number): Hill[] {
  const { age, build, lipFullness, cheeks } = style;
  const { smile, open } = content;
  const base = noseBase(style);
  const wide = 1 + 0.2 * style.noseWidth;
  // The nose stands out, so that it moves farther than the face when the head turns.
  const aside = (rise: number): number => 0.75 * rise * Math.sin(yaw);
  const gap = 2.4 * open;
  const hills: Hill[] = [
    [aside(1.6), -2, 2.1, 3.4, 1.3],
    [aside(3), 2.6, 1.8 * wide, 3.4, 2.2],
    [aside(4.4), base - 4.2, 2 * wide, 3, 2.6],
    [aside(5.6), base - 1.6, 2.5 * wide, 1.9, 3.4],
    [0, base + 2.4, 4, 1.5, -1.1],
    [0, 17, 8, 6, 1.6],
    [0, 15.6 - gap, 5 - open, 1.1, 0.7 + 0.25 * lipFullness],
    [0, 19.3 + gap, 4.6, 1.3, 1 + 0.35 * lipFullness],
    [0, 21.8 + gap, 4.5, 1.3, -1],
    [0, 25.4 + 0.6 * gap, 4.4 + 0.8 * build, 2.6, 1.7 + 0.5 * build],
    [0, -17, 13, 7, 1.6],
  ];
  for (const [side, [eyeX, eyeY]] of [[-1, EYE_LEFT] as const, [1, EYE_RIGHT] as const]) {
    hills.push(
      [aside(3.6) + side * 3.5 * wide, base - 0.9, 1.4 * wide, 1.3, 1.5],
      [eyeX - side * 1.2, eyeY - 1.8, 5, 3, -2.2 - 0.3 * build],
      [eyeX, eyeY + 0.2, 3.4, 2.3, 1.5],
      [eyeX, eyeY + 5.2, 4.4, 1.3, -0.35 - 0.6 * age],
      [eyeX + side * 0.6, -6.3, 6, 1.9, 1 + 0.5 * build],
      [side * 13.4, 7.6 - smile, 4.4, 3.4, 1.6 - 0.3 * cheeks],
      [side * 10.4, 10.2 - 0.8 * smile, 3.6, 2.8, 0.5 + 1.5 * smile + 0.6 * cheeks],
      [side * 13, 16.5, 3.6, 4.4, -1 + 1.2 * cheeks],
      [side * 18.4, -6, 3, 5, -1],
    );
  }
  // Soft tissue rounds what the bones would show.
  return hills.map(([x, y, width, height, rise]): Hill => [x, y, width, height, 0.85 * rise]);
}

/** A direction: right, down, towards the viewer. */
export type Direction = [number, number, number];

/** Returns a function that writes the direction of the face's surface at a place in head coordinates. */
export function faceNormals(
  content: Content,
  style: PhotoStyle,
  head: Head,
): (x: number, y: number, out: Direction) => void {
  const hills = Float64Array.from(hillsOf(content, style, head.yaw).flat());
  const [sin, cos] = [Math.sin(head.yaw), Math.cos(head.yaw)];
  const [lowest, highest] = [head.chin - 0.5, head.crown + 0.5];
  // Contours at every quarter of a unit, since this runs for every pixel.
  const rows = Array.from({ length: Math.ceil(4 * (lowest - highest)) + 1 }, (_, i) =>
    head.edges(highest + i / 4),
  );
  return (x, y, out) => {
    const [left, right] = rows[Math.round(4 * (clamp(y, highest, lowest) - highest))]!;
    const across = clamp((2 * x - left - right) / Math.max(4, right - left), -0.98, 0.98);
    // A face is flatter in front than an ellipsoid.
    let nx = across * Math.sqrt(Math.abs(across));
    const up = Math.max(0, (-9 - y) / 24);
    const down = Math.max(0, (y - 20) / 9);
    let ny = clamp(down * Math.sqrt(down) * 0.85 - up * Math.sqrt(up) * 0.9, -0.95, 0.95);
    let nz = Math.sqrt(Math.max(0.03, 1 - nx * nx - ny * ny));
    // The inverse of `turned`.
    const aside = clamp(x, -0.99 * RADIUS, 0.99 * RADIUS);
    const u = aside * cos - Math.sqrt(RADIUS * RADIUS - aside * aside) * sin;
    let [slopeX, slopeY] = [0, 0];
    for (let k = 0; k < hills.length; k += 5) {
      const height = hills[k + 3]!;
      const dy = (y - hills[k + 1]!) / height;
      if (dy > 2.7 || dy < -2.7) continue;
      const width = hills[k + 2]!;
      const dx = (u - hills[k]!) / width;
      const distance = dx * dx + dy * dy;
      if (distance > 7.3) continue;
      const value = hills[k + 4]! * Math.exp(-0.5 * distance);
      slopeX += (value * dx) / width;
      slopeY += (value * dy) / height;
    }
    nx += slopeX * cos;
    ny += slopeY;
    nz -= slopeX * sin;
    const length = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz + 1e-9);
    out[0] = nx * length;
    out[1] = ny * length;
    out[2] = nz * length;
  };
}
