// Hair of anime portraits.
import { Rng } from '../base/rng.js';
import { backHair } from './anime-hair-back.js';
import { type Ink, inked, stroke } from './anime-ink.js';
import type { AnimeStyle, Content } from './factors.js';
import { lerp, mix, type Point, svg } from './svg.js';

/** Hair of an anime portrait in head coordinates, in layers from back to front. */
export interface AnimeHairLayers {
  behind: string;
  /** The shadow of the fringe on the face. */
  shadow: string;
  front: string;
  definitions: string;
}

/** One lock of a fringe: its tip and the notch after it, from right to left. */
interface Lock {
  tip: Point;
  notch: Point;
}

const TEMPLE_X = 22.4;
const TEMPLE_Y = 3;

/** Draws the layers of hair. */
export function animeHair(content: Content, style: AnimeStyle, ink: Ink): AnimeHairLayers {
  const rng = new Rng(style.detail, 'hair');
  const side = rng.pick([-1, 1] as const);
  const locks = fringe(style, side, rng);
  const cap = `${crown(style, side, rng)}${fringePath(locks)}Z`;
  const shadow = svg`<path d="${cap}" transform="translate(0 ${style.family === 'pastel' ? 2 : 2.6})" fill="${ink.skinShade}"/>`;
  const lines = locks
    .slice(0, -1)
    .map(({ notch: [x, y] }) =>
      stroke(svg`M${x} ${y}Q${x * 0.9} ${y - 5} ${x * 0.62 + side * 0.8} ${y - 9.5}`, ink, 0.6),
    );
  const front =
    sideLocks(content, style, ink) +
    celShaded(cap, 'cap', ink) +
    svg`<g clip-path="url(#cap)">${shine(style, ink)}</g>` +
    lines.join('') +
    svg`<path d="${cap}" fill="none" stroke="${ink.line}" stroke-width="${ink.width}" stroke-linejoin="round"/>` +
    tuft(style, side, ink) +
    accessory(style, side, ink);
  return {
    behind: backHair(content, style, ink, side, rng),
    shadow,
    front,
    definitions: `<clipPath id="cap"><path d="${cap}"/></clipPath>`,
  };
}

/** The path in its shade, under the lit tone shifted to the upper left, which leaves dark rims at the lower right. */
function celShaded(path: string, clip: string, ink: Ink): string {
  return svg`<path d="${path}" fill="${ink.hairShade}"/><g clip-path="url(#${clip})"><path d="${path}" transform="translate(-1.3 -2.7)" fill="${ink.hair}"/></g>`;
}

/** The outer contour of the cap, from the left temple over the top to the right temple. */
function crown(style: AnimeStyle, side: number, rng: Rng): string {
  const start = svg`M${-TEMPLE_X} ${TEMPLE_Y}`;
  if (style.hairShape !== 'spiky') {
    const top = style.hairShape === 'bangs' ? -35 : -36;
    return svg`${start}C-26 -14 -20 ${top} 0 ${top}C20 ${top} 26 -14 ${TEMPLE_X} ${TEMPLE_Y}`;
  }
  let path = start;
  const spikes = 7;
  const at = (t: number, reach: number): Point => {
    const angle = Math.PI * lerp(1.06, -0.06, t);
    return [Math.cos(angle) * (23.6 + reach), -8 - Math.sin(angle) * (26.5 + reach)];
  };
  let [px, py] = [-TEMPLE_X, TEMPLE_Y];
  for (let i = 0; i < spikes; i++) {
    const tip = at((i + 0.5 + side * 0.38) / spikes, rng.uniform(5.5, 8.5));
    const notch: Point = i === spikes - 1 ? [TEMPLE_X, TEMPLE_Y] : at((i + 1) / spikes, 0);
    const bulge = at((i + 0.35) / spikes, 4.2);
    const inner = at((i + 0.8) / spikes, 2.8);
    path += svg`Q${side > 0 ? bulge : [lerp(px, tip[0], 0.4), lerp(py, tip[1], 0.4)]} ${tip}Q${side > 0 ? [lerp(tip[0], notch[0], 0.6), lerp(tip[1], notch[1], 0.6)] : inner} ${notch}`;
    [px, py] = notch;
  }
  return path;
}

