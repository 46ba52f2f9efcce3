// What all photographed hair shares: hairlines, how far it stands off the head, and its filling.
import type { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { type Head, outside, shadowOf } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { clamp, lerp, mix, type Point, svg } from './svg.js';

/** A place on the head: degrees around the axis, height. */
export type Place = readonly [degrees: number, y: number];

/** Right halves of hairlines, from the middle of the forehead to the temple. */
export const HAIRLINES: Record<
  'crop' | 'receding' | 'back' | 'middle' | 'fringe' | 'curly',
  readonly Place[]
> = {
  crop: [
    [0, -20.4],
    [16, -20.6],
    [32, -19.2],
    [45, -15.5],
    [54, -9.5],
    [61, -5],
  ],
  receding: [
    [0, -21.5],
    [9, -22],
    [19, -26],
    [32, -26.4],
    [43, -21],
    [53, -13],
    [61, -5],
  ],
  back: [
    [0, -21.6],
    [20, -21.4],
    [38, -18.6],
    [50, -13],
    [59, -7],
    [66, -1],
    [72, 4],
  ],
  middle: [
    [0, -25],
    [9, -23.4],
    [20, -20.6],
    [33, -16.6],
    [47, -9.4],
    [57, -0.5],
    [62, 9],
  ],
  fringe: [
    [0, -9.6],
    [14, -9.2],
    [26, -9.4],
    [40, -8.4],
    [51, -6],
    [58, 0],
    [63, 9],
  ],
  curly: [
    [0, -17.6],
    [14, -18.2],
    [28, -15.4],
    [44, -11.4],
    [55, -4],
    [61, 3],
    [65, 9],
  ],
};
/** The sideburn below a short hairline. */
export const SIDEBURN: readonly Place[] = [
  [64, 1.5],
  [70, 1.5],
  [73, -4.5],
];

/** How far the outline stands off the head at a height. */
export function liftOf(style: PhotoStyle, base: number, top: number): (y: number) => number {
  const hatted = style.hat !== 'none';
  return (y) => {
    const share = clamp((-y - 2) / 30, 0, 1);
    const lift = lerp(base, top, share ** 1.2);
    return hatted && y < -6 ? Math.min(lift, 1.4) : lift;
  };
}

/** Which side wide hair of a side parting falls to. */
export function partSide(style: PhotoStyle): -1 | 1 {
  return style.detail % 2 === 0 ? 1 : -1;
}

/** Whether hair of this length is worn tied. */
export function isTiedHair(content: Content, style: PhotoStyle): boolean {
  if (style.tie === 'loose' || style.hairShape === 'afro') return false;
  return style.tie === 'bun' ? content.hairLength < 0.6 : content.hairLength > 0.5;
}

/** Lower end of the hair, head units. */
export function tipOf(content: Content): number {
  return lerp(3, 54, content.hairLength);
}

/** How far the hair stands off the sides of the head. */
export function sideLift(content: Content, style: PhotoStyle): number {
  const volume = (style.hairVolume + 1) / 2;
  if (style.hairShape === 'afro') return lerp(4, 9, volume) + 2 * content.hairLength;
  if (isTiedHair(content, style)) return 0.7;
  if (style.hairShape === 'curly') return 3.4 + 2.6 * volume;
  return style.hairShape === 'back' ? 1 + volume : 1.4 + 2 * volume + 1.2 * content.hairLength;
}

/** On the near side of a turned head hair goes on behind the ear. */
export function behindEar(head: Head, side: -1 | 1): Point[] {
  if (-side * Math.sin(head.yaw) < 0.15) return [];
  return [outside(head, side, 15, 0.3), head.at(side * 114, 13), head.at(side * 101, -3)];
}

/** A shape filled with hair, and strands within it. */
export function textured(
  style: PhotoStyle,
  path: string,
  id: string,
  strands: string,
  opacity: number,
): string {
  const root = mix(style.hair, shadowOf(style.skin), 0.5);
  return svg`<clipPath id="${id}"><path d="${path}"/></clipPath><path d="${path}" fill="url(#hairFront)" fill-opacity="${opacity}"/><path d="${path}" stroke="${root}" stroke-width=".9" fill="none" stroke-opacity=".3"/><g clip-path="url(#${id})">${strands}</g>`;
}

/** Adds bumps of curls to an outline. */
export function bumpy(points: readonly Point[], rng: Rng, size: number): Point[] {
  const out: Point[] = [];
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b] = [points[i]!, points[i + 1]!];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const steps = Math.max(1, Math.round(length / 3.6));
    for (let k = 0; k < steps; k++) {
      const t = k / steps;
      const push = rng.uniform(-0.3, 1) * size;
      out.push([
        lerp(a[0], b[0], t) + ((b[1] - a[1]) / length) * push,
        lerp(a[1], b[1], t) - ((b[0] - a[0]) / length) * push,
      ]);
    }
  }
  out.push(points.at(-1)!);
  return out;
}

/** Whether hair has curls. */
export function isCurly({ hairShape }: PhotoStyle): boolean {
  return hairShape === 'curly' || hairShape === 'afro';
}

/** Places of a hairline on a head, `lift` units off the skin. @param sign 1 for the right half, -1 for the left one. */
export function onHead(
  head: Head,
  style: PhotoStyle,
  places: readonly Place[],
  sign: number,
  lift: number,
  rng: Rng,
): Point[] {
  return places.map(([degrees, y]) =>
    head.at(sign * degrees, y - (y < -10 ? 1.1 * style.forehead : 0) + rng.uniform(-0.3, 0.3), lift),
  );
}
