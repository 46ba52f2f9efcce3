// The shape of a photographed head: its slices, its contour when turned, and places on it.
import type { Content } from './factors.js';
import type { PhotoStyle } from './photo-style.js';
import { MAX_YAW } from './pose.js';
import { clamp, lerp, mix, type Point, svg } from './svg.js';

/** A horizontal slice of the head, an ellipse, head units: half its width, half its depth, and how far its centre lies in front of the axis. */
interface Slice {
  width: number;
  depth: number;
  forward: number;
}

/** Slices of the mean head by height: [y, width, depth, forward]. */
const MEAN: readonly (readonly [number, number, number, number])[] = [
  [-33, 0, 0, 0],
  [-31.5, 7.6, 7.6, -0.5],
  [-28, 13.6, 14, -0.5],
  [-23, 17.4, 18, 0],
  [-16, 19.7, 20.4, 0],
  [-8, 20.4, 21, 0],
  [0, 20.2, 21, 0],
  [6, 19.7, 20.4, 0.6],
  [12, 18.1, 17.6, 3.4],
  [17, 15.6, 13.6, 7.4],
  [21, 12.4, 9.8, 10.6],
  [25, 7.9, 6, 13.4],
  [27.3, 3.9, 3, 15],
  [28.3, 0, 0, 15.6],
];

/** How much each slice of `MEAN` widens with the jaw, the cheeks and the build. */
const JAW = [0, 0, 0, 0, 0, 0, 0, 0.2, 0.8, 1.5, 1.8, 1.5, 0.9, 0];
const CHEEKS = [0, 0, 0, 0, 0, 0, 0.2, 0.7, 1.2, 1.5, 1.5, 1, 0.5, 0];

/** A head in head coordinates, turned. */
export interface Head {
  yaw: number;
  crown: number;
  chin: number;
  /** Where the contour is at a height, on the left and on the right, `lift` units off the skin. */
  edges(y: number, lift?: number): [left: number, right: number];
  /** A place on the head by its angle around the axis in degrees (0 is the face's middle), `lift` units off the skin; what is out of sight goes to the contour. */
  at(degrees: number, y: number, lift?: number): Point;
  /** The closed contour. */
  path: string;
}

/** The head of a portrait. */
export function headOf(content: Content, style: PhotoStyle): Head {
  const yaw = content.turn * MAX_YAW;
  const [sin, cos] = [Math.sin(yaw), Math.cos(yaw)];
  const crown = -33 - 1.2 * style.forehead;
  const chin = 28.3 + 1.3 * style.chin + 0.6 * style.build;
  const rows = MEAN.map(([y, width, depth, forward], i) => {
    const wider = 0.9 * JAW[i]! * (style.jaw + 0.3 * style.build) + 0.8 * CHEEKS[i]! * style.cheeks;
    const height =
      y < -8 ? -8 + ((y + 8) * (crown + 8)) / -25 : y > 17 ? 17 + ((y - 17) * (chin - 17)) / 11.3 : y;
    return { y: height, width: Math.max(0, width + wider), depth, forward };
  });
  const sliceAt = (y: number): Slice => {
    const last = rows.length - 1;
    if (y <= rows[0]!.y) return rows[0]!;
    if (y >= rows[last]!.y) return rows[last]!;
    let i = 0;
    while (rows[i + 1]!.y < y) i++;
    const [a, b] = [rows[i]!, rows[i + 1]!];
    const t = (y - a.y) / (b.y - a.y);
    // Widths near the two ends follow a circle rather than a straight line.
    const bent = i === 0 ? Math.sqrt(t) : i === last - 1 ? 1 - Math.sqrt(1 - Math.min(t, 1)) : t;
    return {
      width: lerp(a.width, b.width, bent),
      depth: lerp(a.depth, b.depth, bent),
      forward: lerp(a.forward, b.forward, t),
    };
  };
  const edges = (y: number, lift = 0): [number, number] => {
    const { width, depth, forward } = sliceAt(y);
    const reach = Math.hypot((width + lift) * cos, (depth + lift) * sin);
    return [forward * sin - reach, forward * sin + reach];
  };
  const at = (degrees: number, y: number, lift = 0): Point => {
    const { width, depth, forward } = sliceAt(y);
    const far = Math.atan2((width + lift) * cos, (depth + lift) * Math.abs(sin));
    const near = Math.PI - far;
    const angle = (degrees * Math.PI) / 180;
    const seen = sin >= 0 ? clamp(angle, -near, far) : clamp(angle, -far, near);
    return [(width + lift) * Math.sin(seen) * cos + (forward + (depth + lift) * Math.cos(seen)) * sin, y];
  };
  const inner = rows.slice(1, -1);
  const points: Point[] = [
    [0, crown],
    ...inner.map(({ y }): Point => [edges(y)[1], y]),
    [rows.at(-1)!.forward * sin, chin],
    ...inner.map(({ y }): Point => [edges(y)[0], y]).reverse(),
  ];
  return { yaw, crown, chin, edges, at, path: smoothPath([...points, points[0]!]) };
}

/** Heights at which outlines have points. */
const OUTLINE_Y = [0, -8, -16, -23, -28, -31.5];

/** A point outside the head's contour. @param side -1 left, 1 right. */
export function outside(head: Head, side: -1 | 1, y: number, lift: number): Point {
  const [left, right] = head.edges(y);
  const x = side < 0 ? left : right;
  const far = Math.hypot(x, y + 4);
  return [x * (1 + lift / far), y + (y + 4) * (lift / far)];
}

/** The outline over the crown, from the left at `fromY` to the right. */
export function overCrown(head: Head, fromY: number, lift: (y: number) => number): Point[] {
  const heights = [fromY, ...OUTLINE_Y.filter((y) => y < fromY - 2)];
  const left = heights.map((y) => outside(head, -1, y, lift(y)));
  const right = heights.map((y) => outside(head, 1, y, lift(y)));
  return [...left, [0, head.crown - lift(head.crown)], ...right.reverse()];
}

/** An open smooth path through the points (Catmull and Rom, as cubics). @param start what the path begins with: "M" or "L". */
export function smoothPath(points: readonly Point[], start: 'M' | 'L' = 'M'): string {
  const first = points[0]!;
  const last = points.at(-1)!;
  const isClosed = first[0] === last[0] && first[1] === last[1] && points.length > 2;
  const at = (i: number): Point => {
    if (i < 0) return isClosed ? points.at(i - 1)! : first;
    if (i >= points.length) return isClosed ? points[i - points.length + 1]! : last;
    return points[i]!;
  };
  let path = svg`${start}${first}`;
  for (let i = 0; i < points.length - 1; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    path += svg`C${[b[0] + (c[0] - a[0]) / 6, b[1] + (c[1] - a[1]) / 6]} ${[c[0] - (d[0] - b[0]) / 6, c[1] - (d[1] - b[1]) / 6]} ${c}`;
  }
  return path;
}

/** The colour of skin where less light gets: darker and redder. */
export function shadowOf(skin: string): string {
  return mix(mix(skin, '#7a2418', 0.3), '#1c0805', 0.32);
}