function fringe(style: AnimeStyle, side: number, rng: Rng): Lock[] {
  switch (style.hairShape) {
    case 'spiky':
      return evenLocks(6, -4.6, 2.4, -13.5, rng, side * 2.4);
    case 'bangs':
      return evenLocks(5, -6.2, 0.5, -9.8, rng, 0);
    case 'twintails':
      return [
        { tip: [17.4, 1], notch: [14.6, -9] },
        { tip: [9.5, -5.4], notch: [5.4, -14] },
        { tip: [0.8 * side, -3.6], notch: [-5.4, -14] },
        { tip: [-9.5, -5.4], notch: [-14.6, -9] },
        { tip: [-17.4, 1], notch: [-TEMPLE_X, TEMPLE_Y] },
      ];
    case 'swept': {
      // Mirrored if the parting is on the left, and again listed from the right.
      const locks: Lock[] = [
        { tip: [18, 2], notch: [15.6, -9] },
        { tip: [13, -4.4], notch: [8.6, -23.5] },
        { tip: [-3.4, -6.6], notch: [-6, -11.4] },
        { tip: [-12.4, -4.4], notch: [-15, -9] },
        { tip: [-18.4, 3], notch: [-TEMPLE_X, TEMPLE_Y] },
      ];
      return side > 0 ? locks : mirrored(locks);
    }
  }
}

function mirrored(locks: readonly Lock[]): Lock[] {
  return locks
    .map((lock, i): Lock => {
      const notch: Point = i > 0 ? locks[i - 1]!.notch : [TEMPLE_X, TEMPLE_Y];
      return { tip: [-lock.tip[0], lock.tip[1]], notch: [-notch[0], notch[1]] };
    })
    .reverse();
}

function evenLocks(
  count: number,
  tipY: number,
  jitter: number,
  notchY: number,
  rng: Rng,
  lean: number,
): Lock[] {
  const locks: Lock[] = [];
  for (let i = 0; i < count; i++) {
    const edge = i === 0 || i === count - 1;
    const middle = lerp(20.5, -20.5, (i + 0.5) / count);
    const end = lerp(20.5, -20.5, (i + 1) / count);
    const notch: Point = i === count - 1 ? [-TEMPLE_X, TEMPLE_Y] : [end, notchY + Math.abs(end) * 0.16];
    const y = tipY + rng.uniform(-jitter, jitter) + (edge ? 5 : 0);
    locks.push({ tip: [middle + (edge ? 0 : lean), y], notch });
  }
  return locks;
}

/** The lower edge of the fringe, from the right temple to the left temple. */
function fringePath(locks: readonly Lock[]): string {
  let path = '';
  let [x, y] = [TEMPLE_X, TEMPLE_Y];
  for (const { tip, notch } of locks) {
    // Both flanks bulge outwards, so that a lock looks like a leaf, not a wedge.
    path += svg`Q${[lerp(x, tip[0], 0.16), lerp(y, tip[1], 0.66)]} ${tip}Q${[lerp(notch[0], tip[0], 0.2), lerp(notch[1], tip[1], 0.6)]} ${notch}`;
    [x, y] = notch;
  }
  return path;
}

