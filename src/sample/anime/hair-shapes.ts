// The shapes of anime hair: the outline of the crown, the fringe, the locks beside the face and the hair behind the head.
import type { Rng } from '../../base/rng.js';
import { lerp } from '../svg.js';
import type { HairShape } from './kinds.js';
import type { Lock } from './locks.js';

/** The outline of the crown: smooth, with spikes of a reach in head units, or of curls. */
export type Crown = { kind: 'round' } | { kind: 'spikes'; count: number; reach: number } | { kind: 'curls' };

/** Hair behind the head; heights of the hem at length 0 and 1. */
export interface BackHair {
  bottom: readonly [number, number];
  /** Half-width at the cheeks, head units. */
  width: number;
  flare: number;
  /** Number of ends of the hem, and how deep the notches between them are. */
  ends: number;
  depth: number;
  /** What hangs from the head besides. */
  extra?: 'tails' | 'pony' | 'braids' | 'puffs';
}

export interface HairForm {
  crown: Crown;
  back: BackHair;
  /** The fringe; `side` is the side of the parting. Tips over the eyes end above -6. */
  fringe(side: 1 | -1, rng: Rng): Lock[];
  /** The lower end of the locks beside the face at length 0 and 1; they are blunt in some. */
  sides: { y: readonly [number, number]; blunt?: number; inward?: number };
}

const mirrored = (locks: Lock[], side: 1 | -1): Lock[] =>
  side > 0 ? locks : locks.map((lock) => ({ ...lock, from: -lock.to, to: -lock.from, tip: -lock.tip }));

/** Locks side by side across the forehead; the outer ones are longer. */
function even(count: number, y: number, jitter: number, lean: number, rng: Rng, blunt = 0): Lock[] {
  const span = 54;
  return Array.from({ length: count }, (_, i): Lock => {
    const [a, b] = [lerp(-span, span, i / count), lerp(-span, span, (i + 1) / count)];
    const middle = (a + b) / 2;
    const outer = Math.abs(middle) > 40 ? 4 : 0;
    return {
      from: a - 3,
      to: b + 3,
      tip: middle + lean + (blunt > 0 ? 0 : rng.uniform(-2, 2)),
      y: y + rng.uniform(-jitter, jitter) + outer,
      blunt: blunt * (outer > 0 ? 0.4 : 1),
    };
  });
}

/** Parted in the middle: two large locks swing to the sides. */
const parted = (rng: Rng, lift = 0): Lock[] =>
  [-1, 1].flatMap((s) => {
    const lock = (from: number, to: number, tip: number, y: number, root: number): Lock =>
      s > 0 ? { from, to, tip, y, root } : { from: -to, to: -from, tip: -tip, y, root };
    return [
      lock(30, 60, 57, 3 + rng.uniform(-1, 1), -22),
      lock(12, 44, 49, -3.5 - lift + rng.uniform(-1, 1), -26),
      lock(-3, 26, 33, -9.5 - lift + rng.uniform(-0.8, 0.8), -30),
    ];
  });

/** Parted at one side: the larger part sweeps across the forehead. */
const swept = (side: 1 | -1, rng: Rng): Lock[] =>
  mirrored(
    [
      { from: -62, to: -34, tip: -58, y: 2 + rng.uniform(-1, 1), root: -20 },
      { from: -50, to: -8, tip: -49, y: -4 + rng.uniform(-1, 0.5), root: -25 },
      { from: -34, to: 16, tip: -31, y: -7 + rng.uniform(-1, 0.4), root: -29 },
      { from: -14, to: 28, tip: -10, y: -8.6 + rng.uniform(-0.8, 0.6), root: -31 },
      { from: 24, to: 48, tip: 44, y: -7.5, root: -27 },
      { from: 38, to: 62, tip: 57, y: 0 + rng.uniform(-1, 1), root: -22 },
    ],
    side,
  );

export const HAIR_FORMS: Readonly<Record<HairShape, HairForm>> = {
  spiky: {
    crown: { kind: 'spikes', count: 8, reach: 7.5 },
    back: { bottom: [10, 40], width: 24, flare: 3, ends: 6, depth: 6 },
    fringe: (side, rng) => even(6, -7.4, 1.5, side * 6, rng),
    sides: { y: [5, 20] },
  },
  bangs: {
    crown: { kind: 'round' },
    back: { bottom: [13, 56], width: 25, flare: 1.6, ends: 6, depth: 1 },
    fringe: (_, rng) => even(6, -7, 0.3, 0, rng, 0.7),
    sides: { y: [11, 27], blunt: 0.75 },
  },
  twintails: {
    crown: { kind: 'round' },
    back: { bottom: [9, 13], width: 22.6, flare: -2, ends: 5, depth: 2, extra: 'tails' },
    fringe: (_, rng) => even(5, -7.4, 0.9, 0, rng),
    sides: { y: [7, 18] },
  },
  swept: {
    crown: { kind: 'round' },
    back: { bottom: [11, 48], width: 24.6, flare: 2.4, ends: 6, depth: 4 },
    fringe: swept,
    sides: { y: [8, 22] },
  },
  bob: {
    crown: { kind: 'round' },
    back: { bottom: [13, 29], width: 26, flare: 0.6, ends: 5, depth: 1.2 },
    fringe: swept,
    sides: { y: [12, 22], blunt: 0.25, inward: 7 },
  },
  ponytail: {
    crown: { kind: 'round' },
    back: { bottom: [8, 10], width: 22.4, flare: -3, ends: 5, depth: 2, extra: 'pony' },
    fringe: (side, rng) => even(5, -7.8, 1.2, side * 4, rng),
    sides: { y: [9, 20] },
  },
  long: {
    crown: { kind: 'round' },
    back: { bottom: [16, 62], width: 24.8, flare: 3, ends: 8, depth: 3 },
    fringe: (_, rng) => parted(rng),
    sides: { y: [14, 44] },
  },
  braids: {
    crown: { kind: 'round' },
    back: { bottom: [10, 15], width: 23.4, flare: -1, ends: 5, depth: 2, extra: 'braids' },
    fringe: (_, rng) => parted(rng, 1),
    sides: { y: [6, 12] },
  },
  curly: {
    crown: { kind: 'curls' },
    back: { bottom: [12, 46], width: 25, flare: 3, ends: 5, depth: 3, extra: 'puffs' },
    fringe: (side, rng) => even(5, -8.2, 0.6, side * 3, rng, 0.35),
    sides: { y: [7, 22], blunt: 0.3, inward: 4 },
  },
  short: {
    crown: { kind: 'spikes', count: 10, reach: 2.6 },
    back: { bottom: [7, 26], width: 22.8, flare: -1, ends: 7, depth: 3 },
    fringe: (side, rng) => even(5, -8.8, 1.4, side * 7, rng),
    sides: { y: [2, 13] },
  },
};
