// The boxes around the faces of the shown image, as buttons.
import type { Extent } from '../../src/base/geometry.js';
import type { Face } from '../../src/faces/face.js';
import { byId, make } from './dom.js';

/** Shows a button around each face, in the order of the keyboard from left to right. */
export class FaceBoxes {
  private readonly list = byId('faces');
  private buttons = new Map<Face, HTMLButtonElement>();

  /** @param onPick called with the face that a person picks. */
  constructor(private readonly onPick: (face: Face) => void) {}

  /** Replaces the faces. One face alone needs no button, because it is framed. */
  show(faces: readonly Face[], { width, height }: Extent): void {
    const inOrder = faces.length < 2 ? [] : faces.toSorted((a, b) => a.left - b.left);
    const percent = (share: number): string => `${share * 100}%`;
    this.buttons = new Map(
      inOrder.map((face, i) => {
        const button = make('button', { type: 'button', className: 'face' });
        button.setAttribute('aria-label', `Use face ${i + 1} of ${inOrder.length}, from the left`);
        button.style.left = percent(face.left / width);
        button.style.top = percent(face.top / height);
        button.style.width = percent(face.width / width);
        button.style.height = percent(face.height / height);
        button.addEventListener('click', () => this.onPick(face));
        return [face, button];
      }),
    );
    this.list.replaceChildren(...this.buttons.values());
  }

  /** Marks the face that is used. */
  mark(used: Face | undefined): void {
    for (const [face, button] of this.buttons) button.setAttribute('aria-pressed', String(face === used));
  }
}
