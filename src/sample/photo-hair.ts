// Outlines and hairlines of photographed hair.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { braids, bunOf, curls, hairColours, ponytail, straightStrands } from './photo-hair-strands.js';
import { type Head, shadowOf, smoothPath } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { clamp, lerp, mix, type Point, svg } from './svg.js';

/** Hair in head coordinates: the part behind the body, the part over the face, and the definitions of both. */
export interface HairLayers {
  behind: string;
  front: string;
  definitions: string;
}

/** A place on the head: degrees around the axis, height. */
type Place = readonly [degrees: number, y: number];

/** Right halves of hairlines, from the middle of the forehead to the temple. */
const HAIRLINES: Record<string, readonly Place[]> = {
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
const SIDEBURN: readonly Place[] = [
  [64, 1.5],
  [70, 1.5],
  [73, -4.5],
];

/** Heights at which outlines have points. */
const OUTLINE_Y = [0, -8, -16, -23, -28, -31.5];

/** Whether the content's hair is short; a man's is cut shorter than a woman's at one length. */
export function isShort(content: Content, style: PhotoStyle): boolean {
  return content.hairLength < (style.build > 0 ? 0.3 : 0.18);
}

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

/** Hair of a photographic portrait. */
export function photoHair(content: Content, style: PhotoStyle, head: Head): HairLayers {
  if (style.hat === 'scarf') return { behind: '', front: '', definitions: '' };
  const short = isShort(content, style);
  const { hair } = style;
  const { dark, lit } = hairColours(style);
  const definitions = svg`<linearGradient id="hairFront" gradientUnits="userSpaceOnUse" x1="0" y1="-38" x2="0" y2="40"><stop offset="0" stop-color="${mix(hair, lit, 0.35)}"/><stop offset=".25" stop-color="${hair}"/><stop offset="1" stop-color="${mix(hair, dark, 0.35)}"/></linearGradient>`;
  if (short && style.cut === 'bald') return { behind: '', front: '', definitions };
  const front = short ? shortHair(content, style, head) : longHair(content, style, head);
  const behind = short ? '' : hairBehind(content, style, head);
  return { behind, front, definitions };
}

/** How far the outline stands off the head at a height. */
function liftOf(style: PhotoStyle, base: number, top: number): (y: number) => number {
  const hatted = style.hat !== 'none';
  return (y) => {
    const share = clamp((-y - 2) / 30, 0, 1);
    const lift = lerp(base, top, share ** 1.2);
    return hatted && y < -6 ? Math.min(lift, 1.4) : lift;
  };
}

function shortHair(_content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'hair');
  const { cut } = style;
  const curly = style.hairShape === 'curly' || style.hairShape === 'afro';
  const volume = (style.hairVolume + 1) / 2;
  const top =
    cut === 'buzz'
      ? 0.7
      : cut === 'quiff'
        ? 4.5 + 3.5 * volume
        : cut === 'crown'
          ? 0
          : 1.8 + 2.4 * volume + (curly ? 2 : 0);
  const lift = liftOf(style, cut === 'buzz' ? 0.3 : 0.9 + 0.8 * volume, top);
  const up = -1.1 * style.forehead;
  const high = (places: readonly Place[], sign: number): Point[] =>
    places.map(([degrees, y]) => head.at(sign * degrees, y + (y < -10 ? up : 0) + rng.uniform(-0.3, 0.3)));
  const opacity = cut === 'buzz' ? 0.82 : 1;
  if (cut === 'crown') {
    // Only a wreath is left, from the temples round the back of the head.
    return ([-1, 1] as const)
      .map((side) => {
        const inner = high(
          [
            [61, -5],
            [61, -11],
            [68, -17],
            [80, -21],
          ],
          side,
        );
        const outer = [-21, -16, -10, -5].map((y) => outside(head, side, y, 1.2));
        const burn = high(SIDEBURN, side).reverse();
        const path = `${smoothPath([...inner, ...outer])}${smoothPath(burn, 'L')}Z`;
        return textured(style, path, `wreath${side}`, straightStrands(style, head, 30, 'short'), opacity);
      })
      .join('');
  }
  const line = HAIRLINES[cut === 'receding' ? 'receding' : 'crop']!;
  const outline = overCrown(head, -5, lift);
  const rightPart = [...behindEar(head, 1), ...high(SIDEBURN, 1).reverse(), ...high(line, 1).reverse()];
  const leftPart = [...high(line.slice(1), -1), ...high(SIDEBURN, -1), ...behindEar(head, -1).reverse()];
  const path = `${smoothPath(curly ? bumpy(outline, rng, 1.1) : outline)}${smoothPath([...rightPart, ...leftPart], 'L')}Z`;
  const strands = curly
    ? curls(style, rng, 70, -2)
    : straightStrands(style, head, cut === 'buzz' ? 40 : 70, 'short');
  return textured(style, path, 'front', strands, opacity);
}

