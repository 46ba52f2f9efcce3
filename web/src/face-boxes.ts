// The boxes around the faces of the shown image, as buttons.
import type { Extent, Square } from '../../src/base/geometry.js';
import type { Face } from '../../src/faces/face.js';
import { byId, make } from './dom.js';

/** Shows a button around each face, in the order of the keyboard from left to right. */
export class FaceBoxes {
  private readonly list = byId('faces');
  private readonly buttons: HTMLButtonElement[] = [];
  private faces: readonly Face[] = [];

  /** @param onPick called with the face that a person picks. */
  constructor(private readonly onPick: (face: Face) => void) {}

  /** Replaces the faces. One face alone needs no button, because it is framed. */
  show(faces: readonly Face[], { width, height }: Extent): void {
    this.faces = faces.length < 2 ? [] : faces.toSorted((a, b) => a.left - b.left);
    const { length } = this.faces;
    // Buttons stay, so that a camera's next frame does not take the keyboard away from one.
    while (this.buttons.length > length) this.buttons.pop()!.remove();
    while (this.buttons.length < length) this.addButton();
    const percent = (share: number): string => `${share * 100}%`;
    for (const [i, face] of this.faces.entries()) {
      const button = this.buttons[i]!;
      button.setAttribute('aria-label', `Use face ${i + 1} of ${length}, from the left`);
      button.style.left = percent(face.left / width);
      button.style.top = percent(face.top / height);
      button.style.width = percent(face.width / width);
      button.style.height = percent(face.height / height);
    }
  }

  /** Marks the face that is used. */
  mark(used: Face | undefined): void {
    for (const [i, button] of this.buttons.entries())
      button.setAttribute('aria-pressed', String(this.faces[i] === used));
  }

  /** Marks the face in the middle of a square. */
  markAt({ left, top, side }: Square): void {
    const [x, y] = [left + side / 2, top + side / 2];
    this.mark(
      this.faces.find(
        (face) => x > face.left && x < face.left + face.width && y > face.top && y < face.top + face.height,
      ),
    );
  }

  private addButton(): void {
    const index = this.buttons.length;
    const button = make('button', { type: 'button', className: 'face' });
    button.addEventListener('click', () => this.onPick(this.faces[index]!));
    this.list.append(button);
    this.buttons.push(button);
  }
}
