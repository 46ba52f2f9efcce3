// Nose, mouth and blush of anime portraits.
import type { Content } from '../factors.js';
import { MOUTH, turned } from '../pose.js';
import { lerp, svg } from '../svg.js';
import { type Frame, farSide } from './frame.js';
import { filled, type Ink, stroke } from './ink.js';
import type { Manner } from './manner.js';
import type { AnimeStyle } from './style.js';

/** How far the tip of the nose stands out, head units. */
const NOSE_HEIGHT = 3;

/** Blush, nose and mouth, in head coordinates. */
export function face(content: Content, frame: Frame, style: AnimeStyle, manner: Manner, ink: Ink): string {
  return (
    cheeks(content, style, manner, ink) + nose(content, frame, manner, ink) + mouth(content, manner, ink)
  );
}

function cheeks(content: Content, style: AnimeStyle, manner: Manner, ink: Ink): string {
  if (style.figure === 'boy') return '';
  return [-1, 1]
    .map((side) => {
      const { point, width } = turned(content, [side * 13, 12.2]);
      return svg`<g transform="translate(${point}) scale(${width} 1)">${manner.blush(ink)}</g>`;
    })
    .join('');
}

function nose(content: Content, frame: Frame, manner: Manner, ink: Ink): string {
  const { point } = turned(content, [0, 11]);
  return svg`<g transform="translate(${point[0] + frame.shift(NOSE_HEIGHT)} ${point[1]}) scale(${farSide(frame)} 1)">${manner.nose(ink)}</g>`;
}

/** The mouth; the middle of its height and width is where `turned` says. */
function mouth(content: Content, manner: Manner, ink: Ink): string {
  const { smile, open } = content;
  const { point, width } = turned(content, MOUTH);
  const group = (dy: number, drawing: string): string =>
    svg`<g transform="translate(${point[0]} ${point[1] + dy}) scale(${width} 1)">${drawing}</g>`;
  const isOpen = open >= 0.08;
  const w = lerp(manner.mouth.width[0], manner.mouth.width[1], smile) * (isOpen ? 1 - 0.12 * open : 1);
  const corner = lerp(1.1, -1.5, smile);
  const dip = lerp(-0.5, 1.1, smile);
  const lip = manner.mouth.hasLowerLip
    ? (y: number) => stroke(svg`M-1.4 ${y}Q0 ${y + 0.5} 1.4 ${y}`, ink, 0.55, ink.skinLine)
    : () => '';
  if (!isOpen) {
    // A quadratic curve reaches half of the way to its control point.
    const line = stroke(
      svg`M${-w} ${corner}Q0 ${2 * dip - corner} ${w} ${corner}`,
      ink,
      manner.mouth.line,
      ink.lip,
    );
    return group(-(corner + dip) / 2, line + lip(Math.max(dip, corner) + 2.4));
  }
  const top = corner + 0.8 * (dip - corner) - 0.5;
  const bottom = Math.max(corner, top) + 1.5 + 5.2 * open;
  const upper = svg`M${-w} ${corner}Q0 ${2 * top - corner} ${w} ${corner}`;
  const round = lerp(0.9, 0.75, smile);
  const hole = svg`${upper}C${w * 1.02} ${lerp(corner, bottom, 0.55)} ${w * round * 0.75} ${bottom} 0 ${bottom}C${-w * round * 0.75} ${bottom} ${-w * 1.02} ${lerp(corner, bottom, 0.55)} ${-w} ${corner}Z`;
  const edge = Math.min(corner, top);
  const teeth = manner.mouth.hasTeeth
    ? filled(
        svg`M${-w} ${edge - 2}L${w} ${edge - 2}L${w * 0.82} ${corner + 0.7 + 0.9 * open}Q0 ${top + 1.2 + 1.5 * open} ${-w * 0.82} ${corner + 0.7 + 0.9 * open}Z`,
        ink.teeth,
      )
    : '';
  const inner = svg`<clipPath id="mouth"><path d="${hole}"/></clipPath>${filled(hole, ink.mouth)}<g clip-path="url(#mouth)"><ellipse cx="0" cy="${bottom + 0.3}" rx="${w * 0.68}" ry="${0.8 + 1.9 * open}" fill="${ink.tongue}"/>${teeth}</g>`;
  return group(
    -(edge + bottom) / 2,
    inner + stroke(hole, ink, manner.mouth.rim, ink.lip) + lip(bottom + 1.8),
  );
}
