// Looks for the faces of the shown image, or of the camera's frames, and frames one.
import { messageOf } from '../../src/base/errors.js';
import { centreSquare, type Square } from '../../src/base/geometry.js';
import { DETECTOR_PX, type Face } from '../../src/faces/face.js';
import { faceSquares, isPrepared, scaledFace, wholePixels } from '../../src/faces/square.js';
import { mayBeTurned, OTHER_TURNS, type QuarterTurns, uprightTurn } from '../../src/faces/turn.js';
import type { CropView } from './crop-view.js';
import { announce, byId } from './dom.js';
import { type Engine, StoppedError } from './engine.js';
import { FaceBoxes } from './face-boxes.js';
import { pixelsOf, type Source, shrunk, sourceOf, turned } from './images.js';
import { LiveFaces } from './live-faces.js';

/** The first result waits so long for the search, milliseconds: the centre is better than nothing until the face is found. */
const WAIT_MILLISECONDS = 1000;

/** What the search needs of the page. */
export interface FaceSearchPage {
  /** The engine that computes now. */
  engine(): Engine;
  /** Side of the model's images, px; undefined before there is a model. */
  size(): number | undefined;
  /** Called when the frame has moved to a face while nobody waited for that. */
  onFramed(): void;
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
  private readonly toggle = byId<HTMLInputElement>('find-faces');
  /** The image whose faces these are. */
  private source: Source | undefined;
  private faces: readonly Face[] = [];
  private used: { face: Face; isPicked: boolean } | undefined;
  private live: LiveFaces | undefined;
  private search: Promise<void> = Promise.resolve();
  /** Number of callers that wait for the search. */
  private waiting = 0;

  constructor(
    private readonly crop: CropView,
    private readonly page: FaceSearchPage,
  ) {}

  /** Looks for the faces of the shown photo, if that is wanted. @param mayTurn turns it upright if its faces lie on their side. */
  start(mayTurn = true): void {
    this.forget();
    const { shown } = this.crop;
    if (shown !== undefined && this.toggle.checked) this.search = this.look(shown, mayTurn);
  }

  /** Waits until the search is over, but not for long. */
  async wait(): Promise<void> {
    this.waiting++;
    const late = new Promise((resolve) => setTimeout(resolve, WAIT_MILLISECONDS));
    await Promise.race([this.search, late]);
    this.waiting--;
  }

  /** Frames the face again, for another model. */
  reframe(): void {
    if (this.used !== undefined && this.live === undefined && !this.crop.isTouched) this.frame();
  }

  /** Moves the frame after a face at the camera, and looks for faces every few frames, unless a person has placed the frame. */
  follow(): void {
    const { shown, isTouched } = this.crop;
    if (shown === undefined || isTouched || !this.toggle.checked) return;
    if (this.live === undefined || this.source !== shown) {
      this.forget();
      this.source = shown;
      this.live = new LiveFaces(shown, (faces) => {
        if (this.source === shown) this.boxes.show(faces, shown);
      });
    }
    this.crop.place = this.live.square(this.page.engine());
    const { failure } = this.live;
    if (failure !== undefined) this.note.textContent = cannotLook(failure);
    this.boxes.markAt(this.crop.place);
  }

  /** A person has placed the frame. */
  release(): void {
    const wasLive = this.live !== undefined;
    if (wasLive) this.forget();
    if (wasLive) this.note.textContent = 'The frame stays there. To follow the face, find it again.';
    this.boxes.mark(undefined);
  }

  /** Removes the faces of the previous image. */
  forget(): void {
    this.source = undefined;
    this.faces = [];
    this.used = undefined;
    this.live = undefined;
    this.search = Promise.resolve();
    this.note.textContent = '';
    this.boxes.show([], { width: 1, height: 1 });
  }

  /** Never fails, because the centre does without the detector. */
  private async look(source: Source, mayTurn: boolean): Promise<void> {
    this.source = source;
    this.note.textContent = 'Looking for faces…';
    try {
      const faces = await this.find(source);
      if (this.source !== source) return;
      this.show(source, faces);
      if (mayTurn && mayBeTurned(faces)) await this.turn(source, faces);
    } catch (error) {
      if (this.source !== source) return;
      // Another engine has replaced the one that looked.
      if (error instanceof StoppedError) await this.look(source, mayTurn);
      else this.tell(cannotLook(messageOf(error)));
    }
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
      if (this.source !== source) return;
      looks.set(turns, faces);
      if (!mayBeTurned(faces) && uprightTurn(looks) === turns) break;
    }
    const turns = uprightTurn(looks);
    if (turns === 0 || this.crop.isTouched) return;
    const next = turned(source, turns);
    const scale = source.width / small.width;
    this.source = next;
    this.crop.show(next);
    announce('The picture was turned upright.');
    this.show(
      next,
      looks.get(turns)!.map((face) => scaledFace(face, scale)),
    );
  }

  private tell(text: string): void {
    this.note.textContent = text;
    if (text !== '') announce(text);
  }

  private show(source: Source, faces: readonly Face[]): void {
    this.faces = faces;
    this.boxes.show(faces, source);
    this.tell(described(faces.length));
    const [largest] = faces;
    if (largest === undefined || this.crop.isTouched) return;
    this.used = { face: largest, isPicked: false };
    this.frame();
    if (this.waiting === 0) this.page.onFramed();
  }

  private pick(face: Face): void {
    if (this.live !== undefined) {
      this.live.pick(face);
      return;
    }
    this.used = { face, isPicked: true };
    this.frame();
    this.page.onFramed();
  }

  /** Frames the face; a picture that was cropped for the model already stays whole, unless a person has picked the face. */
  private frame(): void {
    const { source, faces, used } = this;
    if (source === undefined || used === undefined) return;
    const size = this.page.size();
    const isWhole = !used.isPicked && size !== undefined && isPrepared(source, size);
    this.crop.place = isWhole ? centreSquare(source) : squareOfFace(used.face, faces, source);
    this.boxes.mark(used.face);
  }
}
