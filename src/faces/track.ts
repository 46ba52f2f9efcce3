// Follows faces through the frames of a video, smoothed over time.
import type { Extent, Square } from '../base/geometry.js';
import type { Face } from './face.js';
import { overlap } from './overlap.js';
import { FACE_MARGIN, faceSquare, isPortrait, widened } from './square.js';

/** The faces of one frame of a video. */
export interface Sighting {
  /** Frame number, from 0. */
  frame: number;
  /** Number of the shot; it changes with every cut. */
  shot: number;
  faces: readonly Face[];
}

/** One face through part of a video. */
export interface Track {
  /** First and last frame, which may lie between sightings. */
  first: number;
  last: number;
  /** Prominence in the video: the sum of the face's sides over its sightings. */
  weight: number;
  /** Returns the smoothed square around the face; outside the track that of its first or last frame. */
  squareAt(frame: number): Square;
  /** Returns the opacity of the face, 0 to 1. It fades in and out, except at cuts and at the ends of the video. */
  strengthAt(frame: number): number;
}

export interface TrackOptions {
  /** Size of the whole frames, px. */
  extent: Extent;
  framesPerSecond: number;
  margin?: number;
  /** Crops a face that fills the frame no more than necessary, as `auto` does. */
  keepsPortraits?: boolean;
}

/** Boxes with a smaller intersection over union are different faces. */
const MIN_OVERLAP = 0.2;
/** A face that is unseen for longer is gone; it may always be missed in one sighting. */
const MAX_GAP_SECONDS = 1;
const MAX_GAP_SIGHTINGS = 2;
/** Standard deviations of the smoothing of places and sizes: heads move faster than they grow. */
const PLACE_SECONDS = 0.3;
const SIZE_SECONDS = 0.6;
/** At least this share of the mean distance of the sightings: between sparse ones the smoothing interpolates. */
const SPACING_SHARE = 0.5;
/** Duration of fading in or out. */
const FADE_SECONDS = 0.2;

interface Point {
  frame: number;
  /** Number of the sighting. */
  sighting: number;
  shot: number;
  face: Face;
}

/** Links the faces of successive frames, those that overlap most first. */
function link(sightings: readonly Sighting[], maxGap: number): Point[][] {
  const ended: Point[][] = [];
  let open: Point[][] = [];
  for (const [sighting, { frame, shot, faces }] of sightings.entries()) {
    const continues = (points: Point[]): boolean => {
      const last = points.at(-1)!;
      const isRecent = frame - last.frame <= maxGap || sighting - last.sighting <= MAX_GAP_SIGHTINGS;
      return last.shot === shot && isRecent;
    };
    ended.push(...open.filter((points) => !continues(points)));
    open = open.filter(continues);
    const pairs = open
      .flatMap((points) =>
        faces.map((face) => ({ points, face, overlap: overlap(points.at(-1)!.face, face) })),
      )
      .filter((pair) => pair.overlap >= MIN_OVERLAP)
      .sort((a, b) => b.overlap - a.overlap);
    const taken = new Set<Face | Point[]>();
    for (const { points, face } of pairs) {
      if (taken.has(points) || taken.has(face)) continue;
      taken.add(points).add(face);
      points.push({ frame, sighting, shot, face });
    }
    for (const face of faces) if (!taken.has(face)) open.push([{ frame, sighting, shot, face }]);
  }
  return [...ended, ...open];
}

/** Regularises slope and curvature where few points determine them, as a share of the weights. */
const RIDGE = 0.01;

/**
 * Smooths values by local quadratic regression with Gaussian weights: it removes jitter, and neither lags behind nor cuts
 * corners.
 *
 * @returns the value at `at` of the parabola that fits the points best, near ones counting most.
 */
function smoothed(
  places: readonly number[],
  values: readonly number[],
  at: number,
  deviation: number,
): number {
  // Sums of weight * x^k, and of weight * x^k * y.
  const sums: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  const products: [number, number, number] = [0, 0, 0];
  for (const [i, place] of places.entries()) {
    const x = (place - at) / deviation;
    // Never zero, however far away all points are.
    let term = Math.exp(-0.5 * x * x) + 1e-12;
    for (let k = 0; k < 5; k++, term *= x) {
      sums[k]! += term;
      if (k < 3) products[k]! += term * values[i]!;
    }
  }
  const [s0, s1, s2, s3, s4] = sums;
  const [p0, p1, p2] = products;
  const ridge = RIDGE * s0;
  const [a, b, c] = [s2 + ridge, s3, s4 + ridge];
  // Cramer's rule for the constant term, which is the value at x = 0.
  const minor = a * c - b * b;
  const determinant = s0 * minor - s1 * (s1 * c - b * s2) + s2 * (s1 * b - a * s2);
  return (p0 * minor - s1 * (p1 * c - b * p2) + s2 * (p1 * b - a * p2)) / determinant;
}

