// Follows one face through the frames of a camera, as they come; needs nothing of Node.
import { centreSquare, type Extent, type Square } from '../base/geometry.js';
import type { Face } from './face.js';
import { overlap } from './overlap.js';
import { FACE_MARGIN, faceSquare } from './square.js';

/** Boxes with a smaller intersection over union are the same face only if they are near each other and of similar size. */
const MIN_OVERLAP = 0.2;
/** Distance of the centres that a face may cover between two looks, relative to its longer side, and ratio of its sides. */
const MAX_STEP = 1;
const MAX_GROWTH = 1.6;
/** Another face takes over if it is larger by this factor, in its longer side, for this long. */
const SWITCH_RATIO = 1.3;
const SWITCH_SECONDS = 1;
/** Another face takes over if the followed one is missing for this long, and in this many looks. */
const LOST_SECONDS = 0.7;
const LOST_LOOKS = 2;
/** The square stays where the face was last seen for this long, and then drifts to the centre of the frames. */
const HOLD_SECONDS = 2;

/** Time constants of the shown square, seconds: on its way after the face, and back to the centre. */
const FOLLOW_SECONDS = 0.15;
const DRIFT_SECONDS = 0.8;

/** Cut-off frequencies of a face at rest, Hz: sizes change more slowly than places. */
const PLACE_HERTZ = 0.3;
const SIZE_HERTZ = 0.15;
/** Rise of the cut-off with the speed, Hz for one side (or factor e) a second. */
const SPEED_GAIN = 1;
const SPEED_HERTZ = 1;

/** Share by which a low-pass filter approaches a new value. */
function approach(seconds: number, hertz: number): number {
  return 1 / (1 + 1 / (2 * Math.PI * hertz * seconds));
}

/**
 * The 1 euro filter (Casiez, Roussel and Vogel 2012): a low-pass filter whose cut-off rises with the speed of its input, so that
 * it removes jitter at rest, and lags by at most 1 / (2 pi SPEED_GAIN) sides in motion.
 */
class OneEuroFilter {
  private speed = 0;

  constructor(
    public value: number,
    private readonly hertz: number,
  ) {}

  /** @param unit what counts as 1 in speeds. @param seconds since the value before. */
  add(value: number, seconds: number, unit: number): void {
    const speed = (value - this.value) / unit / seconds;
    this.speed += approach(seconds, SPEED_HERTZ) * (speed - this.speed);
    const hertz = this.hertz + SPEED_GAIN * Math.abs(this.speed);
    this.value += approach(seconds, hertz) * (value - this.value);
  }
}

const sideOf = ({ width, height }: Face): number => Math.max(width, height);
const centreOf = (face: Face): [x: number, y: number] => [
  face.left + face.width / 2,
  face.top + face.height / 2,
];
const boxOf = ({ left, top, side }: Square): Face => ({ left, top, width: side, height: side, score: 1 });

/** The face that is followed, smoothed. */
class FollowedFace {
  private readonly x: OneEuroFilter;
  private readonly y: OneEuroFilter;
  private readonly logWidth: OneEuroFilter;
  private readonly logHeight: OneEuroFilter;

  /** @param last its newest box. @param seenAt when that was seen, seconds. */
  constructor(
    public last: Face,
    public seenAt: number,
    public readonly isPicked: boolean,
  ) {
    const [x, y] = centreOf(last);
    this.x = new OneEuroFilter(x, PLACE_HERTZ);
    this.y = new OneEuroFilter(y, PLACE_HERTZ);
    this.logWidth = new OneEuroFilter(Math.log(last.width), SIZE_HERTZ);
    this.logHeight = new OneEuroFilter(Math.log(last.height), SIZE_HERTZ);
  }

  add(face: Face, seconds: number): void {
    const [elapsed, side] = [seconds - this.seenAt, sideOf(face)];
    const [x, y] = centreOf(face);
    this.x.add(x, elapsed, side);
    this.y.add(y, elapsed, side);
    this.logWidth.add(Math.log(face.width), elapsed, 1);
    this.logHeight.add(Math.log(face.height), elapsed, 1);
    this.last = face;
    this.seenAt = seconds;
  }

  get smoothed(): Face {
    const [width, height] = [Math.exp(this.logWidth.value), Math.exp(this.logHeight.value)];
    return { left: this.x.value - width / 2, top: this.y.value - height / 2, width, height, score: 1 };
  }

  /** Returns how well a box of the next look continues it: above 0 if at all. */
  likeness(face: Face): number {
    const common = overlap(this.last, face);
    if (common >= MIN_OVERLAP) return 1 + common;
    const [[x, y], [lastX, lastY]] = [centreOf(face), centreOf(this.last)];
    const growth = sideOf(face) / sideOf(this.last);
    if (growth > MAX_GROWTH || growth < 1 / MAX_GROWTH) return 0;
    return Math.max(0, 1 - Math.hypot(x - lastX, y - lastY) / (MAX_STEP * sideOf(this.last)));
  }
}

/** What is shown of a frame. */
export interface LiveFrame {
  /** The square to translate, within the frame. */
  square: Square;
  /** `face` while it is seen; `held` where it was last seen; `centre` if it is away, or there has been none. */
  state: 'face' | 'held' | 'centre';
}

