// Follows a face through the frames of the camera.
import { messageOf } from '../../src/base/errors.js';
import type { Square } from '../../src/base/geometry.js';
import type { Face } from '../../src/faces/face.js';
import { LiveTracker } from '../../src/faces/live-track.js';
import { scaledFace } from '../../src/faces/square.js';
import { type Engine, StoppedError } from './engine.js';
import { pixelsOf, type Source, shrunk } from './images.js';

/** Longer side of the frames in which faces are looked for, px. */
const FRAME_PX = 512;
/** The detector's paddings: faces at a camera are large, so that a look costs a third of one at a photo. */
const PADDINGS = [2, 3];
/** The detector may take one part of the time in so many, so that translating goes on. */
const TIME_PARTS = 4;

const now = (): number => performance.now() / 1000;

/** Looks for faces in some of the frames, as often as time allows, and gives the square of the followed one for each. */
export class LiveFaces {
  private readonly tracker: LiveTracker;
  private isLooking = false;
  private nextLook = 0;
  private problem: string | undefined;

  /** @param onFaces called with the faces of every look, px of the frame. */
  constructor(
    private readonly source: Source,
    private readonly onFaces: (faces: readonly Face[]) => void,
  ) {
    this.tracker = new LiveTracker(source);
  }

  /** Why faces cannot be looked for. */
  get failure(): string | undefined {
    return this.problem;
  }

  /** Returns what to translate of the current frame, and starts a look at it if it is time for one. */
  square(engine: Engine): Square {
    if (!this.isLooking && this.problem === undefined && now() >= this.nextLook) void this.look(engine);
    return this.tracker.at(now()).square;
  }

  /** Follows a face of the newest look. */
  pick({ left, top, width, height }: Face): void {
    this.tracker.pick(left + width / 2, top + height / 2);
  }

  private async look(engine: Engine): Promise<void> {
    this.isLooking = true;
    const seconds = now();
    try {
      const frame = shrunk(this.source, FRAME_PX);
      const { width, height } = frame;
      const pixels = pixelsOf(frame);
      const answer = await engine.run('faces', { pixels, width, height, paddings: PADDINGS });
      const scale = this.source.width / width;
      this.tracker.look(
        seconds,
        answer.faces.map((face) => scaledFace(face, scale)),
      );
      this.nextLook = now() + ((TIME_PARTS - 1) * answer.milliseconds) / 1000;
      this.onFaces(this.tracker.seen);
    } catch (error) {
      // Another engine has replaced this one.
      if (!(error instanceof StoppedError)) this.problem = messageOf(error);
    } finally {
      this.isLooking = false;
    }
  }
}
