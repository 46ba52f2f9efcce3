// Turns the faces of a video into squares to translate.
import { centreSquare, type Extent, type Square } from '../base/geometry.js';
import type { FaceMode } from '../faces/square.js';
import { mainTracks, nearestSquare, type Track, trackFaces } from '../faces/track.js';
import type { FramePart } from './decoder-filters.js';
import type { Survey } from './face-survey.js';

/** A square of a frame that is translated. */
export interface TranslatedSquare extends Square {
  /** Opacity of the translation in its frame, 0 to 1; 1 by default. */
  strength?: number;
}

/** The squares of a video's frames that are translated. */
export interface FaceTrajectory {
  /** Size of the decoded frames, which contain the squares, px. */
  extent: Extent;
  /** The part of the frames that is decoded; by default all of them. */
  part?: FramePart;
  /** Whether the squares are pasted back into their frames, any number for each; else each frame has exactly one. */
  isPasted: boolean;
  /** @returns the squares of a frame, the one to paste last at the end. */
  squaresAt(frame: number): readonly TranslatedSquare[];
  /** Number of faces; 0 if the centres of the frames are translated and pasted back. */
  faces: number;
}

export interface FaceTrajectoryOptions {
  mode: Exclude<FaceMode, 'off'>;
  margin: number;
  paste: boolean;
  modelPx: number;
}

/** Frames are scaled down as long as each square stays at least this many times as large as the model's images. */
const OVERSAMPLING = 2;
/** The decoded part of the frames begins and ends at multiples of this, px. */
const ALIGNMENT = 16;

/** @returns the side of the smallest square, px, and the part of the frames that has all squares. */
function bounds(
  squareAt: (frame: number) => Square,
  { frames, frameExtent: whole }: Survey,
): { minSide: number; part: FramePart } {
  let minSide = Number.POSITIVE_INFINITY;
  let [left, top, right, bottom] = [whole.width, whole.height, 0, 0];
  for (let frame = 0; frame < frames; frame++) {
    const square = squareAt(frame);
    minSide = Math.min(minSide, square.side);
    [left, top] = [Math.min(left, square.left), Math.min(top, square.top)];
    [right, bottom] = [
      Math.max(right, square.left + square.side),
      Math.max(bottom, square.top + square.side),
    ];
  }
  const begin = (at: number): number => ALIGNMENT * Math.max(0, Math.floor(at / ALIGNMENT));
  const end = (at: number, length: number): number => Math.min(length, ALIGNMENT * Math.ceil(at / ALIGNMENT));
  [left, top, right, bottom] = [begin(left), begin(top), end(right, whole.width), end(bottom, whole.height)];
  return { minSide, part: { left, top, width: right - left, height: bottom - top, whole } };
}

const holds = ({ first, last }: Track, frame: number): boolean => frame >= first && frame <= last;

/** @returns the squares for the faces of a survey; undefined if it saw none, and nothing is pasted back. */
export function faceTrajectory(survey: Survey, options: FaceTrajectoryOptions): FaceTrajectory | undefined {
  const { mode, margin, paste, modelPx } = options;
  const { frameExtent, framesPerSecond } = survey;
  const tracks = trackFaces(survey.sightings, survey.frames, {
    ...{ extent: frameExtent, framesPerSecond, margin },
    keepsPortraits: mode === 'auto',
  });
  if (tracks.length === 0) {
    const squares = [centreSquare(frameExtent)];
    return paste ? { extent: frameExtent, isPasted: true, faces: 0, squaresAt: () => squares } : undefined;
  }
  if (paste) {
    const pasted = mode === 'all' ? tracks : mainTracks(tracks);
    return {
      extent: frameExtent,
      isPasted: true,
      faces: pasted.length,
      // The largest comes last: among overlapping faces, it is the nearest.
      squaresAt: (frame) =>
        pasted
          .filter((track) => holds(track, frame))
          .map((track) => ({ ...track.squareAt(frame), strength: track.strengthAt(frame) }))
          .sort((a, b) => a.side - b.side),
    };
  }
  const main = mainTracks(tracks);
  const squareAt = (frame: number): Square => nearestSquare(main, frame);
  const { minSide, part } = bounds(squareAt, survey);
  const scale = Math.min(1, (OVERSAMPLING * modelPx) / minSide);
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  const extent = { width: scaled(part.width), height: scaled(part.height) };
  const ratio = Math.min(extent.width / part.width, extent.height / part.height);
  return {
    extent,
    part,
    isPasted: false,
    faces: main.length,
    squaresAt: (frame) => {
      const { left, top, side } = squareAt(frame);
      return [{ left: (left - part.left) * ratio, top: (top - part.top) * ratio, side: side * ratio }];
    },
  };
}
