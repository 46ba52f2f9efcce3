import { centreSquare, type Extent, type Square } from '../base/geometry.js';
import type { FaceMode } from '../faces/square.js';
import { mainTracks, nearestSquare, type Track, trackFaces } from '../faces/track.js';
import type { Survey } from './face-survey.js';

/** A square of a frame that is translated. */
export interface TranslatedSquare extends Square {
  /** How much of the translation goes back, 0 to 1; all of it where left out. */
  strength?: number;
}

/** Which squares of a video's frames are translated. */
export interface FaceTrajectory {
  /** Of the frames that the squares are in, px. */
  extent: Extent;
  /** Whether they go back into their frames, of which any number may be; else there is one for each frame. */
  isPasted: boolean;
  squaresAt(frame: number): readonly TranslatedSquare[];
  /** Number of faces; 0 where the centres of the frames are translated and go back. */
  faces: number;
}

export interface FaceTrajectoryOptions {
  mode: Exclude<FaceMode, 'off'>;
  margin: number;
  paste: boolean;
  modelPx: number;
}

/** Frames are scaled down where their squares would stay this many times larger than the model's pictures. */
const SPARE = 2;
/** Squares are looked at so often to find the smallest, frames. */
const SAMPLED_FRAMES = 8;

/** Squares of the smallest size that are taken, px. */
function minSide(squareAt: (frame: number) => Square, frames: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let frame = 0; frame < frames; frame += SAMPLED_FRAMES) least = Math.min(least, squareAt(frame).side);
  return least;
}

const holds = ({ first, last }: Track, frame: number): boolean => frame >= first && frame <= last;

/** What becomes of the faces that a survey saw; undefined where it saw none, and nothing is to go back. */
export function faceTrajectory(survey: Survey, options: FaceTrajectoryOptions): FaceTrajectory | undefined {
  const { mode, margin, paste, modelPx } = options;
  const { picture, framesPerSecond } = survey;
  const tracks = trackFaces(survey.sightings, survey.frames, {
    ...{ extent: picture, framesPerSecond, margin },
    keepsPortraits: mode === 'auto',
  });
  if (tracks.length === 0) {
    const squares = [centreSquare(picture)];
    return paste ? { extent: picture, isPasted: true, faces: 0, squaresAt: () => squares } : undefined;
  }
  if (paste) {
    const pasted = mode === 'all' ? tracks : mainTracks(tracks);
    return {
      extent: picture,
      isPasted: true,
      faces: pasted.length,
      // The largest comes last: where faces overlap, it is the nearest.
      squaresAt: (frame) =>
        pasted
          .filter((track) => holds(track, frame))
          .map((track) => ({ ...track.squareAt(frame), strength: track.strengthAt(frame) }))
          .sort((a, b) => a.side - b.side),
    };
  }
  const main = mainTracks(tracks);
  const squareAt = (frame: number): Square => nearestSquare(main, frame);
  const scale = Math.min(1, (SPARE * modelPx) / minSide(squareAt, survey.frames));
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  const extent = { width: scaled(picture.width), height: scaled(picture.height) };
  const ratio = Math.min(extent.width / picture.width, extent.height / picture.height);
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
