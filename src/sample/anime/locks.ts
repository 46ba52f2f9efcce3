// Locks of hair that hang from the head of an anime portrait.
import { lerp, type Point, svg } from '../svg.js';
import { endOf, type Frame, type Quad } from './frame.js';
import { filled, type Ink, weighted } from './ink.js';
import type { Manner } from './manner.js';

/** A lock between two angles on the head, in degrees from the front; see `Frame.at`. */
export interface Lock {
  from: number;
  to: number;
  /** Angle and height of its tip. */
  tip: number;
  y: number;
  /** Height of its root; the middle of the forehead is at about -16. */
  root?: number;
  /** Width of a straight end, in shares of the lock's width; 0 (the default) is a tip. */
  blunt?: number;
}

interface LockShape {
  path: string;
  left: Quad;
  right: Quad;
}

const ROOT_Y = -21;
/** Where the outline of a lock begins, between root and tip. */
const LINE_FROM = 0.34;

/** Minimum seen width of a lock, head units: a narrower one would be two lines in one. */
const MIN_WIDTH = 2.6;

function isSeen(frame: Frame, { from, to, root = ROOT_Y }: Lock): boolean {
  const y = Math.max(root, -8);
  return frame.at(to, y)[0] - frame.at(from, y)[0] > MIN_WIDTH;
}

function shapeOf(frame: Frame, lock: Lock, wedge: number): LockShape {
  const { from, to, tip, y, root = ROOT_Y, blunt = 0 } = lock;
  const half = (blunt * (to - from)) / 2;
  const flank = (base: number, end: number): Quad => [
    frame.at(base, root, 0.4),
    frame.at(lerp(base, end, lerp(0.12, 0.5, wedge)), lerp(root, y, lerp(0.74, 0.6, wedge)), 0.4),
    frame.at(end, y, 0.4),
  ];
  const left = flank(from, tip - half);
  const right = flank(to, tip + half);
  const end = blunt > 0 ? svg`Q${frame.at(tip, y + 0.9, 0.4)} ${right[2]}` : '';
  return {
    path: svg`M${left[0]}Q${left[1]} ${left[2]}${end}Q${right[1]} ${right[0]}`,
    left,
    right,
  };
}

/** Draws locks one over the other, those farthest from the middle first. */
export function drawLocks(locks: readonly Lock[], frame: Frame, manner: Manner, ink: Ink): string {
  return ordered(locks, frame)
    .map((lock) => {
      const { path, left, right } = shapeOf(frame, lock, manner.wedge);
      // The root has no outline: it goes over into the hair above it.
      const outline = (weight: number, shift: number): string => {
        const [a, b] = [endOf(left, LINE_FROM), endOf(right, LINE_FROM)];
        const bottom = lock.blunt ? svg`Q${frame.at(lock.tip, lock.y + 0.9, 0.4)} ${right[2]}` : '';
        return svg`<path d="M${a[0]}Q${a[1]} ${a[2]}${bottom}Q${b[1]} ${b[0]}" transform="translate(${shift} ${shift * 1.3})" fill="none" stroke="${ink.line}" stroke-width="${ink.width * weight}" stroke-linejoin="round" stroke-linecap="round"/>`;
      };
      return (
        (manner.weight > 0 ? outline(1, 0.32 * manner.weight) : '') +
        filled(path, ink.hair) +
        manner.lockShade(left, right, ink) +
        outline(0.9, 0)
      );
    })
    .join('');
}

function ordered(locks: readonly Lock[], frame: Frame): Lock[] {
  return locks.filter((lock) => isSeen(frame, lock)).sort((a, b) => Math.abs(b.tip) - Math.abs(a.tip));
}

/** The shapes of locks in one path, for the shadow that they throw. */
export function locksPath(locks: readonly Lock[], frame: Frame, manner: Manner): string {
  return ordered(locks, frame)
    .map((lock) => shapeOf(frame, lock, manner.wedge).path)
    .join('');
}

/** The strip between the right flank of a lock and a line `share` of the way to the left one. */
export function rightStrip(left: Quad, right: Quad, share: number, from: number): string {
  const a = endOf(right, from);
  const b = endOf(left, from);
  const towards = (p: Point, q: Point): Point => [lerp(p[0], q[0], share), lerp(p[1], q[1], share)];
  return svg`M${a[0]}Q${a[1]} ${a[2]}L${towards(a[2], b[2])}Q${towards(a[1], b[1])} ${a[0]}Z`;
}

/** A hanging shape with a hem of pointed or blunt ends: hair behind the head. */
export function curtainPath(
  left: number,
  right: number,
  top: number,
  bottom: number,
  flare: number,
  tips: readonly Point[],
): string {
  const hemLeft = left - flare;
  const hemRight = right + flare;
  // It begins within the crown, so that the outlines of both go over into each other.
  let path = svg`M${left + 7} ${top - 14}C${left} ${top - 6} ${left - 0.6} ${top} ${left} ${lerp(top, bottom, 0.25)}C${left - 0.6} ${lerp(top, bottom, 0.5)} ${hemLeft - 0.6} ${lerp(top, bottom, 0.75)} ${hemLeft} ${bottom - 1}`;
  const span = hemRight - hemLeft;
  let [x, y] = [hemLeft, bottom - 1];
  for (let i = 0; i < tips.length; i++) {
    const [at, drop] = tips[i]!;
    const tip: Point = [hemLeft + span * at, bottom + drop];
    const isLast = i === tips.length - 1;
    const next = isLast ? 1 : (at + tips[i + 1]![0]) / 2;
    const notch: Point = isLast
      ? [hemRight, bottom - 1]
      : [hemLeft + span * next, bottom - Math.abs(drop) * 0.5 - 0.4];
    path += svg`Q${[lerp(x, tip[0], 0.25), lerp(y, tip[1], 0.85)]} ${tip}Q${[lerp(tip[0], notch[0], 0.75), lerp(notch[1], tip[1], 0.75)]} ${notch}`;
    [x, y] = notch;
  }
  return `${path}${svg`C${hemRight + 0.6} ${lerp(top, bottom, 0.75)} ${right + 0.6} ${lerp(top, bottom, 0.5)} ${right} ${lerp(top, bottom, 0.25)}C${right + 0.6} ${top} ${right} ${top - 6} ${right - 7} ${top - 14}Z`}`;
}

/** The part of the crown that turns away from the light, at its right. */
export function crownShade(frame: Frame): string {
  const outer = [-32.6, -30, -26, -21, -14, -6, 5].map((y) => frame.at(90 - frame.yaw, y, -0.4));
  const inner = [5, -4, -12, -18, -23, -27, -30, -32].map((y) => frame.at(57 - frame.yaw, y));
  return svg`M${outer[0]!}${outer.slice(1).map((p) => svg`L${p}`)}${inner.map((p) => svg`L${p}`)}Z`;
}

/** A strand from one point to another that swells in its middle; filled, shaded and outlined. */
export function strand(quad: Quad, width: number, manner: Manner, ink: Ink): string {
  const [a, c, b] = quad;
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [nx, ny] = [-dy / length, dx / length];
  const left: Point = [c[0] + nx * width, c[1] + ny * width];
  const right: Point = [c[0] - nx * width, c[1] - ny * width];
  const path = svg`M${a}Q${left} ${b}Q${right} ${a}Z`;
  return weighted(path, ink.hair, ink, manner.weight);
}
