// Looks for the faces of the shown image, and frames the largest one.
import { messageOf } from '../../src/base/errors.js';
import type { Square } from '../../src/base/geometry.js';
import type { Face } from '../../src/faces/face.js';
import { faceSquares, scaledFace, wholePixels } from '../../src/faces/square.js';
import { mayBeTurned, OTHER_TURNS, type QuarterTurns, uprightTurn } from '../../src/faces/turn.js';
import { byId } from './dom.js';
import { type Engine, StoppedError } from './engine.js';
import { FaceBoxes } from './face-boxes.js';
import { pixelsOf, type Source, shrunk, sourceOf, turned } from './images.js';

/** Longer side of the image in which faces are looked for, px: more gains nothing. */
const DETECTOR_PX = 1024;

/** What the search does with the page. */
export interface FaceSearchPage {
  /** The engine that computes now. */
  engine(): Engine;
  /** The shown image, if faces are still wanted for it. */
  isShown(source: Source): boolean;
  /** Shows the image turned upright. */
  replace(source: Source): void;
  /** Frames a face that was found, or picked by a person. */
  frame(square: Square, isPicked: boolean): void;
}

/** The square of a face, as `gnr translate` crops it. */
function squareOfFace(face: Face, source: Source): Square {
  return wholePixels(faceSquares('auto', [face], source)[0]!, source);
}

function described(count: number): string {
  if (count === 0) return 'No face was found, so the centre is used. Drag the frame to where you want it.';
  return count === 1 ? '' : `${count} faces were found: pick one in the picture.`;
}

/** Looks for faces, shows them, and frames the largest one. */
export class FaceSearch {
  private readonly boxes = new FaceBoxes((face) => this.pick(face));
  private readonly note = byId('face-note');
  private source: Source | undefined;

  constructor(private readonly page: FaceSearchPage) {}

  /** Looks for the faces of an image; never fails, because the centre does without the detector. */
  async look(source: Source): Promise<void> {
    this.forget();
    this.source = source;
    this.note.textContent = 'Looking for faces…';
    try {
      const faces = await this.find(source);
      if (!this.page.isShown(source)) return;
      this.show(source, faces);
      if (mayBeTurned(faces)) await this.turn(source, faces);
    } catch (error) {
      if (error instanceof StoppedError || !this.page.isShown(source)) return;
      this.note.textContent = `Faces cannot be looked for, so the centre is used: ${messageOf(error)}`;
    }
  }

  /** Removes the faces of the previous image. */
  forget(): void {
    this.source = undefined;
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
    if (turns === 0) return;
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
    this.boxes.show(faces, source);
    this.note.textContent = described(faces.length);
    const [largest] = faces;
    if (largest === undefined) return;
    this.boxes.mark(largest);
    this.page.frame(squareOfFace(largest, source), false);
  }

  private pick(face: Face): void {
    if (this.source === undefined) return;
    this.page.frame(squareOfFace(face, this.source), true);
    this.boxes.mark(face);
  }
}