/** On the near side of a turned head hair goes on behind the ear. */
function behindEar(head: Head, side: -1 | 1): Point[] {
  if (-side * Math.sin(head.yaw) < 0.15) return [];
  return [outside(head, side, 15, 0.3), head.at(side * 114, 13), head.at(side * 101, -3)];
}

function longHair(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'hair');
  const { hairShape, tie } = style;
  const volume = (style.hairVolume + 1) / 2;
  const isAfro = hairShape === 'afro';
  const curly = hairShape === 'curly' || isAfro;
  const isTied = isTiedHair(content, style);
  const back = hairShape === 'back' || isTied || isAfro;
  const lift = liftOf(
    style,
    sideLift(content, style),
    isAfro ? 8 + 5 * volume : curly ? 4 + 2.5 * volume : 1.6 + 2 * volume - (isTied ? 1.2 : 0),
  );
  const up = -1.1 * style.forehead;
  const spread = (places: readonly Place[], sign: number): Point[] =>
    places.map(([degrees, y]) =>
      head.at(sign * degrees, y + (y < -12 ? up : 0) + rng.uniform(-0.35, 0.35), 0.6),
    );
  const name =
    hairShape === 'fringe'
      ? 'fringe'
      : isAfro
        ? 'crop'
        : back
          ? 'back'
          : hairShape === 'curly'
            ? 'curly'
            : 'middle';
  let line = HAIRLINES[name]!;
  if (isAfro) line = [...line, [66, 2], [70, 7]];
  if (isTied && hairShape === 'fringe') line = [...line.slice(0, -1), [70, 5]];
  let right = spread(line, 1);
  let left = spread(line.slice(1), -1);
  if (hairShape === 'side' && !back) {
    const s = partSide(style);
    const wide: Place[] = [
      [-s * 22, -26],
      [-s * 4, -20],
      [s * 20, -14.6],
      [s * 40, -9],
      [s * 54, -1],
      [s * 62, 9],
    ];
    const tight: Place[] = [
      [-s * 32, -21],
      [-s * 44, -14.6],
      [-s * 56, -5],
      [-s * 63, 9],
    ];
    const place = ([degrees, y]: Place): Point => head.at(degrees, y + (y < -12 ? up : 0), 0.6);
    right = (s > 0 ? wide : tight).map(place);
    left = (s > 0 ? tight : wide).map(place);
  }
  const tip = Math.min(tipOf(content), 46);
  const hangs = !back && tip > 8;
  const bottom = hangs ? 9 : 4;
  let outline = overCrown(head, bottom, lift);
  const flare = sideLift(content, style);
  if (hangs) {
    const end = (side: -1 | 1): Point[] => {
      const [x] = outside(head, side, 6, flare);
      const wave = style.hairWave * rng.uniform(-1.4, 1.4);
      return [
        [x + side * (0.8 + wave), lerp(10, tip, 0.5)],
        [x + side * (-1.6 + wave), tip - 1.5],
        [x - side * 4, tip],
      ];
    };
    const [endL, endR] = [end(-1), end(1)];
    outline = [...endL.reverse(), ...outline, ...endR];
    const inner = (points: Point[], side: -1 | 1): Point => {
      const [x] = points.at(-1)!;
      return [x + side * lerp(0.5, 2.4, content.hairLength), lerp(9, tip, 0.8)];
    };
    right = [...right, inner(right, 1)];
    left = [...left, inner(left, -1)];
  }
  if (back && !isAfro) {
    right = [...right, ...behindEar(head, 1).reverse()];
    left = [...left, ...behindEar(head, -1).reverse()];
  }
  const path = `${smoothPath(curly ? bumpy(outline, rng, isAfro ? 1.6 : 2) : outline)}${smoothPath([...right.reverse(), ...left], 'L')}Z`;
  const strands = curly
    ? curls(style, rng, isAfro ? 130 : 90, hangs ? tip : 8)
    : straightStrands(style, head, back ? 70 : 76, back ? 'back' : 'long', tip);
  const extra = tie === 'braids' && isTied ? braids(style, head, tip) : '';
  return textured(style, path, 'front', strands, 1) + extra;
}

