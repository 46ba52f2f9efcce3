// The family `vivid`: bold weighted outlines, hard cel shading, saturated colours, sharp eyes.
import type { Rng } from '../../base/rng.js';
import { hsl, lerp, mix, ramp, svg } from '../svg.js';
import { type Frame, farSide } from './frame.js';
import { filled, type Ink, stroke } from './ink.js';
import { crownShade, rightStrip } from './locks.js';
import type { Manner } from './manner.js';
import { drawBackground, drawBackHue, drawKinds, rounded, tonePair } from './palette.js';
import type { AnimeStyle } from './style.js';

const SKIN = ['#ffe6d3', '#ffdcc2', '#f3c095', '#c98a5c', '#945a3a', '#6f4029'];
const HAIR_HUES = [2, 22, 45, 135, 175, 205, 228, 265, 290, 325];
const NATURAL_HAIR = ['#2a2433', '#4a2c22', '#7a4526', '#b8763a', '#e8c25c', '#c9ccd8', '#a83a24'];
const CLOTHES_COLOURS = [
  '#2b3a8f',
  '#f4f4f8',
  '#20242f',
  '#1f7a63',
  '#5b2a86',
  '#2f6fd0',
  '#c22f3f',
  '#e0a21f',
];
const BACKGROUNDS = ['flat', 'split', 'rays', 'halftone', 'stripes'] as const;

export const vivid: Manner = {
  drawStyle(rng: Rng) {
    const kinds = drawKinds(rng);
    const isNatural = rng.uniform() < 0.35;
    const hue = rng.pick(HAIR_HUES) + rng.uniform(-8, 8);
    const hair = isNatural
      ? rng.pick(NATURAL_HAIR)
      : hsl(hue, rng.uniform(0.68, 0.9), rng.uniform(0.45, 0.57));
    return {
      ...kinds,
      skin: ramp(SKIN, rng.uniform() ** 2.1),
      hair,
      iris: hsl(rng.uniform(0, 360), 0.88, 0.46),
      lineWidth: rounded(rng.uniform(1.05, 1.4)),
      line: isNatural ? '#1a1018' : hsl(hue, 0.4, 0.1),
      clothesColour: rng.pick(CLOTHES_COLOURS),
      accent: hsl((isNatural ? rng.uniform(0, 360) : hue) + rng.pick([150, 180, 210]), 0.85, 0.52),
      background: drawBackground(rng, BACKGROUNDS),
      backgroundColours: tonePair(
        drawBackHue(rng, isNatural ? 20 : hue),
        rng.uniform(0.55, 0.85),
        rng.uniform(0.58, 0.74),
        -0.1,
      ),
    };
  },
  inkOf(style: AnimeStyle): Ink {
    const skinShade = mix(style.skin, '#8a2350', 0.36);
    return {
      line: style.line,
      width: style.lineWidth,
      skin: style.skin,
      skinShade,
      skinLine: mix(skinShade, style.line, 0.5),
      hair: style.hair,
      hairShade: mix(style.hair, '#1a0f4a', 0.45),
      hairDeep: mix(style.hair, '#1a0f4a', 0.55),
      hairLight: mix(style.hair, '#ffffff', 0.6),
      brow: mix(style.hair, style.line, 0.72),
      lash: mix(style.line, '#08040e', 0.6),
      eyeWhite: '#ffffff',
      iris: [mix(style.iris, '#0a0422', 0.72), style.iris, mix(style.iris, '#fff8d8', 0.55)],
      irisRim: mix(style.iris, '#0a0422', 0.78),
      pupil: '#0c0618',
      highlight: '#ffffff',
      mouth: '#7c1830',
      tongue: '#f0697c',
      teeth: '#ffffff',
      lip: mix(style.line, '#5a1020', 0.4),
      blush: mix(style.skin, '#ff3355', 0.5),
      clothes: style.clothesColour,
      clothesShade: mix(style.clothesColour, '#140c3a', 0.38),
      accent: style.accent,
      white: '#fbfbff',
    };
  },
  definitions: () => '',
  eyes: {
    sizes: {
      round: [5.9, 7, 0.6],
      sharp: [6.3, 6.3, 2.2],
      droopy: [6.1, 6.6, -1.2],
      narrow: [6.3, 5.7, 1.2],
    },
    arch: 1,
    iris: [0.66, 0.9],
    pupil: [0.42, 0.48],
    highlights: [
      [-0.36, -0.44, 0.4, 0.3],
      [0.4, 0.42, 0.2, 0.16],
    ],
    glow: undefined,
    lash: 1.7,
    wing: 2,
    flicks: 0,
    lowerLine: 0.6,
    crease: 0.55,
  },
  mouth: { width: [3.4, 5.6], line: 0.95, rim: 0.8, hasTeeth: true, hasLowerLip: false },
  contour: { chin: 25.6, jaw: 0.97, point: 1.3 },
  weight: 0.75,
  wedge: 0.35,
  nose: (ink) =>
    filled('M-1.6 -1.2L1 1L-1.4 1.5Z', ink.skinShade) + stroke('M.2 -.4L1 1L-.4 1.4', ink, 0.6, ink.skinLine),
  blush: (ink) => stroke('M-2.2 -.2l-1 1.9M.2 -.2l-1 1.9M2.6 -.2l-1 1.9', ink, 0.65, ink.blush),
  cheekShade(frame: Frame, ink: Ink) {
    // The light comes from the upper left, so the right cheek is in shadow.
    const edge = farSide(frame) > 0 ? lerp(17, 19.6, frame.turn) : lerp(17, 11, -frame.turn);
    return filled(
      svg`M${edge} -14C${edge + 1.4} 0 ${edge - 0.4} 9 ${edge - 5.5} 18L${edge - 12} 28L30 30L30 -14Z`,
      ink.skinShade,
    );
  },
  lockShade: (left, right, ink) => filled(rightStrip(left, right, 0.4, 0.25), ink.hairShade),
  crownShade: (frame, ink) => filled(crownShade(frame), ink.hairShade),
  shine(frame: Frame, ink: Ink) {
    const [from, to, teeth] = [-62, 30, 6];
    const at = (t: number, y: number): string =>
      svg`${frame.at(lerp(from, to, t) - frame.yaw * 0.6, y - 2.6 * Math.sin(Math.PI * t), -0.6)}`;
    let path = `M${at(0, -19)}`;
    for (let i = 1; i <= 8; i++) path += `L${at(i / 8, -19 - 3.6 * Math.sin((Math.PI * i) / 8))}`;
    for (let i = teeth; i > 0; i--)
      path += `L${at((i - 0.5) / teeth, -16.2 - (i % 2))}L${at((i - 1) / teeth, -19.4)}`;
    return filled(`${path}Z`, ink.hairLight);
  },
  fringeShadow: 1,
  backgrounds: BACKGROUNDS,
};
