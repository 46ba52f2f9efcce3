import { describe, expect, it } from 'vitest';
import type { Square } from '../../src/base/geometry.js';
import { Rng } from '../../src/base/rng.js';
import type { Face } from '../../src/faces/face.js';
import { type LiveFrame, LiveTracker } from '../../src/faces/live-track.js';

const CAMERA = { width: 1280, height: 720 };
const FPS = 25;
const face = (x: number, y: number, side: number): Face => ({
  ...{ left: x - side / 2, top: y - side / 2, width: side, height: side },
  score: 0.9,
});
const middle = ({ left, side }: Square): number => left + side / 2;
const root = (values: number[]): number =>
  Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

interface Shown extends LiveFrame {
  seconds: number;
}

/** Plays a camera: a look every `every` seconds, whose faces are reported `late` seconds later. */
function play(
  seconds: number,
  facesAt: (seconds: number) => Face[],
  { every = 0.24, late = 0.24, tracker = new LiveTracker(CAMERA) } = {},
): Shown[] {
  const reports: [due: number, taken: number, faces: Face[]][] = [];
  let next = 0;
  return Array.from({ length: Math.round(seconds * FPS) }, (_, frame) => {
    const now = frame / FPS;
    if (now >= next - 1e-9) {
      reports.push([now + late, now, facesAt(now)]);
      next += every;
    }
    while (reports.length > 0 && reports[0]![0] <= now + 1e-9) {
      const [, taken, faces] = reports.shift()!;
      tracker.look(taken, faces);
    }
    return { seconds: now, ...tracker.at(now) };
  });
}

const from = (shown: Shown[], seconds: number): Shown[] => shown.filter((each) => each.seconds >= seconds);
const steps = (shown: Shown[]): number[] =>
  shown.slice(1).map(({ square }, i) => middle(square) - middle(shown[i]!.square));

describe('a tracked camera', () => {
  it('a camera that sees no face shows the centre', () => {
    for (const { square, state } of play(2, () => [])) {
      expect(square).toEqual({ left: 280, top: 0, side: 720 });
      expect(state).toBe('centre');
    }
  });

  it('the first face is framed at once, with the room that pictures of faces have', () => {
    const shown = play(2, () => [face(400, 300, 100)]);
    expect(shown.find(({ state }) => state === 'face')!.square).toEqual({
      ...{ left: expect.closeTo(300, 6), top: expect.closeTo(190, 6), side: expect.closeTo(200, 6) },
    });
    expect(shown.filter(({ state }) => state === 'centre').length).toBe(Math.ceil(0.24 * FPS));
  });

  it('the jitter of a face at rest is reduced to less than half, and the square moves by less than a hundredth of a face each frame', () => {
    const rng = new Rng(1, 'jitter');
    // As the detector's boxes of a still face scatter.
    const shown = from(
      play(60, () => [
        face(600 + rng.normal(0, 1.5), 300 + rng.normal(0, 1.5), 100 * (1 + rng.normal(0, 0.03))),
      ]),
      2,
    );
    expect(root(shown.map(({ square }) => middle(square) - 600))).toBeLessThan(1.5 / 2);
    expect(root(shown.map(({ square }) => square.side / 200 - 1))).toBeLessThan(0.03 / 2);
    expect(Math.max(...steps(shown).map(Math.abs))).toBeLessThan(1);
  });

  it('the square follows a face in motion at its speed, no later than its reports and a fifth of the face', () => {
    const speed = 60;
    const shown = from(
      play(10, (at) => [face(300 + speed * at, 300, 100)]),
      5,
    );
    for (const { seconds, square } of shown) {
      const lag = 300 + speed * seconds - middle(square);
      // A report is 0.24 to 0.48 s old.
      expect(lag).toBeGreaterThan(0);
      expect(lag).toBeLessThan(speed * (0.48 + 0.15) + 20);
    }
    const moved = middle(shown.at(-1)!.square) - middle(shown[0]!.square);
    expect(moved / (shown.at(-1)!.seconds - shown[0]!.seconds)).toBeCloseTo(speed, 0);
  });

  it('the square neither swings past a face that stops nor changes its size', () => {
    const shown = play(6, (at) => [face(at < 2 ? 400 : 520, 300, 100)]);
    const places = from(shown, 1).map(({ square }) => middle(square));
    expect(Math.max(...places)).toBeLessThan(525);
    expect(places.at(-1)).toBeCloseTo(520, 0);
    for (const { square, state } of shown) if (state === 'face') expect(square.side).toBeCloseTo(200, 6);
  });

  it('a square that reaches the edge stays within the frame', () => {
    const shown = play(12, (at) => [face(100 * at, 40 * at, 60 + 20 * at)]);
    for (const { square } of shown) {
      expect(square.left).toBeGreaterThanOrEqual(-1e-9);
      expect(square.top).toBeGreaterThanOrEqual(-1e-9);
      expect(square.left + square.side).toBeLessThanOrEqual(CAMERA.width + 1e-9);
      expect(square.top + square.side).toBeLessThanOrEqual(CAMERA.height + 1e-9);
    }
  });
});