/** Which side wide hair of a side parting falls to. */
function partSide(style: PhotoStyle): -1 | 1 {
  return style.detail % 2 === 0 ? 1 : -1;
}

function isTiedHair(content: Content, style: PhotoStyle): boolean {
  if (style.tie === 'loose' || style.hairShape === 'afro') return false;
  return style.tie === 'bun' ? content.hairLength < 0.6 : content.hairLength > 0.5;
}

/** Lower end of the hair, head units. */
function tipOf(content: Content): number {
  return lerp(3, 54, content.hairLength);
}

function sideLift(content: Content, style: PhotoStyle): number {
  const volume = (style.hairVolume + 1) / 2;
  if (style.hairShape === 'afro') return lerp(4, 9, volume) + 2 * content.hairLength;
  if (isTiedHair(content, style)) return 0.7;
  if (style.hairShape === 'curly') return 3.4 + 2.6 * volume;
  return style.hairShape === 'back' ? 1 + volume : 1.4 + 2 * volume + 1.2 * content.hairLength;
}

function hairBehind(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'behind');
  const { dark } = hairColours(style);
  const lift = sideLift(content, style);
  const tied = isTiedHair(content, style);
  const afro = style.hairShape === 'afro';
  const tip = tied ? 14 : afro ? Math.min(tipOf(content), 20) : tipOf(content);
  const outline = overCrown(head, 4, () => lift * 0.9);
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
  const shaped = style.hairShape === 'curly' || afro ? bumpy(points, rng, 2) : points;
  const path = `${smoothPath([...shaped, shaped[0]!])}Z`;
  const body = svg`<clipPath id="behind"><path d="${path}"/></clipPath><path d="${path}" fill="${mix(style.hair, dark, 0.5)}"/><g clip-path="url(#behind)">${style.hairShape === 'curly' || afro ? curls(style, rng, 40, tip) : straightStrands(style, head, 26, 'behind', tip)}</g>`;
  if (!tied) return body;
  if (style.tie === 'ponytail') return ponytail(style, head, tipOf(content)) + body;
  return style.tie === 'bun' && style.hat === 'none' ? body + bunOf(style, head) : body;
}

/** A shape filled with hair, and strands within it. */
function textured(style: PhotoStyle, path: string, id: string, strands: string, opacity: number): string {
  const root = mix(style.hair, shadowOf(style.skin), 0.5);
  return svg`<clipPath id="${id}"><path d="${path}"/></clipPath><path d="${path}" fill="url(#hairFront)" fill-opacity="${opacity}"/><path d="${path}" stroke="${root}" stroke-width=".9" fill="none" stroke-opacity=".3"/><g clip-path="url(#${id})">${strands}</g>`;
}

/** Adds bumps of curls to an outline. */
function bumpy(points: readonly Point[], rng: Rng, size: number): Point[] {
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
