// Faces of anime portraits.
import { type Ink, stroke } from './anime-ink.js';
import type { AnimeStyle, Content } from './factors.js';
import { lerp, mix, svg } from './svg.js';

const EYE_X = 10;
const EYE_Y = 3;
const MOUTH_Y = 18;

/** Eyes, brows, nose, mouth and blush in head coordinates. */
export function animeFace(content: Content, style: AnimeStyle, ink: Ink): string {
  return [
    blush(style, ink),
    nose(ink),
    mouth(content, style, ink),
    eye(-1, content, style, ink),
    eye(1, content, style, ink),
    brow(-1, content, ink),
    brow(1, content, ink),
  ].join('');
}

function blush(style: AnimeStyle, ink: Ink): string {
  const rose = style.family === 'print' ? style.accent : mix(style.skin, '#ff5a6e', 0.42);
  return [-1, 1]
    .map((side) => {
      if (style.family === 'pastel')
        return svg`<ellipse cx="${side * 13}" cy="13.2" rx="4.4" ry="2.2" fill="${rose}" opacity=".75"/>`;
      let hatch = '';
      for (const i of [-1, 0, 1])
        hatch += stroke(svg`M${side * 13.2 + i * 2 + 0.6} 12.2l-1.2 2.4`, ink, 0.55, rose);
      return hatch;
    })
    .join('');
}

function nose(ink: Ink): string {
  return svg`<path d="M-.3 12.2L1.5 13.9L-.6 14Z" fill="${ink.skinShade}"/>${stroke('M.2 12L1.3 13.8', ink, 0.5)}`;
}

/** The colours of the inside of the mouth, and of the tongue. */
function mouthColours(style: AnimeStyle): [string, string] {
  switch (style.family) {
    case 'vivid':
      return ['#8f2436', '#f0788a'];
    case 'pastel':
      return ['#c96a7c', '#f7a9b4'];
    case 'print':
      return [style.line, style.accent];
  }
}

function mouth(content: Content, style: AnimeStyle, ink: Ink): string {
  const { smile, open } = content;
  const w = lerp(3, 5.4, smile);
  const corner = MOUTH_Y + lerp(0.9, -1.1, smile);
  const dip = MOUTH_Y + lerp(-0.4, 1.3, smile);
  if (open < 0.1) return stroke(svg`M${-w} ${corner}Q0 ${2 * dip - corner} ${w} ${corner}`, ink, 0.85);
  const depth = dip + 1.2 + 5.2 * open;
  const hole = svg`M${-w} ${corner}Q0 ${corner + 0.9 * (dip - corner)} ${w} ${corner}C${w * 0.95} ${depth} ${w * 0.45} ${depth + 0.9} 0 ${depth + 0.9}C${-w * 0.45} ${depth + 0.9} ${-w * 0.95} ${depth} ${-w} ${corner}Z`;
  const [inside, tongue] = mouthColours(style);
  return (
    svg`<clipPath id="mouth"><path d="${hole}"/></clipPath><path d="${hole}" fill="${inside}"/>` +
    svg`<g clip-path="url(#mouth)"><ellipse cx="0" cy="${depth + 0.8}" rx="${w * 0.72}" ry="${1 + 1.3 * open}" fill="${tongue}"/>` +
    svg`<path d="M${-w} ${corner - 2}L${w} ${corner - 2}L${w * 0.8} ${corner + 0.9 + open}L${-w * 0.8} ${corner + 0.9 + open}Z" fill="#ffffff"/></g>${stroke(hole, ink, 0.75)}`
  );
}

/** Half-width and half-height of the eye, and the height of the outer corner above the inner one. */
const EYES = {
  vivid: { round: [5.8, 6.9, 0.6], sharp: [6.2, 6, 2.4], droopy: [6, 6.3, -1.3] },
  pastel: { round: [6.2, 7, 0], sharp: [6.3, 6.3, 1.4], droopy: [6.3, 6.6, -1.6] },
  print: { round: [5.8, 6.9, 0.6], sharp: [6.2, 6, 2.4], droopy: [6, 6.3, -1.3] },
} as const;

function eye(side: -1 | 1, content: Content, style: AnimeStyle, ink: Ink): string {
  const [w, h, slant] = EYES[style.family][style.eyeShape];
  const s = side;
  const id = s < 0 ? 'eyeL' : 'eyeR';
  const outerY = -slant;
  const lid = svg`M${-w * s} ${0.1 * h}C${-w * 0.8 * s} ${-h * 0.95} ${w * 0.45 * s} ${-h * 1.3} ${w * s} ${outerY - 0.1 * h}`;
  const white = svg`${lid}C${w * s} ${h * 0.6} ${w * 0.6 * s} ${h} ${w * 0.1 * s} ${h}C${-w * 0.6 * s} ${h} ${-w * 0.9 * s} ${h * 0.6} ${-w * s} ${0.1 * h}Z`;
  const ix = content.gazeX * 1.9 - 0.3 * s;
  const iy = content.gazeY * 1.5 - 0.2;
  const lash = lashPath(s, w, h, outerY, style);
  const dark = mix(style.line, '#0a0614', style.family === 'pastel' ? 0.25 : 0.6);
  return (
    svg`<g transform="translate(${s * EYE_X} ${EYE_Y})"><clipPath id="${id}"><path d="${white}"/></clipPath><path d="${white}" fill="#ffffff"/>` +
    svg`<g clip-path="url(#${id})">${iris(ix, iy, w, h, style, ink)}<path d="${lid}" stroke="${mix(style.iris, '#2a1c4a', 0.6)}" stroke-width="3.4" fill="none" opacity=".32"/></g>` +
    stroke(
      svg`M${w * 0.72 * s} ${h * 0.78}Q${w * 0.2 * s} ${h * 1.12} ${-w * 0.35 * s} ${h * 0.95}`,
      ink,
      0.6,
    ) +
    `<path d="${lash}" fill="${dark}"/>${highlights(ix, iy, style)}</g>`
  );
}

