// Turns the faces of a video into squares to translate.
import { centreSquare, type Extent, type Square } from '../base/geometry.js';
import type { FaceMode } from '../faces/square.js';
import { mainTracks, nearestSquare, type Track, trackFaces } from '../faces/track.js';
import type { Survey } from './face-survey.js';

/** A square of a frame that is translated. */
export interface TranslatedSquare extends Square {
  /** Opacity of the translation in its frame, 0 to 1; 1 by default. */
  strength?: number;
}

/** The squares of a video's frames that are translated. */
export interface FaceTrajectory {
  /** Size of the frames that contain the squares, px. */
  extent: Extent;
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
/** Stride of the frames among which the smallest square is looked for. */
const FRAME_STRIDE = 8;

/** @returns the side of the smallest square, px. */
function minSide(squareAt: (frame: number) => Square, frames: number): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let frame = 0; frame < frames; frame += FRAME_STRIDE)
    smallest = Math.min(smallest, squareAt(frame).side);
  return smallest;
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
  const scale = Math.min(1, (OVERSAMPLING * modelPx) / minSide(squareAt, survey.frames));
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  const extent = { width: scaled(frameExtent.width), height: scaled(frameExtent.height) };
  const ratio = Math.min(extent.width / frameExtent.width, extent.height / frameExtent.height);
  return {
    extent,
    isPasted: false,
    faces: main.length,
    squaresAt: (frame) => {
      const { left, top, side } = squareAt(frame);
      return [{ left: left * ratio, top: top * ratio, side: side * ratio }];
    },
  };
}
