// Hair of photographs that is long enough to fall or to be tied.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import {
  behindEar,
  bumpy,
  HAIRLINES,
  isCurly,
  isTiedHair,
  liftOf,
  onHead,
  type Place,
  partSide,
  sideLift,
  textured,
  tipOf,
} from './photo-hair-common.js';
import { braids, bunOf, curls, hairColours, ponytail, straightStrands } from './photo-hair-strands.js';
import { type Head, outside, overCrown, smoothPath } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { clamp, lerp, mix, type Point, svg } from './svg.js';

/** Whether hair is combed away from the face, so that the ears are free. */
function isCombedBack(content: Content, style: PhotoStyle): boolean {
  return style.hairShape === 'back' || style.hairShape === 'afro' || isTiedHair(content, style);
}

function topLift(content: Content, style: PhotoStyle): number {
  const volume = (style.hairVolume + 1) / 2;
  if (style.hairShape === 'afro') return 8 + 5 * volume;
  if (style.hairShape === 'curly') return 4 + 2.5 * volume;
  return 1.6 + 2 * volume - (isTiedHair(content, style) ? 1.2 : 0);
}

/** Halves of the hairline from the middle to the temples. */
function hairline(
  content: Content,
  style: PhotoStyle,
  head: Head,
  rng: Rng,
): { right: Point[]; left: Point[] } {
  const { hairShape } = style;
  const back = isCombedBack(content, style);
  if (hairShape === 'side' && !back) {
    const s = partSide(style);
    const wide = onHead(head, style, SIDE_WIDE, s, 0.6, rng);
    const narrow = onHead(head, style, SIDE_NARROW, -s, 0.6, rng);
    return s > 0 ? { right: wide, left: narrow } : { right: narrow, left: wide };
  }
  let line: readonly Place[] =
    HAIRLINES[
      back && hairShape !== 'fringe'
        ? 'back'
        : hairShape === 'side' || hairShape === 'back' || hairShape === 'afro'
          ? 'middle'
          : hairShape
    ];
  if (hairShape === 'afro') line = [...HAIRLINES.crop, [66, 2], [70, 7]];
  if (back && hairShape === 'fringe') line = [...line.slice(0, -1), [70, 5]];
  return {
    right: onHead(head, style, line, 1, 0.6, rng),
    left: onHead(head, style, line.slice(1), -1, 0.6, rng),
  };
}

/** The part of a side parting that falls over the forehead, and the other one; degrees to the side it falls to. */
const SIDE_WIDE: readonly Place[] = [
  [-22, -26],
  [-4, -20],
  [20, -14.6],
  [40, -9],
  [54, -1],
  [62, 9],
];
const SIDE_NARROW: readonly Place[] = [
  [32, -21],
  [44, -14.6],
  [56, -5],
  [63, 9],
];

/** The hair over forehead and temples, and what hangs before the shoulders. */
export function longHair(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'hair');
  const curly = isCurly(style);
  const back = isCombedBack(content, style);
  const tip = Math.min(tipOf(content), 46);
  const hangs = !back && tip > 8;
  let { right, left } = hairline(content, style, head, rng);
  const sides = sideLift(content, style);
  let outline = overCrown(head, hangs ? 9 : 4, liftOf(style, sides, topLift(content, style)));
  if (hangs) {
    const inner = ([x]: Point, side: -1 | 1): Point => [
      x + side * lerp(0.5, 2.4, content.hairLength),
      lerp(9, tip, 0.8),
    ];
    outline = [
      ...curtain(style, head, -1, tip, sides, rng).reverse(),
      ...outline,
      ...curtain(style, head, 1, tip, sides, rng),
    ];
    right = [...right, inner(right.at(-1)!, 1)];
    left = [...left, inner(left.at(-1)!, -1)];
  } else if (style.hairShape !== 'afro') {
    right = [...right, ...behindEar(head, 1).reverse()];
    left = [...left, ...behindEar(head, -1).reverse()];
  }
  const shape = curly ? bumpy(outline, rng, style.hairShape === 'afro' ? 1.6 : 2) : outline;
  const path = `${smoothPath(shape)}${smoothPath([...right.reverse(), ...left], 'L')}Z`;
  const strands = curly
    ? curls(style, rng, style.hairShape === 'afro' ? 80 : 56, hangs ? tip : 8)
    : straightStrands(style, head, 44, back ? 'back' : 'long', tip);
  const plaits = style.tie === 'braids' && isTiedHair(content, style) ? braids(style, head, tip) : '';
  return textured(style, path, 'front', strands, 1) + plaits;
}

/** The outer edge of hair that hangs before a shoulder, from above. */
function curtain(style: PhotoStyle, head: Head, side: -1 | 1, tip: number, lift: number, rng: Rng): Point[] {
  const [x] = outside(head, side, 6, lift);
  const wave = style.hairWave * rng.uniform(-1.4, 1.4);
  return [
    [x + side * (0.8 + wave), lerp(10, tip, 0.5)],
    [x + side * (-1.6 + wave), tip - 1.5],
    [x - side * 4, tip],
  ];
}

/** The hair behind neck and shoulders. */
export function hairBehind(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'behind');
  const { dark } = hairColours(style);
  const lift = sideLift(content, style);
  const tied = isTiedHair(content, style);
  const afro = style.hairShape === 'afro';
  const curly = isCurly(style);
  const tip = tied ? 14 : afro ? Math.min(tipOf(content), 20) : tipOf(content);
  const outline = overCrown(head, 4, liftOf(style, lift * 0.9, lift * 0.9));
  const narrow = tied || tip < 22 ? 5 * clamp((24 - tip) / 16, 0, 1) : 0;
  const end = (side: -1 | 1): Point[] => {
    const [x] = outside(head, side, 4, lift);
    const wave = style.hairWave * 1.6 * rng.uniform(-1, 1);
    return [
      [x + side * (0.6 + wave - narrow * 0.3), lerp(4, tip, 0.5)],
      [x + side * (1 - wave - narrow), tip - 1.5],
      [x * 0.55, tip + rng.uniform(0, 2)],
    ];
  };
  const points = [...end(-1).reverse(), ...outline, ...end(1)];
  const shaped = curly ? bumpy(points, rng, 2) : points;
  const path = `${smoothPath([...shaped, shaped[0]!])}Z`;
  const strands = curly ? curls(style, rng, 40, tip) : straightStrands(style, head, 26, 'behind', tip);
  const inside = curly
    ? svg`<clipPath id="behind"><path d="${path}"/></clipPath><g clip-path="url(#behind)">${strands}</g>`
    : strands;
  const body = svg`<path d="${path}" fill="${mix(style.hair, dark, 0.5)}"/>${inside}`;
  if (!tied) return body;
  if (style.tie === 'ponytail') return ponytail(style, head, tipOf(content)) + body;
  return style.tie === 'bun' && style.hat === 'none' ? body + bunOf(style, head) : body;
}