/** Returns the points within `reach` frames. Smoothing uses these alone, so that long tracks cost no more than short ones. */
function near(points: readonly Point[], frame: number, reach: number): readonly Point[] {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.frame < frame - reach) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < points.length && points[end]!.frame <= frame + reach) end++;
  return points.slice(Math.max(0, low - 1), end + 1);
}

/** The first or last frame of a track. */
interface Edge {
  frame: number;
  /** Whether the face appears or disappears in mid-shot there. */
  isSoft: boolean;
}

function trackOf(points: Point[], [begin, end]: [begin: Edge, end: Edge], options: TrackOptions): Track {
  const { extent, framesPerSecond, margin = FACE_MARGIN, keepsPortraits = false } = options;
  const sides = points.map(({ face }) => Math.max(face.width, face.height)).sort((a, b) => a - b);
  const median = sides[sides.length >> 1]!;
  // Decided once for the track: the crop would jump otherwise.
  const isWhole = keepsPortraits && isPortrait(median * (1 + 2 * margin), extent);
  const spacing = (points.at(-1)!.frame - points[0]!.frame) / Math.max(1, points.length - 1);
  const [placeFrames, sizeFrames] = [PLACE_SECONDS, SIZE_SECONDS].map((seconds) =>
    Math.max(seconds * framesPerSecond, SPACING_SHARE * spacing),
  ) as [number, number];
  const [first, last] = [begin.frame, end.frame];
  const fadeFrames = 1 + FADE_SECONDS * framesPerSecond;
  const ramp = (frames: number): number => Math.min(1, Math.max(0, (frames + 1) / fadeFrames));
  return {
    first,
    last,
    weight: sides.reduce((sum, side) => sum + side, 0),
    squareAt(frame) {
      const at = Math.min(last, Math.max(first, frame));
      const nearby = near(points, at, 4 * sizeFrames);
      const places = nearby.map((point) => point.frame);
      const value = (of: (face: Face) => number, deviation: number): number =>
        smoothed(
          places,
          nearby.map(({ face }) => of(face)),
          at,
          deviation,
        );
      const width = Math.exp(value((face) => Math.log(face.width), sizeFrames));
      const height = Math.exp(value((face) => Math.log(face.height), sizeFrames));
      const x = value((face) => face.left + face.width / 2, placeFrames);
      const y = value((face) => face.top + face.height / 2, placeFrames);
      const face = { left: x - width / 2, top: y - height / 2, width, height, score: 1 };
      const square = faceSquare(face, extent, margin);
      return isWhole ? widened(square, extent) : square;
    },
    strengthAt: (frame) => (begin.isSoft ? ramp(frame - first) : 1) * (end.isSoft ? ramp(last - frame) : 1),
  };
}

/**
 * Follows faces through a video.
 * @param sightings in the order of the frames.
 * @param frames number of frames in the video.
 * @returns a track for each face, the most prominent first. A face that was seen only once among many sightings is dropped as
 *   a false detection.
 */
export function trackFaces(sightings: readonly Sighting[], frames: number, options: TrackOptions): Track[] {
  const maxGap = MAX_GAP_SECONDS * options.framesPerSecond;
  const minPoints = sightings.length > 2 ? 2 : 1;
  const indexOf = new Map(sightings.map(({ frame }, i) => [frame, i]));
  /** Returns the end half way to the next sighting, which lacks the face, or at the cut in between. */
  const edge = ({ frame, shot }: Point, step: 1 | -1): Edge => {
    const next = sightings[indexOf.get(frame)! + step];
    if (next === undefined) return { frame: step < 0 ? 0 : frames - 1, isSoft: false };
    const isSoft = next.shot === shot;
    if (step < 0) return { frame: isSoft ? Math.ceil((frame + next.frame) / 2) : frame, isSoft };
    return { frame: isSoft ? Math.floor((frame + next.frame - 1) / 2) : next.frame - 1, isSoft };
  };
  return link(sightings, maxGap)
    .filter((points) => points.length >= minPoints)
    .map((points) => trackOf(points, [edge(points[0]!, -1), edge(points.at(-1)!, 1)], options))
    .sort((a, b) => b.weight - a.weight || a.first - b.first);
}

/** Chooses the most prominent tracks of `trackFaces` that do not overlap in time, in order of time. */
export function mainTracks(tracks: readonly Track[]): Track[] {
  const chosen: Track[] = [];
  for (const track of tracks)
    if (chosen.every((other) => track.last < other.first || track.first > other.last)) chosen.push(track);
  return chosen.sort((a, b) => a.first - b.first);
}

/** Returns the square of the track at a frame, or of the track that is nearest in time. */
export function nearestSquare(tracks: readonly Track[], frame: number): Square {
  const distance = ({ first, last }: Track): number => Math.max(0, first - frame, frame - last);
  return tracks.reduce((best, track) => (distance(track) < distance(best) ? track : best)).squareAt(frame);
}
