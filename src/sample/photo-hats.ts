// Hats, hoods and headscarves of photographs.
import { Rng } from '../base/rng.js';
import { type Head, outside, overCrown, smoothPath } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { lerp, mix, type Point, svg } from './svg.js';

/** A hat in head coordinates: the part behind the body and the part in front of the hair. */
export interface HatLayers {
  behind: string;
  front: string;
}

/** The hat of a style. */
export function photoHat(style: PhotoStyle, head: Head): HatLayers {
  switch (style.hat) {
    case 'none':
      return { behind: '', front: '' };
    case 'beanie':
      return { behind: '', front: beanie(style, head) };
    case 'cap':
      return { behind: '', front: cap(style, head) };
    case 'brim':
      return { behind: '', front: brimmed(style, head) };
    case 'hood':
      return hood(style, head);
    case 'scarf':
      return headscarf(style, head);
  }
}

/** A line round the front of the head, from the right to the left. */
function band(head: Head, middle: number, sides: number, lift: number): Point[] {
  return [96, 75, 50, 25, 0, -25, -50, -75, -96].map((degrees) =>
    head.at(degrees, lerp(middle, sides, (Math.abs(degrees) / 96) ** 2), lift),
  );
}

function dome(head: Head, line: Point[], side: number, top: number): string {
  const crown = overCrown(head, -10, (y) => lerp(side, top, Math.min(1, Math.max(0, (-y - 10) / 24))));
  return `${smoothPath(crown)}${smoothPath(line, 'L')}Z`;
}

function beanie(style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'hat');
  const colour = style.accent;
  const dark = mix(colour, '#0b0b10', 0.35);
  const lower = band(head, -13.6, -8, 2);
  const upper = band(head, -20.6, -15, 2.4);
  let ribs = '';
  for (let degrees = -90; degrees <= 90; degrees += 10) {
    const [a, b] = [
      head.at(degrees, lerp(-14, -8, (Math.abs(degrees) / 96) ** 2), 2),
      head.at(degrees, lerp(-20.4, -15, (Math.abs(degrees) / 96) ** 2), 2.4),
    ];
    ribs += svg`<path d="M${a}L${b}" stroke="${dark}" stroke-width=".7" stroke-opacity=".4"/>`;
    ribs += svg`<path d="M${b}Q${b[0] * 0.9} -30 ${b[0] * 0.5} ${head.crown - 2}" stroke="${dark}" stroke-width=".6" fill="none" stroke-opacity=".25"/>`;
  }
  const fold = `${smoothPath(lower)}${smoothPath([...upper].reverse(), 'L')}Z`;
  return svg`<path d="${dome(head, upper, 2.6, rng.uniform(4, 7))}" fill="${colour}"/><path d="${fold}" fill="${mix(colour, '#ffffff', 0.07)}"/>${ribs}<path d="${smoothPath(upper)}" stroke="${dark}" stroke-width=".8" fill="none" stroke-opacity=".5"/>`;
}

function cap(style: PhotoStyle, head: Head): string {
  const colour = style.accent;
  const dark = mix(colour, '#0b0b10', 0.4);
  const sin = Math.sin(head.yaw);
  const line = band(head, -16.4, -10.4, 1.6);
  const [a, b] = [head.at(-62, -14, 1.8), head.at(62, -14, 1.8)];
  const x = 30 * sin;
  const visor = svg`M${a}C${a[0] * 0.7 + x * 0.25} -9.5 ${x - 11} -7.6 ${x} -7.6C${x + 11} -7.6 ${b[0] * 0.7 + x * 0.25} -9.5 ${b}C${b[0] * 0.6 + x * 0.2} -17 ${x * 0.7 + 8} -18 ${x * 0.7} -18C${x * 0.7 - 8} -18 ${a[0] * 0.6 + x * 0.2} -17 ${a}Z`;
  const seam = head.at(0, -18, 2);
  return svg`<path d="${dome(head, line, 1.8, 3.6)}" fill="${colour}"/><path d="M${seam}Q${seam[0] * 1.1} -30 ${seam[0] * 0.3} ${head.crown - 3.4}" stroke="${dark}" stroke-width=".6" fill="none" stroke-opacity=".6"/><path d="${visor}" fill="${mix(colour, '#0b0b10', 0.16)}"/><path d="M${a}C${a[0] * 0.6 + x * 0.2} -17 ${x * 0.7 - 8} -18 ${x * 0.7} -18C${x * 0.7 + 8} -18 ${b[0] * 0.6 + x * 0.2} -17 ${b}" stroke="${dark}" stroke-width=".9" fill="none" stroke-opacity=".6"/>`;
}

