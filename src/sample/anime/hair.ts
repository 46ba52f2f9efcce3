// Hair of anime portraits before the head: crown, fringe and the locks beside the face.
import { Rng } from '../../base/rng.js';
import type { Content } from '../factors.js';
import { lerp, type Point, svg } from '../svg.js';
import { CROWN_Y, type Frame } from './frame.js';
import { backHair } from './hair-back.js';
import { type Crown, HAIR_FORMS } from './hair-shapes.js';
import { filled, type Ink, weighted } from './ink.js';
import { drawLocks, type Lock, locksPath, strand } from './locks.js';
import type { Manner } from './manner.js';
import type { AnimeStyle } from './style.js';

/** Hair of an anime portrait in head coordinates, in layers from back to front. */
export interface HairLayers {
  behind: string;
  /** The shadow of the fringe on the face. */
  shadow: string;
  front: string;
  /** The side of the parting: that of accessories. */
  side: -1 | 1;
}

/** Draws the layers of hair. */
export function hair(
  content: Content,
  frame: Frame,
  style: AnimeStyle,
  manner: Manner,
  ink: Ink,
): HairLayers {
  const rng = new Rng(style.detail, 'hair');
  const side = rng.pick([-1, 1] as const);
  const form = HAIR_FORMS[style.hairShape];
  const fringe = form.fringe(side, rng);
  const sides = sideLocks(content, style);
  const cap = `${crownPath(form.crown, frame, side, rng)}${hairlinePath(frame)}Z`;
  return {
    behind: backHair(content, frame, style, manner, ink, side, rng),
    shadow: svg`<path d="${locksPath(fringe, frame, manner)}" transform="translate(.5 2.6)" fill="${ink.skinShade}" opacity="${manner.fringeShadow}"/>`,
    front:
      weighted(cap, ink.hair, ink, manner.weight * 0.7) +
      manner.crownShade(frame, ink) +
      drawLocks([...sides, ...fringe], frame, manner, ink) +
      manner.shine(frame, ink) +
      tuft(form.crown, frame, side, manner, ink),
    side,
  };
}

/** A lock before each ear. */
function sideLocks(content: Content, style: AnimeStyle): Lock[] {
  const { y, blunt = 0, inward = 0 } = HAIR_FORMS[style.hairShape].sides;
  const end = lerp(y[0], y[1], content.hairLength);
  return [-1, 1].flatMap((s): Lock[] => {
    const lock = (from: number, to: number, tip: number, low: number, root: number): Lock =>
      s > 0
        ? { from, to, tip, y: low, root, blunt }
        : { from: -to, to: -from, tip: -tip, y: low, root, blunt };
    return [lock(51, 86, 70 - inward, end, -15)];
  });
}

/** The edge of the hair on the forehead and at the temples, from right to left. */
function hairlinePath(frame: Frame): string {
  const points: Point[] = [];
  for (let i = 0; i <= 12; i++) {
    const seen = lerp(90, -90, i / 12);
    const angle = Math.abs(seen - frame.yaw);
    const y = angle < 44 ? -14 + 0.03 * angle : angle < 76 ? lerp(-12.7, 4, (angle - 44) / 32) : 6;
    points.push(frame.at(seen - frame.yaw, y));
  }
  return points.map((point) => svg`L${point}`).join('');
}

/** The outer contour of the cap, from the left over the top to the right. */
function crownPath(crown: Crown, frame: Frame, side: 1 | -1, rng: Rng): string {
  const left = frame.at(-90 - frame.yaw, 5)[0];
  const right = frame.at(90 - frame.yaw, 5)[0];
  const middle = (left + right) / 2;
  const half = (right - left) / 2;
  if (crown.kind === 'round') {
    const c = CROWN_Y - 1;
    const k = 0.552 * half;
    return svg`M${left} 5L${left} -6C${left} -22 ${middle - k} ${c} ${middle} ${c}C${middle + k} ${c} ${right} -22 ${right} -6L${right} 5`;
  }
  const count = crown.kind === 'curls' ? 9 : crown.count;
  const at = (t: number, reach: number): Point => {
    const angle = Math.PI * lerp(1.08, -0.08, t);
    return [middle + Math.cos(angle) * (half + reach), -7 - Math.sin(angle) * (27 + reach)];
  };
  let path = svg`M${left} 5L${at(0, 0)}`;
  for (let i = 0; i < count; i++) {
    const [from, to] = [i / count, (i + 1) / count];
    const end = at(to, 0);
    if (crown.kind === 'curls') {
      path += svg`C${at(from - 0.01, 6.5)} ${at(to + 0.01, 6.5)} ${end}`;
      continue;
    }
    const tip = at((i + 0.5 + side * 0.36) / count, crown.reach * rng.uniform(0.75, 1.15));
    const [rise, fall] = [
      at(lerp(from, to, 0.3), crown.reach * 0.62),
      at(lerp(from, to, 0.7), crown.reach * 0.62),
    ];
    path +=
      side > 0
        ? svg`Q${rise} ${tip}Q${at(lerp(from, to, 0.93), crown.reach * 0.3)} ${end}`
        : svg`Q${at(lerp(from, to, 0.07), crown.reach * 0.3)} ${tip}Q${fall} ${end}`;
  }
  return `${path}${svg`L${right} 5`}`;
}

/** A stray strand at the top of a smooth crown. */
function tuft(crown: Crown, frame: Frame, side: 1 | -1, manner: Manner, ink: Ink): string {
  if (crown.kind !== 'round' || manner.wedge < 0.2) return '';
  const x = frame.shift(-2);
  return (
    strand(
      [
        [x - side * 2, CROWN_Y + 0.4],
        [x + side * 1, CROWN_Y - 7.5],
        [x + side * 8.5, CROWN_Y - 5],
      ],
      1.7,
      manner,
      ink,
    ) +
    filled(
      svg`M${x - side * 5} ${CROWN_Y + 0.4}L${x + side * 2} ${CROWN_Y}L${x - side * 1} ${CROWN_Y + 3}Z`,
      ink.hair,
    )
  );
}
