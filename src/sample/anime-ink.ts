// Colours and outlines of anime portraits.
import type { AnimeStyle } from './factors.js';
import { mix, svg, symmetricPath } from './svg.js';

/** The tones of an anime portrait: flat colours, each with one shade. */
export interface Ink {
  skin: string;
  skinShade: string;
  hair: string;
  hairShade: string;
  hairLight: string;
  line: string;
  /** Width of outlines, head units. */
  width: number;
}

/** The tones of a style; shades are hard and cool in `vivid`, soft in `pastel`, and mixed of the inks in `print`. */
export function inkOf(style: AnimeStyle): Ink {
  if (style.family === 'print') return printInk(style);
  const vivid = style.family === 'vivid';
  return {
    skin: style.skin,
    skinShade: vivid ? mix(style.skin, '#b0405a', 0.34) : mix(style.skin, '#e08ba0', 0.3),
    hair: style.hair,
    hairShade: vivid ? mix(style.hair, '#1a0f4a', 0.42) : mix(style.hair, '#8a6fc0', 0.26),
    hairLight: mix(style.hair, '#ffffff', vivid ? 0.55 : 0.6),
    line: style.line,
    width: style.lineWidth,
  };
}

function printInk(style: AnimeStyle): Ink {
  return {
    skin: style.skin,
    skinShade: mix(style.skin, style.accent, 0.38),
    hair: style.hair,
    hairShade: mix(style.hair, style.line, style.hair === style.accent ? 0.5 : 0.32),
    hairLight: mix(style.hair, style.skin, 0.6),
    line: style.line,
    width: style.lineWidth,
  };
}

/** A filled path with the style's outline. */
export function inked(path: string, fill: string, ink: Ink, factor = 1): string {
  return svg`<path d="${path}" fill="${fill}" stroke="${ink.line}" stroke-width="${ink.width * factor}" stroke-linejoin="round"/>`;
}

/** An open line of the style. */
export function stroke(path: string, ink: Ink, factor = 1, colour = ink.line): string {
  return svg`<path d="${path}" fill="none" stroke="${colour}" stroke-width="${ink.width * factor}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

/** Outline of an anime head in head coordinates: a pointed chin, and a round one in `pastel`. */
export function animeHeadPath(style: AnimeStyle): string {
  if (style.family !== 'pastel') {
    return symmetricPath(-28, [
      [13, -28, 20.8, -19, 20.8, -5],
      [20.8, 4, 19.4, 10, 14, 16.5],
      [9, 22.4, 3.6, 26, 0, 26.2],
    ]);
  }
  return symmetricPath(-28, [
    [13, -28, 20.8, -19, 21, -5],
    [21.4, 6, 20, 12.4, 14.6, 18],
    [9.6, 22.8, 5, 24.4, 0, 24.6],
  ]);
}
