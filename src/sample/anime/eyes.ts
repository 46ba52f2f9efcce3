// Eyes and brows of anime portraits.
import type { Content } from '../factors.js';
import { EYE_LEFT, EYE_RIGHT, turned } from '../pose.js';
import { type Point, svg } from '../svg.js';
import { filled, type Ink, stroke, taper } from './ink.js';
import type { Manner } from './manner.js';
import type { AnimeStyle } from './style.js';

/** Both eyes, in head coordinates; the middle of each is where `turned` says. */
export function eyes(content: Content, style: AnimeStyle, manner: Manner, ink: Ink): string {
  return eye(-1, content, style, manner, ink) + eye(1, content, style, manner, ink);
}

/** The gradient of the irises, `url(#iris)`. */
export function irisDefinition(ink: Ink): string {
  const [top, middle, bottom] = ink.iris;
  return `<linearGradient id="iris" x1="0" y1="0" x2="0" y2="1"><stop offset=".12" stop-color="${top}"/><stop offset=".55" stop-color="${middle}"/><stop offset=".95" stop-color="${bottom}"/></linearGradient>`;
}

/** Size of the eyes: those of boys are lower. */
function sizeOf(style: AnimeStyle, manner: Manner): readonly [number, number, number] {
  const [w, h, slant] = manner.eyes.sizes[style.eyeShape];
  return style.figure === 'boy' ? [w * 0.97, h * 0.86, slant + 0.3] : [w, h, slant];
}

function eye(side: -1 | 1, content: Content, style: AnimeStyle, manner: Manner, ink: Ink): string {
  const [w, h, slant] = sizeOf(style, manner);
  const { point, width } = turned(content, side < 0 ? EYE_LEFT : EYE_RIGHT);
  const a = manner.eyes.arch;
  const id = side < 0 ? 'eyeL' : 'eyeR';
  const outerY = -slant - 0.02 * h;
  // The outer corner is at positive x; the right eye is drawn so, the left one mirrored.
  const lid = svg`M${-w} ${0.24 * h}C${-w * 0.86} ${-h * 0.98 * a} ${w * 0.5} ${-h * 1.36 * a} ${w} ${outerY}`;
  const opening = svg`${lid}C${w * 0.98} ${h * 0.6} ${w * 0.6} ${h} ${w * 0.06} ${h}C${-w * 0.55} ${h} ${-w * 0.92} ${h * 0.68} ${-w} ${0.24 * h}Z`;
  const below =
    manner.eyes.lowerLine > 0
      ? stroke(
          svg`M${w * 0.86} ${h * 0.62}Q${w * 0.4} ${h * 1.06} ${-w * 0.3} ${h * 0.98}`,
          ink,
          manner.eyes.lowerLine,
          ink.lash,
        )
      : '';
  const place = svg`translate(${point[0]} ${point[1] - 0.06 * h})`;
  return (
    svg`<g transform="${place} scale(${side * width} 1)"><clipPath id="${id}"><path d="${opening}"/></clipPath>${filled(opening, ink.eyeWhite)}` +
    svg`<g clip-path="url(#${id})"><g transform="scale(${side} 1)">${iris(content, w, h, manner, ink)}</g>` +
    svg`<path d="${lid}" fill="none" stroke="${ink.irisRim}" stroke-width="${0.34 * h}" opacity=".3"/></g>${below}${lashes(w, h, outerY, style, manner, ink)}</g>`
  );
}

function iris(content: Content, w: number, h: number, manner: Manner, ink: Ink): string {
  const { iris: share, pupil, highlights, glow } = manner.eyes;
  const [rx, ry] = [w * share[0], h * share[1]];
  const [x, y] = [content.gazeX * 0.34 * w * (1.25 - share[0] * 0.5), content.gazeY * 0.2 * h];
  const spot = (
    [sx, sy, srx, sry]: readonly [number, number, number, number],
    fill: string,
    follow: number,
  ) =>
    svg`<ellipse cx="${x * follow + sx * rx}" cy="${y * follow + sy * ry}" rx="${srx * rx}" ry="${sry * ry}" fill="${fill}"/>`;
  return (
    svg`<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="url(#iris)" stroke="${ink.irisRim}" stroke-width="${0.13 * w}"/>` +
    spot([0, -0.02, pupil[0], pupil[1]], ink.pupil, 1) +
    (glow ? spot(glow, ink.iris[2], 1) : '') +
    highlights.map((highlight) => spot(highlight, ink.highlight, 0.75)).join('')
  );
}

function lashes(w: number, h: number, outerY: number, style: AnimeStyle, manner: Manner, ink: Ink): string {
  const boy = style.figure === 'boy';
  const thick = manner.eyes.lash * (boy ? 0.85 : 1);
  const a = manner.eyes.arch;
  const wing = manner.eyes.wing * (boy ? 0.45 : 1);
  const lift = style.eyeShape === 'droopy' ? 1.2 : -0.9;
  let out = filled(
    svg`M${-w - 0.3} ${0.3 * h}C${-w * 0.92} ${-h * 0.98 * a - thick * 0.9} ${w * 0.52} ${-h * 1.36 * a - thick * 1.25} ${w + 0.5} ${outerY - 0.22 * h}L${w + wing} ${outerY + lift - 0.12 * h}L${w + 0.25} ${outerY + 0.22 * h}C${w * 0.5} ${-h * 1.24 * a} ${-w * 0.8} ${-h * 0.86 * a} ${-w - 0.3} ${0.3 * h}Z`,
    ink.lash,
  );
  for (let i = 0; i < (boy ? 0 : manner.eyes.flicks); i++) {
    const x = w * (0.92 - 0.26 * i);
    const y = outerY - h * (0.22 + 0.22 * i);
    out += taper(
      [
        [x - 0.6, y + 0.4],
        [x + 1, y - 0.7],
        [x + 1.7 - 0.25 * i, y - 2],
      ],
      0.75,
      ink.lash,
    );
  }
  if (manner.eyes.crease > 0) {
    const top = -h * 0.86 - thick - 1.5;
    out += stroke(
      svg`M${-w * 0.5} ${top + 1.1}Q${w * 0.2} ${top - 0.9} ${w * 0.8} ${top + 2}`,
      ink,
      manner.eyes.crease,
      ink.skinLine,
    );
  }
  return out;
}

/** Both brows, in head coordinates; they are drawn over the fringe, as anime does. */
export function brows(content: Content, style: AnimeStyle, manner: Manner, ink: Ink): string {
  const [, h] = sizeOf(style, manner);
  const thick = (style.figure === 'boy' ? 1.25 : 0.8) * (manner.wedge > 0.6 ? 1.25 : 1);
  const y = EYE_RIGHT[1] - h - manner.eyes.lash - 2.2 - 1.1 * content.open;
  return [-1, 1]
    .map((side) => {
      const at = (x: number, dy: number): Point => turned(content, [side * x, y + dy]).point;
      return taper([at(4.4, 0.8), at(9.6, -2), at(15, 1 - 0.5 * content.smile)], thick, ink.brow);
    })
    .join('');
}