function sideLocks(content: Content, style: AnimeStyle, ink: Ink): string {
  const tip = lerp(9, 29, content.hairLength) + (style.hairShape === 'bangs' ? 3 : 0);
  const blunt = style.hairShape === 'bangs';
  return [-1, 1]
    .map((s) => {
      const end = blunt
        ? svg`L${s * 16.8} ${tip}L${s * 21.4} ${tip + 1}`
        : svg`Q${s * 16.6} ${tip * 0.7} ${s * 18.6} ${tip + 2}`;
      const path = svg`M${s * 15} -14C${s * 17.6} -8 ${s * 17.8} 0 ${s * 16.8} ${tip * 0.5}${end}C${s * 23.6} ${tip * 0.6} ${s * 24.4} 0 ${s * 23} -14Z`;
      return inked(path, s > 0 ? mix(ink.hair, ink.hairShade, 0.75) : ink.hair, ink);
    })
    .join('');
}

/** The ring of light on the hair: a zigzag, and a soft band in `pastel`. */
function shine(style: AnimeStyle, ink: Ink): string {
  if (style.family === 'pastel') {
    return svg`<path d="M-17 -17Q0 -29.5 17 -17" fill="none" stroke="${ink.hairLight}" stroke-width="3.4" stroke-linecap="round" opacity=".75"/>`;
  }
  let zigzag = svg`M-17.5 -19Q0 -33 17.5 -19`;
  const teeth = 7;
  for (let i = 0; i < teeth; i++) {
    const x = lerp(17.5, -17.5, (i + 1) / teeth);
    const arc = (at: number): number => -26 + 0.0232 * at * at;
    zigzag += svg`L${lerp(17.5, -17.5, (i + 0.5) / teeth)} ${arc(x) + 3.6}L${x} ${arc(x) + (i === teeth - 1 ? 0 : 0.6)}`;
  }
  return `<path d="${zigzag}Z" fill="${ink.hairLight}"/>`;
}

/** One stray strand at the top. */
function tuft(style: AnimeStyle, side: number, ink: Ink): string {
  if (style.hairShape === 'spiky') return '';
  return inked(
    svg`M${side * -2} -34.6C${side * -1} -41 ${side * 6} -43.5 ${side * 10} -40C${side * 6} -40.6 ${side * 3} -38.4 ${side * 2.6} -34.6Z`,
    ink.hair,
    ink,
    0.9,
  );
}

function accessory(style: AnimeStyle, side: number, ink: Ink): string {
  const x = side * 17;
  const accent = style.accent;
  switch (style.accessory) {
    case 'none':
      return '';
    case 'clip':
      return [0, 3.6]
        .map(
          (dy) =>
            svg`<g transform="rotate(${side * 24} ${x} ${-14 + dy})">${inked(svg`M${x - 4} ${-15.2 + dy}h8v2.2h-8Z`, accent, ink, 0.7)}</g>`,
        )
        .join('');
    case 'ribbon': {
      const [cx, cy] = [side * 13, -30];
      const wings = [-1, 1]
        .map((s) =>
          inked(
            svg`M${cx} ${cy}C${cx + s * 4} ${cy - 7} ${cx + s * 12} ${cy - 6} ${cx + s * 11} ${cy}C${cx + s * 12} ${cy + 5} ${cx + s * 4} ${cy + 5} ${cx} ${cy}Z`,
            accent,
            ink,
          ),
        )
        .join('');
      return svg`<g transform="rotate(${side * 24} ${cx} ${cy})">${wings}<circle cx="${cx}" cy="${cy}" r="2.6" fill="${mix(accent, '#ffffff', 0.2)}" stroke="${ink.line}" stroke-width="${ink.width}"/></g>`;
    }
    case 'flower': {
      let petals = '';
      for (let i = 0; i < 5; i++) {
        const angle = (2 * Math.PI * i) / 5;
        petals += svg`<circle cx="${x + 2.9 * Math.cos(angle)}" cy="${-19 + 2.9 * Math.sin(angle)}" r="2.5" fill="${accent}" stroke="${ink.line}" stroke-width="${ink.width * 0.7}"/>`;
      }
      return svg`${petals}<circle cx="${x}" cy="-19" r="1.9" fill="#fff2b0"/>`;
    }
  }
}
