// Short hair of photographs.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import {
  behindEar,
  bumpy,
  HAIRLINES,
  isCurly,
  liftOf,
  onHead,
  type Place,
  SIDEBURN,
  textured,
} from './photo-hair-common.js';
import { curls, straightStrands } from './photo-hair-strands.js';
import { type Head, outside, overCrown, smoothPath } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';

/** How far short hair stands off the top of the head. */
function topLift(content: Content, style: PhotoStyle): number {
  const volume = (style.hairVolume + 1) / 2;
  if (style.cut === 'buzz') return 0.7;
  if (style.cut === 'quiff') return 3.6 + 2.6 * volume + 6 * content.hairLength;
  return 1.3 + 1.8 * volume + 7 * content.hairLength + (isCurly(style) ? 2 : 0);
}

/** Hair whose ears are free. */
export function shortHair(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'hair');
  const { cut } = style;
  if (cut === 'bald') return '';
  if (cut === 'crown') return wreath(style, head, rng);
  const isBuzz = cut === 'buzz';
  const sides = isBuzz ? 0.3 : 0.6 + 0.4 * style.hairVolume + 2 * content.hairLength;
  const outline = overCrown(head, -5, liftOf(style, sides, topLift(content, style)));
  const line = HAIRLINES[cut === 'receding' ? 'receding' : 'crop'];
  const half = (sign: -1 | 1): [number, number][] => {
    const points = [
      ...onHead(head, style, line, sign, 0, rng),
      ...onHead(head, style, SIDEBURN, sign, 0, rng),
    ];
    return [...points, ...behindEar(head, sign).reverse()].map(([x, y]) => [x, y]);
  };
  const inner = [...half(1).reverse(), ...half(-1).slice(1)];
  const path = `${smoothPath(isCurly(style) ? bumpy(outline, rng, 1.1) : outline)}${smoothPath(inner, 'L')}Z`;
  const strands = isCurly(style)
    ? curls(style, rng, 55, -2)
    : straightStrands(style, head, isBuzz ? 30 : 44, 'short');
  return textured(style, path, 'front', strands, isBuzz ? 0.82 : 1);
}

const WREATH: readonly Place[] = [
  [61, -5],
  [61, -11],
  [68, -17],
  [80, -21],
];

/** What is left when the crown is bald: hair from the temples round the back of the head. */
function wreath(style: PhotoStyle, head: Head, rng: Rng): string {
  return ([-1, 1] as const)
    .map((side) => {
      const inner = onHead(head, style, WREATH, side, 0, rng);
      const outer = [-21, -16, -10, -5].map((y) => outside(head, side, y, 1.2));
      const burn = onHead(head, style, SIDEBURN, side, 0, rng).reverse();
      const path = `${smoothPath([...inner, ...outer])}${smoothPath(burn, 'L')}Z`;
      return textured(style, path, `wreath${side}`, straightStrands(style, head, 30, 'short'), 1);
    })
    .join('');
}
