// Hair behind the heads of anime portraits: curtains, tails, braids and curls.
import type { Rng } from '../../base/rng.js';
import type { Content } from '../factors.js';
import { lerp, type Point, smoothClosedPath, svg } from '../svg.js';
import { type Frame, farSide } from './frame.js';
import { type BackHair, HAIR_FORMS } from './hair-shapes.js';
import { filled, type Ink, inked, taper, weighted } from './ink.js';
import { curtainPath } from './locks.js';
import type { Manner } from './manner.js';
import type { AnimeStyle } from './style.js';

/** The hair behind an anime head, in head coordinates. */
export function backHair(
  content: Content,
  frame: Frame,
  style: AnimeStyle,
  manner: Manner,
  ink: Ink,
  side: 1 | -1,
  rng: Rng,
): string {
  const { back } = HAIR_FORMS[style.hairShape];
  const brush: Brush = { frame, manner, ink, length: content.hairLength };
  const extra = back.extra ? EXTRAS[back.extra](brush, side) : { behind: '', before: '' };
  return extra.behind + curtain(back, brush, rng) + extra.before;
}

interface Brush {
  frame: Frame;
  manner: Manner;
  ink: Ink;
  length: number;
}

interface Extra {
  behind: string;
  before: string;
}

function curtain(back: BackHair, { frame, manner, ink, length }: Brush, rng: Rng): string {
  const bottom = lerp(back.bottom[0], back.bottom[1], length);
  // The back of the head comes into sight at the near side.
  const shift = frame.shift(-2.4);
  const near = 1.6 * Math.abs(frame.turn);
  const far = farSide(frame);
  const left = -back.width + shift - (far > 0 ? near : 0);
  const right = back.width + shift + (far < 0 ? near : 0);
  const share = Math.min(1, Math.max(0.25, (bottom - 8) / 26));
  const flare = back.flare * (back.flare > 0 ? share : 1);
  const tips = Array.from(
    { length: back.ends },
    (_, i): Point => [(i + 0.5 + rng.uniform(-0.12, 0.12)) / back.ends, back.depth * rng.uniform(0.55, 1)],
  );
  const path = curtainPath(left, right, -9, bottom, flare, tips);
  const middle = (left + right) / 2 + frame.shift(4);
  const half = (right - left) / 2;
  // Behind the neck it is dark, down to the ends of the locks.
  const low = bottom - 2;
  const high = lerp(bottom, 0, 0.22);
  const at = (share: number): number => middle + half * share;
  const shade = svg`M${at(-0.78)} 0L${at(-0.72)} ${low}L${at(-0.5)} ${high}L${at(-0.24)} ${low}L${at(0.04)} ${high + 1}L${at(0.3)} ${low}L${at(0.56)} ${high}L${at(0.8)} ${low}L${at(0.84)} 0Z`;
  const lines = tips
    .slice(0, -1)
    .map(([at]) => {
      const x = lerp(left - flare, right + flare, at + 0.5 / back.ends);
      return taper(
        [
          [x, bottom - back.depth * 0.5],
          [x * 0.99, bottom - 6],
          [x * 0.95, bottom - 13 - 8 * length],
        ],
        0.55,
        ink.line,
      );
    })
    .join('');
  return (
    weighted(path, ink.hair, ink, manner.weight) +
    filled(shade, ink.hairDeep) +
    lines +
    inked(path, 'none', ink)
  );
}

/** Tails and braids hang from their ties; both ends of a tie move with the turn. */
const EXTRAS: Readonly<Record<NonNullable<BackHair['extra']>, (brush: Brush, side: 1 | -1) => Extra>> = {
  tails: (brush) => ({ behind: '', before: tail(-1, brush) + tail(1, brush) }),
  pony: (brush, side) => ({ behind: pony(brush, side), before: '' }),
  braids: (brush) => ({ behind: '', before: braid(-1, brush) + braid(1, brush) }),
  puffs: (brush) => ({ behind: puffs(brush), before: '' }),
};

function tail(s: 1 | -1, { frame, manner, ink, length }: Brush): string {
  const end = lerp(16, 58, length);
  const x = (at: number): number => s * at * (1 - 0.1 * Math.max(0, s * frame.turn)) + frame.shift(-5);
  const path = svg`M${x(18)} -21C${x(28)} -33 ${x(42)} -20 ${x(41)} ${lerp(-8, end, 0.35)}C${x(41)} ${lerp(0, end, 0.7)} ${x(40)} ${end - 6} ${x(34)} ${end + 1}Q${x(35)} ${end - 6} ${x(33.4)} ${end - 9}Q${x(31)} ${end - 3} ${x(26.5)} ${end - 3}C${x(29)} ${lerp(0, end, 0.6)} ${x(27)} ${lerp(0, end, 0.2)} ${x(21)} -9Z`;
  const shade = svg`M${x(21.5)} -9C${x(27)} ${lerp(0, end, 0.2)} ${x(29)} ${lerp(0, end, 0.6)} ${x(26.5)} ${end - 3}Q${x(31)} ${end - 3} ${x(33)} ${end - 9}C${x(34)} ${lerp(0, end, 0.5)} ${x(31)} ${lerp(0, end, 0.1)} ${x(21.5)} -9Z`;
  const lines =
    taper(
      [
        [x(26), -20],
        [x(36), -10],
        [x(35), end - 10],
      ],
      0.6,
      ink.line,
    ) +
    taper(
      [
        [x(24), -14],
        [x(32), lerp(0, end, 0.2)],
        [x(30.5), end - 8],
      ],
      0.5,
      ink.line,
    );
  const tie = svg`M${x(17)} -25C${x(21)} -25 ${x(25.4)} -19 ${x(25)} -13L${x(20)} -11C${x(20)} -16 ${x(18)} -19 ${x(15.6)} -20.4Z`;
  return (
    weighted(path, ink.hair, ink, manner.weight) +
    filled(shade, ink.hairDeep) +
    lines +
    inked(path, 'none', ink) +
    inked(tie, ink.accent, ink, 0.8)
  );
}

