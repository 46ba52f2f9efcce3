// The family `pastel`: thin coloured lines, soft gradients, big round eyes, an airy palette and blush.
import type { Rng } from '../../base/rng.js';
import { hsl, mix, ramp, svg } from '../svg.js';
import { type Frame, farSide } from './frame.js';
import { filled, type Ink, taper } from './ink.js';
import { crownShade, rightStrip } from './locks.js';
import type { Manner } from './manner.js';
import { drawBackground, drawBackHue, drawKinds, rounded, tonePair } from './palette.js';
import type { AnimeStyle } from './style.js';

const SKIN = ['#fff3ec', '#ffeadf', '#fbdcc9', '#e5b896', '#c89878', '#a67a60'];
const HAIR_HUES = [48, 150, 180, 205, 235, 265, 300, 335];
const NATURAL_HAIR = ['#8a6a5c', '#b08a6a', '#d8b888', '#f2dfae', '#6f6a80', '#dcdce8', '#c9886a'];
/** To what the ends of hair go over. */
const TIPS = ['#ffc6e0', '#c4d8ff', '#ffeec8', '#c9f7e4'];
const BACKGROUNDS = ['flat', 'glow', 'bubbles', 'hearts', 'petals', 'clouds', 'stripes'] as const;

export const pastel: Manner = {
  drawStyle(rng: Rng) {
    const kinds = drawKinds(rng);
    const isNatural = rng.uniform() < 0.35;
    const hue = rng.pick(HAIR_HUES) + rng.uniform(-8, 8);
    const hair = isNatural
      ? rng.pick(NATURAL_HAIR)
      : hsl(hue, rng.uniform(0.5, 0.72), rng.uniform(0.72, 0.81));
    const accentHue = (isNatural ? rng.uniform(0, 360) : hue) + rng.pick([150, 180, 210]);
    return {
      ...kinds,
      skin: ramp(SKIN, rng.uniform() ** 2.1),
      hair,
      iris: hsl(rng.uniform(0, 360), 0.6, 0.55),
      lineWidth: rounded(rng.uniform(0.5, 0.7)),
      line: isNatural ? mix(hair, '#5a3648', 0.72) : hsl(hue - 12, 0.34, 0.4),
      clothesColour: hsl(accentHue, 0.42, rng.uniform(0.8, 0.9)),
      accent: hsl(accentHue, 0.6, 0.74),
      background: drawBackground(rng, BACKGROUNDS),
      backgroundColours: tonePair(
        drawBackHue(rng, isNatural ? 30 : hue),
        0.55,
        rng.uniform(0.86, 0.91),
        0.06,
      ),
    };
  },
  inkOf(style: AnimeStyle): Ink {
    const skinShade = mix(style.skin, '#d8708c', 0.26);
    return {
      line: style.line,
      width: style.lineWidth,
      skin: style.skin,
      skinShade,
      skinLine: mix(style.skin, '#a84460', 0.6),
      hair: 'url(#hair)',
      hairShade: mix(style.hair, '#7a5cc0', 0.3),
      hairDeep: mix(style.hair, '#7a5cc0', 0.38),
      hairLight: mix(style.hair, '#ffffff', 0.72),
      brow: mix(style.hair, style.line, 0.75),
      lash: mix(style.line, '#2a1430', 0.5),
      eyeWhite: '#fffdfd',
      iris: [mix(style.iris, '#38206a', 0.62), style.iris, mix(style.iris, '#ffffff', 0.62)],
      irisRim: mix(style.iris, '#38206a', 0.6),
      pupil: mix(style.iris, '#1c0a40', 0.82),
      highlight: '#ffffff',
      mouth: '#c65a70',
      tongue: '#fba6b2',
      teeth: '#fffafa',
      lip: '#a84458',
      blush: mix(style.skin, '#ff6a86', 0.62),
      clothes: style.clothesColour,
      clothesShade: mix(style.clothesColour, '#8a78b8', 0.26),
      accent: style.accent,
      white: '#ffffff',
    };
  },
  definitions: (ink, style) =>
    `<linearGradient id="hair" gradientUnits="userSpaceOnUse" x1="0" y1="-34" x2="0" y2="48"><stop offset="0" stop-color="${mix(style.hair, '#ffffff', 0.34)}"/><stop offset=".3" stop-color="${style.hair}"/><stop offset="1" stop-color="${mix(style.hair, TIPS[style.detail % TIPS.length]!, 0.6)}"/></linearGradient>` +
    `<radialGradient id="blush"><stop offset="0" stop-color="${ink.blush}"/><stop offset=".45" stop-color="${ink.blush}" stop-opacity=".75"/><stop offset="1" stop-color="${ink.blush}" stop-opacity="0"/></radialGradient>` +
    `<linearGradient id="cheek" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="${ink.skinShade}" stop-opacity="0"/><stop offset="1" stop-color="${ink.skinShade}"/></linearGradient>`,
  eyes: {
    sizes: {
      round: [6.3, 7.6, 0],
      sharp: [6.4, 6.9, 1.4],
      droopy: [6.4, 7.2, -1.5],
      narrow: [6.4, 6.4, 0.4],
    },
    arch: 1.04,
    iris: [0.74, 0.94],
    pupil: [0.34, 0.36],
    highlights: [
      [-0.38, -0.42, 0.36, 0.3],
      [0.42, 0.4, 0.22, 0.18],
      [0.36, -0.3, 0.12, 0.1],
      [-0.42, 0.36, 0.12, 0.1],
    ],
    glow: [0, 0.56, 0.66, 0.3],
    lash: 1.15,
    wing: 1.3,
    flicks: 2,
    lowerLine: 0.8,
    crease: 0.8,
  },
  mouth: { width: [2.5, 4.4], line: 1.5, rim: 1, hasTeeth: false, hasLowerLip: false },
  contour: { chin: 24.4, jaw: 1.05, point: 2.4 },
  weight: 0,
  wedge: 0,
  nose: (ink) => filled('M-.9 .2Q.3 -.7 1.1 .5Q.2 1.3 -.9 .2Z', ink.skinLine, 0.75),
  blush: () => '<ellipse cx="0" cy=".8" rx="5.4" ry="3.1" fill="url(#blush)"/>',
  cheekShade(frame: Frame) {
    const near = farSide(frame) > 0 ? 10 : 4;
    return svg`<path d="M${near} -14L30 -14L30 30L${near} 30Z" fill="url(#cheek)" opacity=".7"/>`;
  },
  lockShade: (left, right, ink) =>
    filled(rightStrip(left, right, 0.55, 0.3), ink.hairShade, 0.3) +
    filled(rightStrip(left, right, 0.24, 0.3), ink.hairShade, 0.42),
  crownShade: (frame, ink) => filled(crownShade(frame), ink.hairShade, 0.28),
  shine(frame: Frame, ink: Ink) {
    const glint = (from: number, to: number, y: number, width: number, opacity: number): string => {
      const [a, b] = [frame.at(from - frame.yaw * 0.6, y, -1.5), frame.at(to - frame.yaw * 0.6, y, -1.5)];
      const arc = taper([a, [(a[0] + b[0]) / 2, y - (to - from) / 13], b], width, ink.hairLight);
      return svg`<g opacity="${opacity}">${arc}</g>`;
    };
    return glint(-60, 46, -17, 6, 0.4) + glint(-52, 16, -17.5, 3.4, 0.8) + glint(24, 42, -18.6, 2, 0.8);
  },
  fringeShadow: 0.7,
  backgrounds: BACKGROUNDS,
};
