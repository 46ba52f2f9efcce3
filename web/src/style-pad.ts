// A pad that blends four styles.
import { paintImage } from './dom.js';

const STEP = 0.02;
const LARGE_STEP = 0.1;

/** A place in the unit square; the origin is the upper left corner. */
export interface Place {
  x: number;
  y: number;
}

/** Interpolates four style codes (upper left, upper right, lower left, lower right) bilinearly. */
export function blend(corners: readonly Float32Array[], { x, y }: Place): Float32Array {
  const shares = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
  return corners[0]!.map((_, i) =>
    shares.reduce((sum, share, corner) => sum + share * corners[corner]![i]!, 0),
  );
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** A square with a style in each corner, and a knob that blends them. */
export class StylePad {
  private at: Place = { x: 0.5, y: 0.5 };

  constructor(
    private readonly pad: HTMLElement,
    private readonly knob: HTMLElement,
    private readonly onMove: () => void,
  ) {
    const follow = (event: PointerEvent): void => {
      const { left, top, width, height } = pad.getBoundingClientRect();
      this.moveTo({ x: (event.clientX - left) / width, y: (event.clientY - top) / height });
    };
    pad.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      pad.setPointerCapture(event.pointerId);
      knob.focus({ preventScroll: true });
      follow(event);
    });
    pad.addEventListener('pointermove', (event) => {
      if (pad.hasPointerCapture(event.pointerId)) follow(event);
    });
    knob.addEventListener('keydown', (event) => this.key(event));
    this.update();
  }

  get place(): Place {
    return this.at;
  }

  /** Shows the image in the style of a corner. */
  showCorner(index: number, image: Float32Array): void {
    const canvas = this.pad.querySelectorAll('canvas')[index];
    if (canvas !== undefined) paintImage(canvas, image);
  }

  private moveTo({ x, y }: Place): void {
    this.at = { x: clamp(x), y: clamp(y) };
    this.update();
    this.onMove();
  }

  private key(event: KeyboardEvent): void {
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const { x, y } = this.at;
    const places: Record<string, Place> = {
      ArrowLeft: { x: x - step, y },
      ArrowRight: { x: x + step, y },
      ArrowUp: { x, y: y - step },
      ArrowDown: { x, y: y + step },
      Home: { x: 0, y: 0 },
      End: { x: 1, y: 1 },
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    this.moveTo(place);
  }

  private update(): void {
    const { x, y } = this.at;
    const [across, down] = [Math.round(x * 100), Math.round(y * 100)];
    this.knob.style.setProperty('--x', String(x));
    this.knob.style.setProperty('--y', String(y));
    this.knob.setAttribute('aria-valuenow', String(across));
    this.knob.setAttribute('aria-valuetext', `${across} % to the right, ${down} % down`);
  }
}