/** The upper lash line, thick over the eye, with a wing at the outer corner. */
function lashPath(s: number, w: number, h: number, outerY: number, style: AnimeStyle): string {
  const thick = style.family === 'pastel' ? 1.5 : 2.4;
  const wing = style.eyeShape === 'droopy' ? 1.6 : -1.4;
  return svg`M${(-w - 0.2) * s} ${0.14 * h}C${-w * 0.85 * s} ${-h * 0.95 - thick} ${w * 0.5 * s} ${-h * 1.3 - thick} ${(w + 0.4) * s} ${outerY - 0.3 * h}L${(w + 2.2) * s} ${outerY + wing - 0.06 * h}L${(w + 0.2) * s} ${outerY + 0.16 * h}C${w * 0.45 * s} ${-h * 1.22} ${-w * 0.75 * s} ${-h * 0.85} ${(-w - 0.2) * s} ${0.14 * h}Z`;
}

function iris(x: number, y: number, w: number, h: number, style: AnimeStyle, ink: Ink): string {
  const rx = w * 0.7;
  const ry = h * 0.92;
  const deep = mix(style.iris, '#140a2e', 0.62);
  const bright = mix(style.iris, '#ffffff', 0.45);
  if (style.family !== 'pastel') {
    return (
      svg`<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${style.iris}" stroke="${ink.line}" stroke-width=".9"/>` +
      svg`<path d="M${x - rx} ${y + 0.4}A${rx} ${ry} 0 0 1 ${x + rx} ${y + 0.4}Q${x} ${y + 1.6} ${x - rx} ${y + 0.4}Z" fill="${deep}"/>` +
      svg`<ellipse cx="${x}" cy="${y + 0.3}" rx="${rx * 0.42}" ry="${ry * 0.45}" fill="#120a22"/>` +
      svg`<path d="M${x - rx * 0.62} ${y + ry * 0.52}Q${x} ${y + ry * 1.05} ${x + rx * 0.62} ${y + ry * 0.52}Q${x} ${y + ry * 0.72} ${x - rx * 0.62} ${y + ry * 0.52}Z" fill="${bright}"/>`
    );
  }
  return (
    svg`<ellipse cx="${x}" cy="${y}" rx="${rx * 1.04}" ry="${ry}" fill="${mix(style.iris, '#ffffff', 0.2)}" stroke="${mix(style.iris, '#3a2a5a', 0.5)}" stroke-width=".6"/>` +
    svg`<ellipse cx="${x}" cy="${y - ry * 0.3}" rx="${rx * 0.92}" ry="${ry * 0.62}" fill="${mix(style.iris, '#3a2a5a', 0.35)}"/>` +
    svg`<ellipse cx="${x}" cy="${y + ry * 0.5}" rx="${rx * 0.62}" ry="${ry * 0.34}" fill="${mix(style.iris, '#ffffff', 0.66)}"/>` +
    svg`<ellipse cx="${x}" cy="${y}" rx="${rx * 0.34}" ry="${ry * 0.36}" fill="${deep}"/>`
  );
}

/** Highlights in the eye, which move less than the iris. */
function highlights(x: number, y: number, style: AnimeStyle): string {
  const [hx, hy] = [x * 0.6 - 1.5, y * 0.6 - 2.9];
  const round = svg`<ellipse cx="${hx}" cy="${hy}" rx="1.7" ry="2" fill="#ffffff"/><circle cx="${x * 0.6 + 1.8}" cy="${y * 0.6 + 2.8}" r=".9" fill="#ffffff"/>`;
  if (style.family !== 'pastel') return round;
  return `${round}${svg`<circle cx="${x * 0.6 - 1.9}" cy="${y * 0.6 + 1.7}" r=".6" fill="#ffffff" opacity=".9"/><circle cx="${x * 0.6 + 1.7}" cy="${y * 0.6 - 1.6}" r=".55" fill="#ffffff" opacity=".8"/>`}`;
}

function brow(side: -1 | 1, content: Content, ink: Ink): string {
  const y = -6.6 - 1.1 * content.open;
  return stroke(
    svg`M${side * 5.6} ${y + 0.6}Q${side * 10} ${y - 1.8} ${side * 15} ${y + 0.7 - 0.4 * content.smile}`,
    ink,
    0.9,
  );
}
