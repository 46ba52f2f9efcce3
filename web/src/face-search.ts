// Looks for the faces of the shown image, or of the camera's frames, and frames one.
import { messageOf } from '../../src/base/errors.js';
import type { Square } from '../../src/base/geometry.js';
import { DETECTOR_PX, type Face } from '../../src/faces/face.js';
import { faceSquares, scaledFace, wholePixels } from '../../src/faces/square.js';
import { mayBeTurned, OTHER_TURNS, type QuarterTurns, uprightTurn } from '../../src/faces/turn.js';
import { byId } from './dom.js';
import { type Engine, StoppedError } from './engine.js';
import { FaceBoxes } from './face-boxes.js';
import { pixelsOf, type Source, shrunk, sourceOf, turned } from './images.js';
import { LiveFaces } from './live-faces.js';

/** What the search does with the page. */
export interface FaceSearchPage {
  /** The engine that computes now. */
  engine(): Engine;
  /** The shown image, if faces are still wanted for it. */
  isShown(source: Source): boolean;
  /** Shows the image turned upright. */
  replace(source: Source): void;
  /** Whether a person has moved the frame. */
  isTouched(): boolean;
  /** Frames a face that was found, or picked by a person. */
  frame(square: Square, isPicked: boolean): void;
}

/** The square of one of the faces, as `gnr translate` crops the largest. */
function squareOfFace(face: Face, faces: readonly Face[], source: Source): Square {
  return wholePixels(
    faceSquares('auto', [face, ...faces.filter((each) => each !== face)], source)[0]!,
    source,
  );
}

function described(count: number): string {
  if (count === 0) return 'No face was found, so the centre is used. Drag the frame to where you want it.';
  return count === 1 ? '' : `${count} faces were found: pick one in the picture.`;
}

function cannotLook(reason: string): string {
  return `Faces cannot be looked for, so the centre is used: ${reason}`;
}

/** Looks for faces, shows them, and frames the largest one. */
export class FaceSearch {
  private readonly boxes = new FaceBoxes((face) => this.pick(face));
  private readonly note = byId('face-note');
  private source: Source | undefined;
  private faces: readonly Face[] = [];
  private live: LiveFaces | undefined;

  constructor(private readonly page: FaceSearchPage) {}

  /**
   * Looks for the faces of an image, and turns it upright if its faces lie on their side. It never fails, because the centre does
   * without the detector.
   */
  async look(source: Source, mayTurn = true): Promise<void> {
    this.forget();
    this.source = source;
    this.note.textContent = 'Looking for faces…';
    try {
      const faces = await this.find(source);
      if (!this.page.isShown(source)) return;
      this.show(source, faces);
      if (mayTurn && mayBeTurned(faces)) await this.turn(source, faces);
    } catch (error) {
      if (error instanceof StoppedError || !this.page.isShown(source)) return;
      this.note.textContent = cannotLook(messageOf(error));
    }
  }

  /** Returns what to translate of the camera's current frame, and looks for faces there every few frames. */
  follow(camera: Source): Square {
    if (this.live === undefined || this.source !== camera) {
      this.forget();
      this.source = camera;
      this.live = new LiveFaces(camera, (faces) => this.boxes.show(faces, camera));
    }
    const square = this.live.square(this.page.engine());
    const { failure } = this.live;
    if (failure !== undefined) this.note.textContent = cannotLook(failure);
    this.boxes.markAt(square);
    return square;
  }

  /** Removes the faces of the previous image. */
  forget(): void {
    this.source = undefined;
    this.live = undefined;
    this.note.textContent = '';
    this.boxes.show([], { width: 1, height: 1 });
  }

  /** No face is marked any more, because a person has moved the frame. */
  unmark(): void {
    this.boxes.mark(undefined);
  }

  private async find(source: Source): Promise<Face[]> {
    const copy = shrunk(source, DETECTOR_PX);
    const { width, height } = copy;
    const { faces } = await this.page.engine().run('faces', { pixels: pixelsOf(copy), width, height });
    const scale = source.width / width;
    return faces.map((face) => scaledFace(face, scale));
  }

  /** Turns an image upright if its faces tell that it is not. */
  private async turn(source: Source, upright: readonly Face[]): Promise<void> {
    const looks = new Map<QuarterTurns, readonly Face[]>([[0, upright]]);
    const small = sourceOf(shrunk(source, DETECTOR_PX));
    for (const turns of OTHER_TURNS) {
      const faces = await this.find(turned(small, turns));
      if (!this.page.isShown(source)) return;
      looks.set(turns, faces);
      if (!mayBeTurned(faces) && uprightTurn(looks) === turns) break;
    }
    const turns = uprightTurn(looks);
    if (turns === 0 || this.page.isTouched()) return;
    const next = turned(source, turns);
    const scale = source.width / small.width;
    this.page.replace(next);
    this.source = next;
    this.show(
      next,
      looks.get(turns)!.map((face) => scaledFace(face, scale)),
    );
  }

  private show(source: Source, faces: readonly Face[]): void {
    this.faces = faces;
    this.boxes.show(faces, source);
    this.note.textContent = described(faces.length);
    const [largest] = faces;
    if (largest === undefined) return;
    this.boxes.mark(largest);
    this.page.frame(squareOfFace(largest, faces, source), false);
  }

  private pick(face: Face): void {
    if (this.live !== undefined) this.live.pick(face);
    else if (this.source !== undefined) this.page.frame(squareOfFace(face, this.faces, this.source), true);
    this.boxes.mark(face);
  }
}
