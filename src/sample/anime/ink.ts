// Colours and lines of anime portraits.
import { type Point, svg } from '../svg.js';
import type { Quad } from './frame.js';

/** The colours of an anime portrait, and the width of its lines. */
export interface Ink {
  /** Outlines. */
  line: string;
  /** Width of outlines, head units. */
  width: number;
  skin: string;
  skinShade: string;
  /** Lines within the face: nose, ears, lips. */
  skinLine: string;
  /** Hair: a colour, or the gradient `url(#hair)`. */
  hair: string;
  hairShade: string;
  /** Hair behind the neck. */
  hairDeep: string;
  hairLight: string;
  brow: string;
  lash: string;
  eyeWhite: string;
  /** The iris from its top to its bottom. */
  iris: readonly [string, string, string];
  irisRim: string;
  pupil: string;
  highlight: string;
  mouth: string;
  tongue: string;
  teeth: string;
  /** The line of the lips. */
  lip: string;
  blush: string;
  clothes: string;
  clothesShade: string;
  accent: string;
  white: string;
}

/** A filled path with an outline. */
export function inked(path: string, fill: string, ink: Ink, factor = 1): string {
  return svg`<path d="${path}" fill="${fill}" stroke="${ink.line}" stroke-width="${ink.width * factor}" stroke-linejoin="round"/>`;
}

/** A filled path whose outline is heavier at the lower right, as of a pen that presses on the side of the shadow. */
export function weighted(path: string, fill: string, ink: Ink, weight: number): string {
  if (weight === 0) return inked(path, fill, ink);
  return (
    svg`<path d="${path}" transform="translate(${0.45 * weight} ${0.6 * weight})" fill="${ink.line}" stroke="${ink.line}" stroke-width="${ink.width}" stroke-linejoin="round"/>` +
    inked(path, fill, ink)
  );
}

/** An open line. */
export function stroke(path: string, ink: Ink, factor = 1, colour = ink.line): string {
  return svg`<path d="${path}" fill="none" stroke="${colour}" stroke-width="${ink.width * factor}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

/** A stroke that is `width` wide in its middle and thins out to both ends. */
export function taper([from, control, to]: Quad, width: number, colour: string): string {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const side = (by: number): Point => [control[0] - (dy / length) * by, control[1] + (dx / length) * by];
  return svg`<path d="M${from}Q${side(width)} ${to}Q${side(-width)} ${from}Z" fill="${colour}"/>`;
}

/** A filled shape without an outline. */
export function filled(path: string, fill: string, opacity = 1): string {
  return opacity === 1
    ? `<path d="${path}" fill="${fill}"/>`
    : svg`<path d="${path}" fill="${fill}" opacity="${opacity}"/>`;
}