/** A high tail at the back of the head, which falls to one side. */
function pony({ frame, manner, ink, length }: Brush, side: 1 | -1): string {
  const s = Math.abs(frame.turn) > 0.3 ? (-farSide(frame) as 1 | -1) : side;
  const shift = frame.shift(-17);
  const end = lerp(14, 56, length);
  const x = (at: number): number => s * at + shift * 0.6;
  const path = svg`M${x(2)} -31C${x(8)} -45 ${x(27)} -42 ${x(33)} -24C${x(38)} ${lerp(-24, end, 0.4)} ${x(36)} ${lerp(-24, end, 0.8)} ${x(29)} ${end + 2}Q${x(30)} ${end - 5} ${x(27.6)} ${end - 8}Q${x(25)} ${end - 2} ${x(20)} ${end - 2}C${x(25)} ${lerp(-20, end, 0.6)} ${x(22)} -8 ${x(12)} -20Z`;
  const shade = svg`M${x(12)} -22C${x(24)} -12 ${x(27)} ${lerp(-20, end, 0.6)} ${x(20)} ${end - 2}Q${x(25)} ${end - 2} ${x(27)} ${end - 8}C${x(33)} ${lerp(-20, end, 0.5)} ${x(28)} -16 ${x(16)} -26Z`;
  const tie = smoothClosedPath([
    [x(3), -36],
    [x(8), -39],
    [x(13), -34],
    [x(10), -28],
    [x(4), -30],
  ]);
  return (
    weighted(path, ink.hair, ink, manner.weight) +
    filled(shade, ink.hairDeep) +
    taper(
      [
        [x(14), -33],
        [x(31), -26],
        [x(28), end - 10],
      ],
      0.6,
      ink.line,
    ) +
    inked(path, 'none', ink) +
    inked(tie, ink.accent, ink, 0.8)
  );
}

function braid(s: 1 | -1, { frame, manner, ink, length }: Brush): string {
  const end = lerp(22, 58, length);
  const count = Math.max(2, Math.round((end - 12) / 7.5));
  const step = (end - 11) / count;
  const x = s * 20.5 + frame.shift(-4);
  let out = '';
  for (let i = count - 1; i >= 0; i--) {
    const y = 8 + i * step;
    const w = 5.2 - 0.9 * (i / count);
    const cx = x + s * 1.4 * Math.sin((i / count) * 3);
    const d = step + 3;
    const path = svg`M${cx - w} ${y + 0.3 * d}C${cx - w} ${y - 0.1 * d} ${cx + w} ${y - 0.1 * d} ${cx + w} ${y + 0.3 * d}C${cx + w} ${y + 0.75 * d} ${cx + 0.3 * w} ${y + 0.9 * d} ${cx} ${y + d}C${cx - 0.3 * w} ${y + 0.9 * d} ${cx - w} ${y + 0.75 * d} ${cx - w} ${y + 0.3 * d}Z`;
    out +=
      weighted(path, ink.hair, ink, manner.weight) +
      filled(
        svg`M${cx + 0.2 * w} ${y + 0.2 * d}C${cx + w * 0.9} ${y + 0.1 * d} ${cx + w} ${y + 0.7 * d} ${cx} ${y + d}C${cx + 0.5 * w} ${y + 0.7 * d} ${cx + 0.5 * w} ${y + 0.4 * d} ${cx + 0.2 * w} ${y + 0.2 * d}Z`,
        ink.hairShade,
      );
  }
  const tuft = svg`M${x - 2.6} ${end + 1}Q${x - 4.4} ${end + 6} ${x} ${end + 10}Q${x + 4.4} ${end + 6} ${x + 2.6} ${end + 1}Z`;
  const tie = svg`M${x - 3.2} ${end - 1}h6.4v3.4h-6.4Z`;
  return weighted(tuft, ink.hair, ink, manner.weight) + out + inked(tie, ink.accent, ink, 0.8);
}

/** Curls as a ring of bumps around the head, down to the hem. */
function puffs({ frame, manner, ink, length }: Brush): string {
  const bottom = lerp(14, 44, length);
  const shift = frame.shift(-3);
  const half = lerp(25.5, 28, length);
  const at = (t: number): Point => {
    const angle = Math.PI * (0.5 + 2 * t);
    const y = Math.sin(angle) > 0 ? Math.sin(angle) * bottom : Math.sin(angle) * 30;
    return [shift + Math.cos(angle) * half, y];
  };
  const count = 15;
  let path = svg`M${at(0)}`;
  for (let i = 0; i < count; i++) {
    const [a, b] = [at(i / count), at((i + 1) / count)];
    const out = (p: Point): Point => {
      const length = Math.hypot(p[0] - shift, p[1]) || 1;
      return [p[0] + ((p[0] - shift) / length) * 6.5, p[1] + (p[1] / length) * 6.5];
    };
    path += svg`C${out(a)} ${out(b)} ${b}`;
  }
  return weighted(`${path}Z`, ink.hair, ink, manner.weight);
}
