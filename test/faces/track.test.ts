import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { Face } from '../../src/faces/face.js';
import { mainTracks, nearestSquare, type Sighting, trackFaces } from '../../src/faces/track.js';

const PICTURE = { width: 1000, height: 600 };
const FPS = 25;
const face = (x: number, y: number, side: number): Face => ({
  ...{ left: x - side / 2, top: y - side / 2, width: side, height: side },
  score: 0.9,
});
/** A look every fifth frame. */
const looks = (count: number, faces: (frame: number) => Face[], shot: (frame: number) => number = () => 0) =>
  Array.from(
    { length: count },
    (_, i): Sighting => ({ frame: 5 * i, shot: shot(5 * i), faces: faces(5 * i) }),
  );
const track = (sightings: Sighting[], frames: number, keepsPortraits = false) =>
  trackFaces(sightings, frames, { extent: PICTURE, framesPerSecond: FPS, margin: 0.5, keepsPortraits });
const middle = ({ left, side }: { left: number; side: number }): number => left + side / 2;

describe('tracks', () => {
  it('tracks follow faces that pass each other closely, without swapping them', () => {
    const two = (frame: number) => [face(200 + 2 * frame, 200, 80), face(700 - 2 * frame, 320, 80)];
    // The order of a sighting's faces says nothing.
    const tracks = track(
      looks(41, (frame) => (frame % 2 ? two(frame).reverse() : two(frame))),
      203,
    );
    expect(tracks.map(({ first, last }) => [first, last])).toEqual([
      [0, 202],
      [0, 202],
    ]);
    const ends = tracks.map(({ squareAt }) => [middle(squareAt(10)), middle(squareAt(190))]);
    expect(ends.sort((a, b) => a[0]! - b[0]!)).toEqual([
      [expect.closeTo(220, 0), expect.closeTo(580, 0)],
      [expect.closeTo(680, 0), expect.closeTo(320, 0)],
    ]);
  });

  it('tracks remove jitter without lagging behind or cutting corners', () => {
    const rng = new Rng(1, 'shaking');
    const truth = (frame: number): number => 500 + 120 * Math.sin((2 * frame) / FPS);
    const [one] = track(
      looks(60, (frame) => [face(truth(frame) + rng.normal(0, 4), 300, 100 * (1 + rng.normal(0, 0.04)))]),
      300,
    );
    const frames = Array.from({ length: 260 }, (_, i) => i + 20);
    const errors = frames.map((frame) => middle(one!.squareAt(frame)) - truth(frame));
    const root = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    // Twice as near as what was seen; no bias where the face turns round.
    expect(root(errors)).toBeLessThan(3);
    const curve = frames.slice(2).map((frame) => {
      const [a, b, c] = [0, 1, 2].map((step) => middle(one!.squareAt(frame - step)));
      return a! - 2 * b! + c!;
    });
    // The course itself has 120 * 4 / 25^2 = 0.77 at most.
    expect(Math.max(...curve.map(Math.abs))).toBeLessThan(1.2);
    const sides = frames.map((frame) => one!.squareAt(frame).side);
    expect(Math.max(...sides) / Math.min(...sides)).toBeLessThan(1.08);
  });

  it('tracks bridge sightings that miss the face, and end when it stays away', () => {
    const missed = looks(30, (frame) => (frame === 50 || frame === 55 ? [] : [face(300 + frame, 300, 100)]));
    const [one, ...others] = track(missed, 150);
    expect([one!.first, one!.last, others]).toEqual([0, 149, []]);
    expect(middle(one!.squareAt(52))).toBeCloseTo(352, 0);
    const gone = looks(30, (frame) => (frame > 40 && frame < 100 ? [] : [face(300, 300, 100)]));
    expect(track(gone, 150).map(({ first, last }) => [first, last])).toEqual([
      [98, 149],
      [0, 42],
    ]);
  });

  it('tracks link frames that are seconds apart', () => {
    const sightings = [0, 1, 2, 3, 4].map((frame): Sighting => {
      return { frame, shot: 0, faces: frame === 2 ? [] : [face(300 + frame, 300, 100)] };
    });
    const slow = trackFaces(sightings, 5, { extent: PICTURE, framesPerSecond: 0.5 });
    expect(slow.map(({ first, last }) => [first, last])).toEqual([[0, 4]]);
    expect(middle(slow[0]!.squareAt(4))).toBeCloseTo(304, 0);
  });

  it('tracks go straight from place to place where sightings are seconds apart', () => {
    const sightings = [0, 60, 110, 190, 250].map(
      (frame): Sighting => ({ frame, shot: 0, faces: [face(300 + frame / 2, 300, 120)] }),
    );
    const [one, ...others] = track(sightings, 260);
    expect([one!.first, one!.last, others]).toEqual([0, 259, []]);
    for (let frame = 0; frame <= 250; frame += 10) {
      expect(Math.abs(middle(one!.squareAt(frame)) - (300 + frame / 2))).toBeLessThan(12);
      expect(one!.squareAt(frame).side).toBeCloseTo(240, 6);
    }
    const steps = Array.from(
      { length: 250 },
      (_, frame) => middle(one!.squareAt(frame + 1)) - middle(one!.squareAt(frame)),
    );
    expect(Math.max(...steps)).toBeLessThan(3);
    expect(Math.min(...steps)).toBeGreaterThan(-1);
  });

  it('tracks end exactly at cuts', () => {
    const cut = (frame: number) => (frame < 33 ? 0 : 1);
    const sightings = [
      ...looks(7, () => [face(300, 300, 100)]),
      { frame: 33, shot: 1, faces: [face(320, 300, 100)] },
      ...looks(20, () => [face(320, 300, 100)], cut).filter(({ frame }) => frame > 34),
    ];
    expect(
      track(sightings, 100)
        .map(({ first, last }) => [first, last])
        .sort((a, b) => a[0]! - b[0]!),
    ).toEqual([
      [0, 32],
      [33, 99],
    ]);
  });

  it('tracks fade in mid-shot, but not at cuts and the ends of the video', () => {
    const sightings = looks(30, (frame) => (frame < 60 || frame > 100 ? [face(300, 300, 100)] : []));
    const [earlier, later] = track(sightings, 150);
    expect([earlier!.first, earlier!.last, later!.first, later!.last]).toEqual([0, 57, 103, 149]);
    const strengths = [0, 30, 52, 54, 57].map((frame) => earlier!.strengthAt(frame));
    expect(strengths).toEqual([1, 1, 1, expect.closeTo(4 / 6, 9), expect.closeTo(1 / 6, 9)]);
    expect([103, 110, 149].map((frame) => later!.strengthAt(frame))).toEqual([
      expect.closeTo(1 / 6, 9),
      1,
      1,
    ]);
    const cut = looks(
      30,
      () => [face(300, 300, 100)],
      (frame) => (frame < 60 ? 0 : 1),
    );
    for (const { first, last, strengthAt } of track(cut, 150))
      expect([strengthAt(first), strengthAt(last)]).toEqual([1, 1]);
  });

  it('tracks omit a face that was seen only once', () => {
    const sightings = looks(10, (frame) => [
      face(300, 300, 100),
      ...(frame === 20 ? [face(800, 100, 300)] : []),
    ]);
    expect(track(sightings, 50).length).toBe(1);
    expect(
      track(
        looks(1, () => [face(300, 300, 100)]),
        1,
      ).length,
    ).toBe(1);
    expect(
      track(
        looks(10, () => []),
        50,
      ),
    ).toEqual([]);
  });

  it('tracks keep portraits whole on request, for their whole length or not at all', () => {
    const rng = new Rng(2, 'sizes');
    // Crops of about three quarters of the height.
    const sightings = looks(30, (frame) => [face(400 + frame, 300, 232 + rng.normal(0, 10))]);
    const [whole] = track(sightings, 150, true);
    const sides = Array.from({ length: 150 }, (_, frame) => whole!.squareAt(frame).side);
    expect(new Set(sides)).toEqual(new Set([600]));
    expect(middle(whole!.squareAt(100))).toBeCloseTo(500, -1);
    expect(track(sightings, 150)[0]!.squareAt(75).side).toBeLessThan(500);
  });
});

describe('the main face', () => {
  const sightings = looks(60, (frame) => [
    ...(frame < 100 || frame > 180 ? [face(300, 300, 100)] : []),
    ...(frame > 60 && frame < 170 ? [face(700, 200, 60)] : []),
  ]);
  const tracks = track(sightings, 300);

  it('the main face is the most prominent one, one at a time', () => {
    expect(tracks.length).toBe(3);
    const main = mainTracks(tracks);
    expect(main.map(({ first, last }) => [first, last])).toEqual([
      [0, 97],
      [183, 299],
    ]);
  });

  it('the main square stays at the nearest track in time while the face is away', () => {
    const main = mainTracks(tracks);
    expect(nearestSquare(main, 110)).toEqual(main[0]!.squareAt(97));
    expect(nearestSquare(main, 175)).toEqual(main[1]!.squareAt(183));
  });
});