describe('a face that a camera loses', () => {
  it('a lost face holds the square for two seconds, which then drifts to the centre without a jump', () => {
    const shown = play(10, (at) => (at < 3 ? [face(300, 300, 100)] : []));
    const stateAt = (seconds: number) => shown.find((each) => each.seconds >= seconds)!.state;
    expect([2, 4, 6].map(stateAt)).toEqual(['face', 'held', 'centre']);
    const held = shown.filter(({ state }) => state === 'held');
    for (const { square } of held) expect(middle(square)).toBeCloseTo(300, 6);
    expect(held.at(-1)!.seconds).toBeGreaterThan(4.5);
    expect(Math.max(...steps(from(shown, 1)).map(Math.abs))).toBeLessThan(20);
    expect(shown.at(-1)!.square.side).toBeGreaterThan(700);
  });

  it('a face that is missed in one look is no reason to follow another', () => {
    const shown = play(6, (at) => [
      ...(at > 2.9 && at < 3.2 ? [] : [face(300, 300, 100)]),
      face(900, 300, 95),
    ]);
    for (const { square, state } of shown) if (state !== 'centre') expect(middle(square)).toBeCloseTo(300, 6);
  });

  it('the other face is framed at once after the followed one has left', () => {
    const shown = play(6, (at) => [...(at < 3 ? [face(300, 300, 100)] : []), face(900, 300, 95)]);
    expect(middle(shown.find(({ seconds }) => seconds > 2.9)!.square)).toBeCloseTo(300, 6);
    expect(middle(shown.find(({ seconds }) => seconds >= 4.5)!.square)).toBeCloseTo(900, 6);
    expect(steps(from(shown, 1)).filter((step) => step !== 0).length).toBe(1);
  });

  it('a face that comes back where it was is followed without a jump', () => {
    const shown = play(8, (at) => (at > 3 && at < 4.5 ? [] : [face(300 + 10 * at, 300, 100)]));
    expect(Math.max(...steps(from(shown, 1)).map(Math.abs))).toBeLessThan(5);
    expect(shown.at(-1)!.state).toBe('face');
  });
});

describe('two faces before a camera', () => {
  it('two faces whose sizes alternate do not alternate in the square', () => {
    const rng = new Rng(2, 'two');
    const shown = play(30, () => [
      face(300, 300, 100 * (1 + rng.normal(0, 0.08))),
      face(900, 300, 100 * (1 + rng.normal(0, 0.08))),
    ]);
    const sides = new Set(from(shown, 1).map(({ square }) => middle(square) > 600));
    expect(sides.size).toBe(1);
  });

  it('a much larger face takes over after a second, and one that only passes does not', () => {
    const passes = play(6, (at) => [
      face(300, 300, 100),
      ...(at > 2 && at < 2.7 ? [face(900, 300, 200)] : []),
    ]);
    for (const { square } of from(passes, 1)) expect(middle(square)).toBeCloseTo(300, 6);
    const stays = play(6, (at) => [face(300, 300, 100), ...(at > 2 ? [face(900, 300, 200)] : [])]);
    expect(middle(stays.find(({ seconds }) => seconds >= 2.9)!.square)).toBeCloseTo(300, 6);
    expect(middle(stays.at(-1)!.square)).toBeCloseTo(900, 6);
  });

  it('faces that pass each other closely are not swapped', () => {
    const shown = play(8, (at) => [face(200 + 80 * at, 250, 100), face(900 - 80 * at, 420, 90)]);
    expect(middle(shown.at(-1)!.square)).toBeGreaterThan(700);
  });

  it('a face that was picked is followed until it is gone, however large the others are', () => {
    const tracker = new LiveTracker(CAMERA);
    expect(tracker.pick(900, 300)).toBe(false);
    const both = [face(300, 300, 200), face(900, 300, 80)];
    tracker.look(0, both);
    expect(middle(tracker.at(0).square)).toBe(300);
    expect(tracker.pick(880, 320)).toBe(true);
    for (let look = 1; look <= 20; look++) tracker.look(0.25 * look, both);
    expect(middle(tracker.at(5).square)).toBeCloseTo(900, 6);
    expect(tracker.seen.map(({ width }) => width)).toEqual([200, 80]);
    for (let look = 21; look <= 24; look++) tracker.look(0.25 * look, both.slice(0, 1));
    expect(middle(tracker.at(6).square)).toBeCloseTo(300, 6);
  });
});

describe('reports of a slow detector', () => {
  it('reports that arrive out of order do not take the square back', () => {
    const tracker = new LiveTracker(CAMERA);
    tracker.look(1, [face(400, 300, 100)]);
    tracker.at(1.5);
    tracker.look(0.5, [face(800, 300, 100)]);
    tracker.look(1, []);
    expect(middle(tracker.at(2).square)).toBeCloseTo(400, 6);
    expect(tracker.at(2).state).toBe('face');
  });

  it('a look every second still follows a face that moves by half its size in between', () => {
    const shown = play(12, (at) => [face(300 + 50 * at, 300, 100), face(1100, 600, 80)], {
      ...{ every: 1, late: 0.8 },
    });
    const last = shown.at(-1)!;
    expect(300 + 50 * last.seconds - middle(last.square)).toBeLessThan(50 * (1.8 + 0.15) + 20);
    expect(last.state).toBe('face');
  });
});
