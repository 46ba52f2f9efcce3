// Clothes of anime portraits, in coordinates whose origin is the middle of the shoulders.
import { mix, svg } from '../svg.js';
import { filled, type Ink, inked, stroke, weighted } from './ink.js';
import type { ClothesKind } from './kinds.js';
import type { Manner } from './manner.js';
import type { AnimeStyle } from './style.js';

const TORSO_SIDES = 'C22 1 29 4 32.5 10C37 18 40 44 42 100L-42 100C-40 44 -37 18 -32.5 10C-29 4 -22 1';

interface Cloth {
  ink: Ink;
  manner: Manner;
  colour: string;
  shade: string;
  half: string;
}

/** Draws the clothes of a style. */
export function clothes(style: AnimeStyle, manner: Manner, ink: Ink): string {
  const broad = style.figure === 'boy' ? 1.1 : 1;
  const cloth: Cloth = {
    ink,
    manner,
    colour: ink.clothes,
    shade: ink.clothesShade,
    half: mix(ink.clothes, ink.clothesShade, 0.45),
  };
  return svg`<g transform="scale(${broad} 1)">${WARDROBE[style.clothes](cloth)}</g>`;
}

const bothSides = (draw: (s: number) => string): string => draw(-1) + draw(1);

function torso(neckline: string, start: string, fill: string, { manner, ink }: Cloth): string {
  return weighted(`M-${start}${neckline}${start}${TORSO_SIDES} -${start}Z`, fill, ink, manner.weight);
}

/** Cel shading of the arms, and the lines between them and the chest. */
function sleeves(shade: string, ink: Ink): string {
  return bothSides(
    (s) =>
      filled(
        svg`M${s * 26} 18Q${s * 23} 40 ${s * 25} 100L${s * 41.4} 100C${s * 39} 44 ${s * 37} 20 ${s * 33} 11Q${s * 33} 26 ${s * 26} 18Z`,
        shade,
      ) + stroke(svg`M${s * 26} 17Q${s * 23} 40 ${s * 25} 80`, ink, 0.8),
  );
}

