// Hair of anime portraits before the head: crown, fringe and the locks beside the face.
import { Rng } from '../../base/rng.js';
import type { Content } from '../factors.js';
import { lerp, type Point, svg } from '../svg.js';
import { CROWN_Y, type Frame } from './frame.js';
import { backHair } from './hair-back.js';
import { type Crown, HAIR_FORMS } from './hair-shapes.js';
import { filled, type Ink, stroke } from './ink.js';
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
  const crown = crownPath(form.crown, frame, side, rng);
  const hairline = hairlinePoints(frame);
  const cap = svg`M${crown}${hairline.map(({ point }) => svg`L${point}`)}Z`;
  const edge = svg`M${hairline
    .filter(({ angle }) => angle < BEHIND_EAR)
    .map(({ point }, i) => svg`${i > 0 ? 'L' : ''}${point}`)}`;
  // Where the hair behind the head is narrow, the outline goes on down to the ears.
  const isNarrow = form.back.width < 24;
  const [first, last] = [hairline.at(-1)!.point, hairline[0]!.point];
  const outline = isNarrow ? svg`M${first}L${crown}L${last}` : svg`M${crown}`;
  return {
    behind: backHair(content, frame, style, manner, ink, side, rng),
    shadow: svg`<path d="${locksPath(fringe, frame, manner)}" transform="translate(.5 2.6)" fill="${ink.skinShade}" opacity="${manner.fringeShadow}"/>`,
    front:
      filled(cap, ink.hair) +
      stroke(outline, ink, 1 + 0.3 * manner.weight) +
      stroke(edge, ink) +
      `<clipPath id="cap"><path d="${cap}"/></clipPath><g clip-path="url(#cap)">${manner.crownShade(frame, ink)}</g>` +
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

/** Angle behind the ear, from which the hair goes over into that behind the head without a line. */
const BEHIND_EAR = 104;

/** A point of the edge of the hair, and the angle of it from the front. */
interface EdgePoint {
  angle: number;
  point: Point;
}

/** The edge of the hair on the forehead, at the temples and over the ears, from right to left. */
function hairlinePoints(frame: Frame): EdgePoint[] {
  return Array.from({ length: 25 }, (_, i) => {
    const degrees = lerp(90, -90, i / 24) - frame.yaw;
    const angle = Math.abs(degrees);
    return { angle, point: frame.at(degrees, hairlineY(angle)) };
  });
}

function hairlineY(angle: number): number {
  if (angle < 44) return -14 + 0.03 * angle;
  if (angle < 74) return lerp(-12.7, 4, (angle - 44) / 30);
  if (angle < 84) return lerp(4, -1, (angle - 74) / 10);
  return angle < BEHIND_EAR - 6 ? -1 : 6;
}

/** The outer contour of the cap, from the left over the top to the right, without its first `M`. */
function crownPath(crown: Crown, frame: Frame, side: 1 | -1, rng: Rng): string {
  const left = frame.at(-90 - frame.yaw, 5)[0];
  const right = frame.at(90 - frame.yaw, 5)[0];
  const middle = (left + right) / 2;
  const half = (right - left) / 2;
  if (crown.kind === 'round') {
    const c = CROWN_Y - 1;
    const k = 0.552 * half;
    return svg`${left} -6C${left} -22 ${middle - k} ${c} ${middle} ${c}C${middle + k} ${c} ${right} -22 ${right} -6`;
  }
  const count = crown.kind === 'curls' ? 9 : crown.count;
  const at = (t: number, reach: number): Point => {
    const angle = Math.PI * lerp(1.08, -0.08, t);
    return [middle + Math.cos(angle) * (half + reach), -7 - Math.sin(angle) * (27 + reach)];
  };
  let path = svg`${at(0, 0)}`;
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
  return path;
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
