// The family `print`: few inks on pale paper, hatched shadows, the wedged lines of a woodcut, small plain eyes.
import type { Rng } from '../../base/rng.js';
import { lerp, mix, type Point, ramp } from '../svg.js';
import { endOf, type Frame, farSide, type Quad } from './frame.js';
import { type Ink, stroke, taper } from './ink.js';
import type { Manner } from './manner.js';
import { drawBackground, drawKinds, rounded } from './palette.js';
import type { AnimeStyle } from './style.js';

const PAPER = '#f3efe2';
const SKIN = ['#f8e4cc', '#f3d3b2', '#d9a778', '#a9744c', '#7f5238'];
const DARK_INKS = ['#1c2442', '#2a1830', '#12302f', '#33201c'];
const BRIGHT_INKS = [
  { ink: '#e8503f', isCool: false },
  { ink: '#e59a25', isCool: false },
  { ink: '#dd5f92', isCool: false },
  { ink: '#25968d', isCool: true },
  { ink: '#3878c6', isCool: true },
  { ink: '#6c9f3c', isCool: true },
];
const BACKGROUNDS = ['flat', 'sun', 'hills', 'waves', 'split', 'clouds'] as const;

/** Wedges side by side across a shape from root to tip. */
function hatch(left: Quad, right: Quad, ink: Ink): string {
  const at = (q: Quad, t: number): Point => endOf(q, t)[0];
  let out = '';
  for (const [across, from, to] of [
    [0.42, 0.62, 0.96],
    [0.64, 0.48, 0.9],
    [0.84, 0.34, 0.84],
  ] as const) {
    const place = (t: number): Point => {
      const [a, b] = [at(left, t), at(right, t)];
      return [lerp(a[0], b[0], across), lerp(a[1], b[1], across)];
    };
    out += taper([place(from), place((from + to) / 2), place(to)], 0.75, ink.hairShade);
  }
  return out;
}

export const print: Manner = {
  drawStyle(rng: Rng) {
    const kinds = drawKinds(rng);
    const dark = rng.pick(DARK_INKS);
    const { ink: bright, isCool } = rng.pick(BRIGHT_INKS);
    const paper = mix(PAPER, dark, rng.uniform(0.02, 0.14));
    const hasBrightHair = rng.uniform() < 0.4;
    // No background has the hue of skin.
    const ground = !hasBrightHair && isCool && rng.uniform() < 0.6 ? mix(bright, PAPER, 0.1) : paper;
    return {
      ...kinds,
      skin: ramp(SKIN, rng.uniform() ** 2.1),
      hair: hasBrightHair ? bright : mix(dark, PAPER, rng.uniform(0.02, 0.14)),
      iris: bright,
      lineWidth: rounded(rng.uniform(1.1, 1.5)),
      line: dark,
      clothesColour: rng.pick(hasBrightHair ? [dark, PAPER] : [bright, PAPER]),
      accent: bright,
      background: drawBackground(rng, BACKGROUNDS),
      backgroundColours: [ground, ground === paper ? mix(paper, bright, 0.42) : mix(ground, PAPER, 0.3)],
    };
  },
  inkOf(style: AnimeStyle): Ink {
    const hasBrightHair = style.hair === style.accent;
    return {
      line: style.line,
      width: style.lineWidth,
      skin: style.skin,
      skinShade: mix(style.skin, style.line, 0.3),
      skinLine: mix(style.skin, style.line, 0.75),
      hair: style.hair,
      hairShade: hasBrightHair ? mix(style.hair, style.line, 0.62) : mix(style.hair, PAPER, 0.3),
      hairDeep: mix(style.hair, style.line, hasBrightHair ? 0.72 : 0.6),
      hairLight: mix(style.hair, PAPER, 0.78),
      brow: style.line,
      lash: style.line,
      eyeWhite: '#fffdf4',
      iris: [style.line, mix(style.iris, style.line, 0.25), style.iris],
      irisRim: style.line,
      pupil: style.line,
      highlight: '#fffdf4',
      mouth: style.line,
      tongue: '#d9624c',
      teeth: '#fffdf4',
      lip: style.line,
      blush: mix(style.skin, '#d9523c', 0.42),
      clothes: style.clothesColour,
      clothesShade: mix(style.clothesColour, style.line, style.clothesColour === style.line ? 0 : 0.34),
      accent: style.accent,
      white: PAPER,
    };
  },
  definitions: () => '',
  eyes: {
    sizes: {
      round: [5.3, 5.5, 0.4],
      sharp: [5.8, 4.7, 1.8],
      droopy: [5.6, 5, -1.1],
      narrow: [5.9, 4.2, 1],
    },
    arch: 0.84,
    iris: [0.66, 1.02],
    pupil: [0.46, 0.5],
    highlights: [
      [-0.3, -0.34, 0.38, 0.32],
      [0.38, 0.44, 0.2, 0.18],
    ],
    glow: undefined,
    lash: 1.9,
    wing: 2.1,
    flicks: 0,
    lowerLine: 0.5,
    crease: 0,
  },
  mouth: { width: [3, 5.2], line: 0.9, rim: 0.7, hasTeeth: true, hasLowerLip: true },
  contour: { chin: 25.9, jaw: 0.93, point: 2.2 },
  weight: 0.55,
  wedge: 0.85,
  nose: (ink) => stroke('M-1 -4.4L1.2 .6L-1.3 1.1', ink, 0.65, ink.skinLine),
  blush: (ink) => `<circle r="2.7" fill="${ink.blush}" opacity=".8"/>`,
  cheekShade(frame: Frame, ink: Ink) {
    const edge = farSide(frame) > 0 ? lerp(20, 21.6, frame.turn) : lerp(20, 14.5, -frame.turn);
    let out = '';
    for (let i = 0; i < 4; i++) {
      const y = 6 + i * 2.8;
      const x = edge - i * i * 0.62 - 0.4 * i;
      out += taper(
        [
          [x + 3, y - 1.6],
          [x + 0.4, y + 0.1],
          [x - 2, y + 1],
        ],
        0.8,
        ink.skinLine,
      );
    }
    return out;
  },
  lockShade: hatch,
  crownShade(frame: Frame, ink: Ink) {
    const at = (degrees: number, y: number): Point => frame.at(degrees - frame.yaw, y, -0.5);
    return [-26, -21, -16, -11, -6]
      .map((y) => taper([at(86, y), at(70, y + 1.5), at(50, y + 2)], 0.9, ink.hairShade))
      .join('');
  },
  shine(frame: Frame, ink: Ink) {
    let out = '';
    for (let i = 0; i < 5; i++) {
      const angle = lerp(-58, 22, i / 4) - frame.yaw * 0.6;
      const low = -17 - 3 * Math.sin((Math.PI * (i + 0.5)) / 5);
      out += taper(
        [frame.at(angle, low, -0.5), frame.at(angle, low - 4, -0.4), frame.at(angle + 1, low - 7.5, -0.5)],
        1.5,
        ink.hairLight,
      );
    }
    return out;
  },
  fringeShadow: 0.8,
  backgrounds: BACKGROUNDS,
};