function brimmed(style: PhotoStyle, head: Head): string {
  const colour = mix(style.accent, '#b59a72', 0.45);
  const dark = mix(colour, '#140e08', 0.5);
  const x = 5 * Math.sin(head.yaw);
  const line = band(head, -15, -12, 2.2);
  const ribbon = `${smoothPath(line)}${smoothPath(band(head, -19.5, -16.5, 2.4).reverse(), 'L')}Z`;
  return svg`<ellipse cx="${x}" cy="-15" rx="36" ry="7" fill="${colour}"/><ellipse cx="${x}" cy="-13.6" rx="33" ry="5.4" fill="${dark}" fill-opacity=".28"/><path d="${dome(head, line, 2.2, 5.5)}" fill="${colour}"/><path d="${ribbon}" fill="${dark}"/>`;
}

function hood(style: PhotoStyle, head: Head): HatLayers {
  const colour = style.clothesColour;
  const dark = mix(colour, '#07070a', 0.5);
  const outline = overCrown(head, 18, (y) => (y < -10 ? 8.5 : 7));
  const [left, right] = [outline[0]!, outline.at(-1)!];
  const end: Point[] = [
    [right[0] + 2, 34],
    [left[0] - 2, 34],
  ];
  const inner = overCrown(head, 20, (y) => (y < -10 ? 3 : 1.2)).reverse();
  const front = `${smoothPath([[left[0] - 1, 32], ...outline, [right[0] + 1, 32]])}${smoothPath([[right[0] - 8, 33], ...inner, [left[0] + 8, 33]], 'L')}Z`;
  return {
    behind: svg`<path d="${smoothPath([...outline, ...end, outline[0]!])}Z" fill="${dark}"/>`,
    front: svg`<path d="${front}" fill="${colour}"/><path d="${smoothPath([[right[0] - 8, 33], ...inner, [left[0] + 8, 33]])}" stroke="${dark}" stroke-width="1.6" fill="none" stroke-opacity=".6"/>`,
  };
}

function headscarf(style: PhotoStyle, head: Head): HatLayers {
  const rng = new Rng(style.detail, 'scarf');
  const colour = style.accent;
  const dark = mix(colour, '#0b070a', 0.45);
  const outline = overCrown(head, 14, (y) => (y < -14 ? 3.4 : 2.6));
  const [left, right] = [outline[0]!, outline.at(-1)!];
  const chin = (head.edges(head.chin - 0.4)[0] + head.edges(head.chin - 0.4)[1]) / 2;
  const edge: readonly Point[] = [
    [0, -19.4],
    [22, -18.6],
    [42, -14],
    [56, -5],
    [60, 5],
    [55, 13],
  ];
  const half = (sign: number): Point[] => edge.map(([degrees, y]) => head.at(sign * degrees, y, 0.6));
  const [jawL, jawR] = head.edges(21);
  const opening: Point[] = [
    ...half(1),
    [jawR - 1.2, 21],
    [chin + 5, head.chin - 0.6],
    [chin, head.chin + 0.2],
    [chin - 5, head.chin - 0.6],
    [jawL + 1.2, 21],
    ...half(-1).slice(1).reverse(),
  ];
  const drape: Point[] = [
    [right[0] + 1, 24],
    [right[0] + 6, 38],
    [14, 50],
    [0, 54],
    [-14, 50],
    [left[0] - 6, 38],
    [left[0] - 1, 24],
  ];
  const shape = `${smoothPath([...outline, ...drape, outline[0]!])}Z${smoothPath([...opening, opening[0]!])}Z`;
  let folds = '';
  for (let i = 0; i < 9; i++) {
    const side = i % 2 === 0 ? 1 : -1;
    const x = side * rng.uniform(3, 20);
    folds += svg`<path d="M${side * rng.uniform(19, 23)} ${rng.uniform(-12, 18)}Q${x * 1.25} ${rng.uniform(26, 34)} ${x * 0.4} ${rng.uniform(34, 52)}" stroke="${i % 3 === 0 ? mix(colour, '#ffffff', 0.22) : dark}" stroke-width="${rng.uniform(0.8, 2)}" fill="none" stroke-opacity="${rng.uniform(0.2, 0.45)}"/>`;
  }
  const ends = outside(head, 1, 14, 0);
  return {
    behind: '',
    front: svg`<path d="${shape}" fill="${colour}" fill-rule="evenodd"/>${folds}<path d="M${ends[0] - 3} -10Q0 ${head.crown + 6} ${-ends[0] + 3} -10" stroke="${dark}" stroke-width="1" fill="none" stroke-opacity=".25"/>`,
  };
}