/**
 * Follows one face through a camera's frames. Faces are looked for in some of the frames, and may be reported late; the square
 * can be asked for at every frame. Times are seconds of any clock that does not run backwards.
 *
 * The first face is framed at once. A larger one takes over after a second, so that two faces of one size do not alternate.
 * Neighbouring squares differ little, except where another face takes over.
 */
export class LiveTracker {
  private followed: FollowedFace | undefined;
  private faces: readonly Face[] = [];
  private lookedAt = Number.NEGATIVE_INFINITY;
  private missedLooks = 0;
  private rivalSince: number | undefined;
  /** The shown square by its centre, and the time when it was there; undefined shows the target at once. */
  private shown: { x: number; y: number; side: number; seconds: number } | undefined;

  /** @param extent size of the frames, px. @param margin room on each side of a face, relative to its longer side. */
  constructor(
    private readonly extent: Extent,
    private readonly margin = FACE_MARGIN,
  ) {}

  /** The faces of the newest look, the largest first. */
  get seen(): readonly Face[] {
    return this.faces;
  }

  /**
   * Takes the faces of one frame. Reports of frames before the newest one are dropped.
   * @param seconds when the frame was taken.
   */
  look(seconds: number, faces: readonly Face[]): void {
    if (seconds <= this.lookedAt) return;
    this.lookedAt = seconds;
    this.faces = faces.toSorted((a, b) => b.width * b.height - a.width * a.height);
    const match = this.matching();
    if (match === undefined) {
      this.miss(seconds);
      return;
    }
    this.missedLooks = 0;
    const rival = this.rivalOf(match);
    this.rivalSince = rival === undefined ? undefined : (this.rivalSince ?? seconds);
    if (rival !== undefined && seconds - this.rivalSince! >= SWITCH_SECONDS) this.follow(rival, false);
    else this.followed!.add(match, seconds);
  }

  /**
   * Follows the face of the newest look that is nearest to a point of the frame, until it is gone.
   * @returns whether there is one.
   */
  pick(x: number, y: number): boolean {
    const distance = (face: Face): number => {
      const [faceX, faceY] = centreOf(face);
      return Math.hypot(faceX - x, faceY - y);
    };
    const nearest = this.faces.toSorted((a, b) => distance(a) - distance(b))[0];
    if (nearest !== undefined) this.follow(nearest, true);
    return nearest !== undefined;
  }

  /** Returns what to show at a time, which must not be before that of the last call. */
  at(seconds: number): LiveFrame {
    const { followed } = this;
    const isAway = followed === undefined || seconds - followed.seenAt > HOLD_SECONDS;
    const target = isAway
      ? centreSquare(this.extent)
      : faceSquare(followed.smoothed, this.extent, this.margin);
    const [x, y] = [target.left + target.side / 2, target.top + target.side / 2];
    const last = this.shown ?? { x, y, side: target.side, seconds };
    const share = 1 - Math.exp((last.seconds - seconds) / (isAway ? DRIFT_SECONDS : FOLLOW_SECONDS));
    const shown = {
      x: last.x + share * (x - last.x),
      y: last.y + share * (y - last.y),
      // At most the mean of both, so that the square stays within the frame.
      side: last.side * (target.side / last.side) ** share,
      seconds,
    };
    // Without a face there is nothing to glide from: the first one is framed at once.
    this.shown = followed === undefined ? undefined : shown;
    const square = { left: shown.x - shown.side / 2, top: shown.y - shown.side / 2, side: shown.side };
    if (isAway) return { square, state: 'centre' };
    return { square, state: this.missedLooks === 0 ? 'face' : 'held' };
  }

  private matching(): Face | undefined {
    const { followed } = this;
    if (followed === undefined) return undefined;
    const likely = this.faces.filter((face) => followed.likeness(face) > 0);
    return likely.toSorted((a, b) => followed.likeness(b) - followed.likeness(a))[0];
  }

  /** Returns a face that is so much larger than the followed one that it takes over if it stays. */
  private rivalOf(match: Face): Face | undefined {
    if (this.followed!.isPicked) return undefined;
    return this.faces.find((face) => face !== match && sideOf(face) > SWITCH_RATIO * sideOf(match));
  }

  /** The followed face is not among those of the newest look. */
  private miss(seconds: number): void {
    this.missedLooks++;
    const isLost =
      this.followed === undefined ||
      (this.missedLooks >= LOST_LOOKS && seconds - this.followed.seenAt >= LOST_SECONDS);
    if (isLost && this.faces.length > 0) this.follow(this.faces[0]!, false);
  }

  private follow(face: Face, isPicked: boolean): void {
    this.followed = new FollowedFace(face, this.lookedAt, isPicked);
    this.missedLooks = 0;
    this.rivalSince = undefined;
    if (this.shown === undefined) return;
    const { x, y, side } = this.shown;
    const shown = { left: x - side / 2, top: y - side / 2, side };
    // The way to a face elsewhere would show neither.
    const next = faceSquare(face, this.extent, this.margin);
    if (overlap(boxOf(shown), boxOf(next)) < MIN_OVERLAP) this.shown = undefined;
  }
}