const WARDROBE: Readonly<Record<ClothesKind, (cloth: Cloth) => string>> = {
  sailor(cloth) {
    const { ink, colour, shade } = cloth;
    const pale = mix(ink.white, colour, 0.05);
    return (
      torso('L0 20L', '12 -2', pale, cloth) +
      sleeves(mix(pale, shade, 0.28), ink) +
      bothSides(
        (s) =>
          inked(svg`M${s * 10.5} -4.5L${s * 24} 4L${s * 27} 16L${s * 12} 20L0 25Z`, colour, ink) +
          stroke(svg`M${s * 21.5} 5L${s * 24} 13.4L${s * 11} 17L${s * 3} 20.6`, ink, 0.7, ink.white),
      ) +
      bothSides((s) =>
        inked(
          svg`M0 23C${s * 4} 17 ${s * 11} 18 ${s * 11} 23C${s * 11} 28 ${s * 4} 28 0 24Z`,
          ink.accent,
          ink,
        ),
      ) +
      inked('M-2.4 21.6L2.4 21.6L2.8 26L-2.8 26Z', mix(ink.accent, ink.line, 0.2), ink, 0.8)
    );
  },
  hoodie(cloth) {
    const { ink, shade, half, colour } = cloth;
    return (
      torso('C-10 9 10 9 ', '13 -1', colour, cloth) +
      sleeves(shade, ink) +
      bothSides(
        (s) =>
          inked(
            svg`M${s * 9} -6C${s * 20} -7 ${s * 24} 3 ${s * 17} 9C${s * 12} 13 ${s * 4} 14 0 14C${s * 6} 10 ${s * 10} 4 ${s * 9} -6Z`,
            s > 0 ? shade : half,
            ink,
          ) + stroke(svg`M${s * 5.4} 13Q${s * 6.4} 22 ${s * 5} 31`, ink, 1.2, ink.accent),
      )
    );
  },
  blazer(cloth) {
    const { ink, colour, shade, half } = cloth;
    return (
      torso('L0 20L', '12 -2', colour, cloth) +
      sleeves(shade, ink) +
      inked('M-11 -3L0 46L11 -3L0 12Z', ink.white, ink, 0.8) +
      bothSides(
        (s) =>
          inked(svg`M${s * 9.6} -5L${s * 13.4} 3L${s * 6.4} 14L0 11Z`, ink.white, ink) +
          inked(svg`M${s * 12.6} 0L${s * 22} 9L${s * 16} 15L${s * 19} 18L0 48Z`, half, ink),
      ) +
      inked('M-3.4 11L3.4 11L2.2 16L5 38L0 44L-5 38L-2.2 16Z', ink.accent, ink, 0.9)
    );
  },
  plain(cloth) {
    const { ink, colour, shade } = cloth;
    return (
      torso('C-10 9 10 9 ', '13 -1', colour, cloth) +
      sleeves(shade, ink) +
      stroke('M-14.6 1C-11 12 11 12 14.6 1', ink, 1.3, ink.accent)
    );
  },
  turtleneck(cloth) {
    const { ink, colour, shade, half } = cloth;
    return (
      torso('C-8 3 8 3 ', '13 -1', colour, cloth) +
      sleeves(shade, ink) +
      inked(
        'M-9.6 -9C-5 -6.6 5 -6.6 9.6 -9C10.4 -5 11.6 -1 13.6 2C6 8 -6 8 -13.6 2C-11.6 -1 -10.4 -5 -9.6 -9Z',
        half,
        ink,
      ) +
      bothSides((s) => stroke(svg`M${s * 4} -4Q${s * 4.6} 0 ${s * 5.6} 3`, ink, 0.6))
    );
  },
  kimono(cloth) {
    const { ink, colour, shade, half } = cloth;
    return (
      torso('L0 24L', '13 -2', colour, cloth) +
      sleeves(shade, ink) +
      inked('M10 -5L15 0L-4 40L-12 40L-1 20Z', mix(ink.white, ink.accent, 0.15), ink, 0.8) +
      inked('M-10 -5L-15 0L10 50L20 50L1 18Z', half, ink) +
      stroke('M-12.6 -1.6L9 37', ink, 1.1, ink.white) +
      inked('M-34 44L34 44L34 64L-34 64Z', ink.accent, ink)
    );
  },
  uniform(cloth) {
    const { ink, colour, shade, half } = cloth;
    return (
      torso('C-8 3 8 3 ', '13 -1', colour, cloth) +
      sleeves(shade, ink) +
      inked('M-10 -8L-1 3L-1 9C-7 9 -12 6 -14.6 1Z', half, ink) +
      inked('M10 -8L1 3L1 9C7 9 12 6 14.6 1Z', half, ink) +
      stroke('M0 5L0 90', ink, 0.9) +
      ['18', '32', '46']
        .map(
          (y) =>
            `<circle cx="3" cy="${y}" r="1.9" fill="${ink.accent}" stroke="${ink.line}" stroke-width=".5"/>`,
        )
        .join('')
    );
  },
  dress(cloth) {
    const { ink, colour, shade } = cloth;
    return (
      inked(`M-13 -1C-10 9 10 9 13 -1${TORSO_SIDES} -13 -1Z`, ink.skin, ink) +
      filled('M26 22Q24 40 25 100L41 100C39 44 37 20 33 11Q33 26 26 22Z', ink.skinShade) +
      bothSides((s) => stroke(svg`M${s * 27} 24Q${s * 25} 40 ${s * 26} 80`, ink, 0.8)) +
      bothSides((s) => inked(svg`M${s * 13} 1L${s * 17.6} 3L${s * 19} 22L${s * 14} 22Z`, colour, ink, 0.8)) +
      weighted(
        'M-24 22C-16 14 -5 17 0 22C5 17 16 14 24 22L27 100L-27 100Z',
        colour,
        ink,
        cloth.manner.weight,
      ) +
      filled('M12 19C17 16.6 21 19 23.4 22.4L26 100L14 100Z', shade) +
      stroke('M-22 25C-15 19 -5 21 0 26C5 21 15 19 22 25', ink, 1.1, ink.accent)
    );
  },
};
