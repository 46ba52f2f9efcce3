// Accessories of anime portraits.
import type { Content } from '../factors.js';
import { EYE_LEFT, EYE_RIGHT, turned } from '../pose.js';
import { mix, svg } from '../svg.js';
import { CROWN_Y, type Frame } from './frame.js';
import { filled, type Ink, inked, stroke } from './ink.js';
import type { AnimeStyle } from './style.js';

/** The accessory of a style over the hair, in head coordinates. @param side the side of the parting. */
export function accessory(content: Content, frame: Frame, style: AnimeStyle, side: 1 | -1, ink: Ink): string {
  switch (style.accessory) {
    case 'clip':
      return clip(frame, side, ink);
    case 'ribbon':
      return ribbon(frame, side, ink);
    case 'flower':
      return flower(frame, side, ink);
    case 'band':
      return band(frame, ink);
    case 'glasses':
      return glasses(content, frame, ink);
    default:
      return '';
  }
}

/** A drop below each ear, with its origin at the lobe. */
export function earring(style: AnimeStyle, ink: Ink): string {
  if (style.accessory !== 'earrings') return '';
  return svg`<circle cx="0" cy="1.6" r="1.9" fill="${ink.accent}" stroke="${ink.line}" stroke-width="${ink.width * 0.6}"/>`;
}

/** The ears of a cat behind the hair. */
export function catEars(frame: Frame, style: AnimeStyle, ink: Ink): string {
  if (style.accessory !== 'ears') return '';
  return [-1, 1]
    .map((s) => {
      const x = s * 13.5 * (1 - 0.2 * Math.max(0, s * frame.turn)) + frame.shift(-2);
      return (
        inked(
          svg`M${x - s * 8} -30C${x - s * 4} -38 ${x + s * 2} -43 ${x + s * 6} -45C${x + s * 9} -38 ${x + s * 9.6} -28 ${x + s * 8} -18Z`,
          ink.hair,
          ink,
        ) +
        filled(
          svg`M${x - s * 3} -31C${x} -36 ${x + s * 3} -39.4 ${x + s * 5} -41C${x + s * 6.6} -35 ${x + s * 7} -28 ${x + s * 6} -22Z`,
          mix(ink.skin, ink.blush, 0.5),
        )
      );
    })
    .join('');
}

function clip(frame: Frame, side: 1 | -1, ink: Ink): string {
  const [x, y] = frame.at(side * 46, -13, 0.6);
  return svg`<g transform="translate(${x} ${y}) rotate(${side * 26})">${inked('M-4.6 -2.7h9.2v2.4h-9.2Z', ink.accent, ink, 0.75)}${inked('M-4.2 1h9v2.4h-9Z', ink.accent, ink, 0.75)}</g>`;
}

function ribbon(frame: Frame, side: 1 | -1, ink: Ink): string {
  const [x, y] = frame.at(side * 40, -28, 1.5);
  const wings = [-1, 1].map(
    (s) =>
      inked(
        svg`M0 0C${s * 4} -7.4 ${s * 12} -7 ${s * 11} 0C${s * 12} 6 ${s * 4} 6 0 0Z`,
        ink.accent,
        ink,
        0.9,
      ) + stroke(svg`M${s * 2} 0Q${s * 5} -1.4 ${s * 8} -0.6`, ink, 0.6),
  );
  return svg`<g transform="translate(${x} ${y}) rotate(${side * 28})">${wings}<circle r="2.7" fill="${mix(ink.accent, ink.white, 0.25)}" stroke="${ink.line}" stroke-width="${ink.width * 0.9}"/></g>`;
}

function flower(frame: Frame, side: 1 | -1, ink: Ink): string {
  const [x, y] = frame.at(side * 50, -19, 1);
  const petals = Array.from(
    { length: 5 },
    (_, i) =>
      svg`<g transform="rotate(${72 * i})">${inked('M0 0C-3.6 -2.4 -3 -6.4 0 -6.4C3 -6.4 3.6 -2.4 0 0Z', ink.accent, ink, 0.7)}</g>`,
  );
  return svg`<g transform="translate(${x} ${y})">${petals}<circle r="2" fill="${mix(ink.white, ink.accent, 0.2)}" stroke="${ink.line}" stroke-width="${ink.width * 0.6}"/></g>`;
}

function band(frame: Frame, ink: Ink): string {
  const edge = (y: number, bow: number): string => {
    const [left, right] = [frame.at(-88 - frame.yaw, y, 0.8), frame.at(88 - frame.yaw, y, 0.8)];
    return svg`${left}C${left[0] + 3} ${bow} ${right[0] - 3} ${bow} ${right}`;
  };
  const [right, left] = [frame.at(88 - frame.yaw, -11, 0.8), frame.at(-88 - frame.yaw, -11, 0.8)];
  return inked(
    `M${edge(-15, CROWN_Y - 4)}${svg`L${right}C${right[0] - 3} ${CROWN_Y + 1} ${left[0] + 3} ${CROWN_Y + 1} ${left}Z`}`,
    ink.accent,
    ink,
    0.8,
  );
}

/** Round glasses, whose rims leave the eyes free. */
function glasses(content: Content, frame: Frame, ink: Ink): string {
  const lens = ([x, y]: readonly [number, number]): string => {
    const at = turned(content, [x, y]);
    return svg`<ellipse cx="${at.point[0]}" cy="${at.point[1] + 0.6}" rx="${8.2 * at.width}" ry="8.4" fill="none" stroke="${ink.accent}" stroke-width="1.1"/>`;
  };
  const [left, right] = [turned(content, [-1.6, 0.6]).point, turned(content, [1.6, 0.6]).point];
  const bow = (s: 1 | -1): string => {
    if (s * frame.turn > 0.3) return '';
    const rim = turned(content, [s * 17.2, -0.6]).point;
    return svg`M${rim}L${frame.at(s * 78, -2.5)}`;
  };
  return (
    lens(EYE_LEFT) +
    lens(EYE_RIGHT) +
    svg`<path d="M${left}Q${(left[0] + right[0]) / 2} -1.2 ${right}${bow(-1)}${bow(1)}" fill="none" stroke="${ink.accent}" stroke-width="1.1"/>`
  );
}
