// Beards of photographed faces.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { type Head, smoothPath } from './photo-head.js';
import { noseBase } from './photo-relief.js';
import type { PhotoStyle } from './photo-style.js';
import { MOUTH, turned } from './pose.js';
import { lerp, mix, type Point, svg } from './svg.js';

/** The beard of a face, below its mouth; nothing without one. */
export function photoBeard(content: Content, style: PhotoStyle, head: Head): string {
  const { beard } = style;
  if (beard === 'none') return '';
  const colour = mix(style.hair, style.skin, 0.1);
  const moustache = moustachePath(content, style);
  if (beard === 'moustache')
    return (
      filled(moustache, colour, 0.85) +
      hairs(content, style, head, 34, [-8, 8], [noseBase(style) + 1.4, 15.6])
    );
  if (beard === 'goatee') {
    const chins = [7.4, 6.6, 5.8]
      .map((width) => filled(chinPath(content, head, width), colour, 0.42))
      .join('');
    return filled(moustache, colour, 0.7) + chins + hairs(content, style, head, 60, [-8, 8], [13, head.chin]);
  }
  const length = beard === 'full' ? 4.5 : beard === 'short' ? 1 : 0;
  const dense = beard === 'stubble' ? 0.2 : beard === 'short' ? 0.62 : 0.9;
  const count = beard === 'stubble' ? 110 : beard === 'short' ? 110 : 90;
  // The edge fades: three regions, each smaller, over each other.
  const regions = [0, 1.1, 2.2].map((inset) =>
    filled(beardPath(head, inset, length), colour, lerp(0.2, 0.6, dense) * dense * 1.25),
  );
  const bare = svg`${turned(content, MOUTH).point}`;
  const lip =
    beard === 'stubble'
      ? ''
      : svg`<ellipse cx="${bare.split(' ')[0]!}" cy="21.4" rx="2.6" ry=".9" fill="${style.skin}" fill-opacity=".25"/>`;
  return (
    regions.join('') +
    filled(moustache, colour, dense * 0.75) +
    hairs(content, style, head, count, [-17, 17], [9, head.chin + length]) +
    lip
  );
}

function filled(path: string, colour: string, opacity: number): string {
  return svg`<path d="${path}" fill="${colour}" fill-opacity="${opacity}"/>`;
}

/** Cheeks, jaw and chin. @param inset how far the upper edge lies below the beard's full one. */
function beardPath(head: Head, inset: number, length: number): string {
  const upper: Point[] = [
    head.at(-80, 1 + inset),
    head.at(-68, 8 + inset),
    head.at(-50, 13.4 + inset),
    head.at(-36, 14 + inset),
    head.at(-24, 12.6 + inset * 0.6),
    head.at(0, 12.4 + inset * 0.3),
    head.at(24, 12.6 + inset * 0.6),
    head.at(36, 14 + inset),
    head.at(50, 13.4 + inset),
    head.at(68, 8 + inset),
    head.at(80, 1 + inset),
  ];
  const lift = length * 0.5;
  const lower: Point[] = [9, 15, 20, 24, 26.6].map(
    (y): Point => [head.edges(y, lift)[1], y + length * ((y - 9) / 18)],
  );
  const [left, right] = head.edges(head.chin - 0.3);
  const chin: Point = [(left + right) / 2, head.chin + length];
  const back: Point[] = [26.6, 24, 20, 15, 9].map(
    (y): Point => [head.edges(y, lift)[0], y + length * ((y - 9) / 18)],
  );
  return `${smoothPath(upper)}${smoothPath([...lower, chin, ...back], 'L')}Z`;
}

function chinPath(content: Content, head: Head, width: number): string {
  const at = (x: number, y: number): Point => turned(content, [x, y]).point;
  const points = [
    at(-width, 15.6),
    at(-width * 0.92, 20),
    at(-width * 0.7, head.chin - 1.6),
    at(0, head.chin + 1),
    at(width * 0.7, head.chin - 1.6),
    at(width * 0.92, 20),
    at(width, 15.6),
    at(width * 0.6, 19.6),
    at(0, 20.2),
    at(-width * 0.6, 19.6),
  ];
  return `${smoothPath([...points, points[0]!])}Z`;
}

function moustachePath(content: Content, style: PhotoStyle): string {
  const y = noseBase(style) + 1.5;
  const w = 7.4 + content.smile;
  const drop = 17.6 - 1.4 * content.smile;
  const at = (x: number, height: number): Point => turned(content, [x, height]).point;
  const points = [
    at(0, y + 0.5),
    at(w * 0.45, y),
    at(w * 0.9, y + 2.4),
    at(w * 1.05, drop),
    at(w * 0.7, 15.7),
    at(0, 15.4),
    at(-w * 0.7, 15.7),
    at(-w * 1.05, drop),
    at(-w * 0.9, y + 2.4),
    at(-w * 0.45, y),
  ];
  return `${smoothPath([...points, points[0]!])}Z`;
}

/** Short hairs that point down. */
function hairs(
  content: Content,
  style: PhotoStyle,
  head: Head,
  count: number,
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
): string {
  const rng = new Rng(style.detail, 'beard');
  const isStubble = style.beard === 'stubble';
  const paths = ['', '', ''];
  for (let i = 0; i < count; i++) {
    const u = rng.uniform(left, right);
    const lowest = Math.max(top + 2, bottom - 0.03 * u * u);
    const y = rng.uniform(Math.max(top, top + 6 - Math.max(0, Math.abs(u) - 3) * 0.5), lowest);
    // No hair grows on the lips.
    if (Math.abs(u) < 8 && Math.abs(y - MOUTH[1]) < 3 + 2.5 * content.open) continue;
    const [edgeLeft, edgeRight] = head.edges(Math.min(y, head.chin - 1));
    const x = turned(content, [u, y]).point[0];
    if (x < edgeLeft + 0.4 || x > edgeRight - 0.4) continue;
    paths[i % 3] +=
      svg`M${x} ${y}l${rng.uniform(-0.5, 0.5) + u * 0.02} ${isStubble ? 0.5 : rng.uniform(0.9, 2)}`;
  }
  return paths
    .map((path, i) => {
      const colour = mix(style.hair, ['#d8c8b4', '#060404', '#060404'][i]!, 0.25 + 0.1 * i);
      return svg`<path d="${path}" stroke="${colour}" stroke-width=".45" stroke-linecap="round" fill="none" stroke-opacity="${isStubble ? 0.35 : 0.5}"/>`;
    })
    .join('');
}
