// Hair behind the heads of anime portraits.
import type { Rng } from '../base/rng.js';
import { type Ink, inked, stroke } from './anime-ink.js';
import type { AnimeStyle, Content } from './factors.js';
import { lerp, mix, type Point, svg } from './svg.js';

/** The hair behind an anime head, down to its length, or two tails, in head coordinates. */
export function backHair(content: Content, style: AnimeStyle, ink: Ink, side: number, rng: Rng): string {
  const length = content.hairLength;
  switch (style.hairShape) {
    case 'spiky':
      return hanging(25, lerp(11, 46, length), 7, 5.5, side, ink, rng);
    case 'bangs':
      return hanging(25.4, lerp(12, 54, length), 5, 1.6, side, ink, rng);
    case 'swept':
      return hanging(25, lerp(11, 50, length), 5, 4.2, side, ink, rng);
    case 'twintails':
      return (
        hanging(23.6, 15, 5, 2, side, ink, rng) + tail(-1, length, style, ink) + tail(1, length, style, ink)
      );
  }
}

/** A curtain of hair with a jagged hem: `width` at the cheeks, `bottom` its lower end, `depth` the depth of the notches. */
function hanging(
  width: number,
  bottom: number,
  locks: number,
  depth: number,
  side: number,
  ink: Ink,
  rng: Rng,
): string {
  const flare = 1 + Math.max(0, bottom - 12) * 0.06;
  const hem = width + flare - Math.max(0, 20 - bottom) * 0.4;
  let path = svg`M${-width} -10C${-width - flare} ${lerp(-10, bottom, 0.3)} ${-hem - 1} ${lerp(-10, bottom, 0.7)} ${-hem - side} ${bottom}`;
  const notches: Point[] = [];
  for (let i = 0; i < locks; i++) {
    const middle = lerp(-hem, hem, (i + 0.5 + side * 0.2) / locks);
    const end = lerp(-hem, hem, (i + 1) / locks);
    const tip: Point = [middle, bottom + rng.uniform(0.6, 1.2) * depth];
    const notch: Point = i === locks - 1 ? [hem - side, bottom] : [end, bottom - 0.6 * depth];
    path += svg`Q${[middle - 2.4, tip[1] - 1]} ${tip}Q${[lerp(tip[0], notch[0], 0.7), tip[1] - 0.4 * depth]} ${notch}`;
    notches.push(notch);
  }
  path += svg`C${hem + 1} ${lerp(-10, bottom, 0.7)} ${width + flare} ${lerp(-10, bottom, 0.3)} ${width} -10C${width} -44 ${-width} -44 ${-width} -10Z`;
  const lines = notches
    .slice(0, -1)
    .map(([x, y]) => stroke(svg`M${x} ${y}Q${x * 1.02} ${y - 7} ${x * 0.94} ${y - 14}`, ink, 0.6));
  return inked(path, ink.hairShade, ink) + lines.join('');
}

function tail(s: number, length: number, style: AnimeStyle, ink: Ink): string {
  const end = lerp(18, 64, length);
  const path = svg`M${s * 18} -22C${s * 30} -31 ${s * 41} -18 ${s * 40.5} ${lerp(-8, end, 0.35)}C${s * 40} ${lerp(0, end, 0.7)} ${s * 37} ${end - 5} ${s * 31} ${end}Q${s * 33} ${end - 6} ${s * 31.6} ${end - 9}Q${s * 30} ${end - 3} ${s * 26} ${end - 2}C${s * 29} ${lerp(0, end, 0.6)} ${s * 27} ${lerp(0, end, 0.2)} ${s * 21} -9Z`;
  const shade = svg`M${s * 21} -9C${s * 27} ${lerp(0, end, 0.2)} ${s * 29} ${lerp(0, end, 0.6)} ${s * 26} ${end - 2}Q${s * 30} ${end - 3} ${s * 31.6} ${end - 9}C${s * 33} ${lerp(0, end, 0.5)} ${s * 31} ${lerp(0, end, 0.1)} ${s * 21} -9Z`;
  const tie = svg`M${s * 18} -24.5C${s * 21} -24 ${s * 25} -19 ${s * 24.6} -13.5L${s * 20} -11.5C${s * 20} -16 ${s * 18} -19 ${s * 16} -20Z`;
  return (
    inked(path, ink.hair, ink) +
    svg`<path d="${shade}" fill="${ink.hairShade}"/>` +
    stroke(
      svg`M${s * 26} -18C${s * 35} -12 ${s * 36} ${lerp(0, end, 0.4)} ${s * 33.5} ${end - 10}`,
      ink,
      0.6,
    ) +
    stroke(path, ink) +
    inked(tie, mix(style.accent, '#ffffff', 0.1), ink)
  );
}
