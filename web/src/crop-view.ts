// The view of the whole image, with the frame around the square that is used.
import { centreSquare, type Square } from '../../src/base/geometry.js';
import { contextOf } from '../../src/browser/image-output.js';
import { squareWithin } from '../../src/faces/square.js';
import { byId } from './dom.js';
import { closeImage, type Source, squareOf } from './images.js';

const STEP = 0.02;
const ZOOM_STEP = 1.1;
/** The smallest frame, px of the image. */
const MIN_SIDE_PX = 24;
/** Longer side of the drawn image, px. */
const DRAWN_PX = 1024;
/** Pause after the last change before the new crop is used, milliseconds. */
const SETTLE_MILLISECONDS = 120;

/** A corner of the frame: the direction from its centre. */
interface Corner {
  right: 1 | -1;
  down: 1 | -1;
}

interface Drag {
  x: number;
  y: number;
  /** The corner that is dragged; the whole frame without one. */
  corner?: Corner;
}

/** Shows an image with a frame, which pointer, fingers or keys move and resize. */
export class CropView {
  private readonly photo = byId('photo');
  private readonly canvas = byId<HTMLCanvasElement>('crop');
  private readonly frame = byId('frame');
  private readonly zoomInput = byId<HTMLInputElement>('zoom');
  private source: Source | undefined;
  private square: Square = { left: 0, top: 0, side: 0 };
  private touched = false;
  private readonly pointers = new Map<number, Drag>();
  private settling: number | undefined;

  /** @param onSettled called when a person's change is over. */
  constructor(private readonly onSettled: () => void) {
    const { frame, photo } = this;
    frame.addEventListener('pointerdown', (event) => this.grasp(event));
    frame.addEventListener('pointermove', (event) => this.drag(event));
    for (const end of ['pointerup', 'pointercancel'] as const)
      frame.addEventListener(end, ({ pointerId }) => this.pointers.delete(pointerId));
    frame.addEventListener('keydown', (event) => this.key(event));
    this.canvas.addEventListener('click', (event) => {
      const { left, top } = photo.getBoundingClientRect();
      this.moveTo((event.clientX - left) * this.scale, (event.clientY - top) * this.scale);
    });
    this.zoomInput.addEventListener('input', () =>
      this.resize(this.shorter / 2 ** Number(this.zoomInput.value)),
    );
  }

  /** The shown image. */
  get shown(): Source | undefined {
    return this.source;
  }

  /** Whether a person has moved or resized the frame since the image was shown. */
  get isTouched(): boolean {
    return this.touched;
  }

  /** The frame, px of the image. */
  get place(): Square {
    return this.square;
  }

  /** Shows another image with the frame around its centre, and closes the previous one. */
  show(source: Source): void {
    if (this.source !== undefined && this.source !== source) closeImage(this.source);
    this.source = source;
    const { width, height } = source;
    const scale = Math.min(1, DRAWN_PX / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    this.photo.style.setProperty('--ratio', String(width / height));
    this.zoomInput.max = String(Math.max(0, Math.log2(this.shorter / MIN_SIDE_PX)));
    this.draw();
    this.place = centreSquare(source);
  }

  /** Moves the frame, which counts as untouched from then on. */
  set place(square: Square) {
    this.set(square);
    this.touched = false;
  }

  /** Returns the chosen square at `size` px. @throws Error if there is no image. */
  crop(size: number): HTMLCanvasElement {
    if (this.source === undefined) throw new Error('There is no picture yet.');
    return squareOf(this.source, this.square, size);
  }

  /** Draws the current source; for a video, call it for every frame. */
  draw(): void {
    if (this.source === undefined) return;
    const { width, height } = this.canvas;
    contextOf(this.canvas).drawImage(this.source.image, 0, 0, width, height);
  }

  private get shorter(): number {
    return this.source === undefined ? 0 : Math.min(this.source.width, this.source.height);
  }

  /** Pixels of the image in one of the page. */
  private get scale(): number {
    return (this.source?.width ?? 0) / Math.max(1, this.photo.clientWidth);
  }

  private get centre(): { x: number; y: number } {
    const { left, top, side } = this.square;
    return { x: left + side / 2, y: top + side / 2 };
  }

  private set({ left, top, side }: Square): void {
    if (this.source === undefined) return;
    const { width, height } = this.source;
    this.square = { left, top, side };
    const percent = (share: number): string => `${share * 100}%`;
    this.frame.style.left = percent(left / width);
    this.frame.style.top = percent(top / height);
    this.frame.style.width = percent(side / width);
    this.zoomInput.value = String(Math.log2(this.shorter / side));
    const whole = (share: number): number => Math.round(share * 100);
    this.frame.setAttribute('aria-valuenow', String(whole(left / Math.max(1, width - side))));
    this.frame.setAttribute(
      'aria-valuetext',
      `${whole((left + side / 2) / width)} % to the right, ${whole((top + side / 2) / height)} % down, ${whole(side / this.shorter)} % of the size`,
    );
  }

  /** Takes over a person's change. */
  private change(x: number, y: number, side: number): void {
    if (this.source === undefined) return;
    const least = Math.min(MIN_SIDE_PX, this.shorter);
    this.set(squareWithin(x, y, Math.max(side, least), this.source));
    this.touched = true;
    clearTimeout(this.settling);
    this.settling = setTimeout(this.onSettled, SETTLE_MILLISECONDS) as unknown as number;
  }

  private moveTo(x: number, y: number): void {
    this.change(x, y, this.square.side);
  }

  private resize(side: number): void {
    const { x, y } = this.centre;
    this.change(x, y, side);
  }

  private grasp(event: PointerEvent): void {
    this.frame.setPointerCapture(event.pointerId);
    const handle = (event.target as HTMLElement).dataset;
    const corner: Corner | undefined =
      handle.right === undefined
        ? undefined
        : { right: handle.right === '1' ? 1 : -1, down: handle.down === '1' ? 1 : -1 };
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, ...(corner && { corner }) });
  }

  private drag(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) return;
    const now: Drag = { ...before, x: event.clientX, y: event.clientY };
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    const [right, down] = [(now.x - before.x) * this.scale, (now.y - before.y) * this.scale];
    if (other !== undefined) {
      const apart = (point: Drag): number => Math.hypot(point.x - other.x, point.y - other.y);
      this.resize(this.square.side * (apart(now) / Math.max(1, apart(before))));
    } else if (before.corner !== undefined) this.dragCorner(before.corner, right, down);
    else this.moveTo(this.centre.x + right, this.centre.y + down);
  }

  /** Resizes the frame, whose opposite corner stays. */
  private dragCorner(corner: Corner, right: number, down: number): void {
    if (this.source === undefined) return;
    const { left, top, side } = this.square;
    const { width, height } = this.source;
    const fixed = { x: corner.right > 0 ? left : left + side, y: corner.down > 0 ? top : top + side };
    const room = Math.min(
      corner.right > 0 ? width - fixed.x : fixed.x,
      corner.down > 0 ? height - fixed.y : fixed.y,
    );
    const least = Math.min(MIN_SIDE_PX, room);
    const wanted = side + (right * corner.right + down * corner.down) / 2;
    const next = Math.min(room, Math.max(least, wanted));
    this.change(fixed.x + (corner.right * next) / 2, fixed.y + (corner.down * next) / 2, next);
  }

  private key(event: KeyboardEvent): void {
    const { side } = this.square;
    const { x, y } = this.centre;
    const step = side * STEP;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => this.moveTo(x - step, y),
      ArrowRight: () => this.moveTo(x + step, y),
      ArrowUp: () => this.moveTo(x, y - step),
      ArrowDown: () => this.moveTo(x, y + step),
      '+': () => this.resize(side / ZOOM_STEP),
      '=': () => this.resize(side / ZOOM_STEP),
      '-': () => this.resize(side * ZOOM_STEP),
    };
    const move = event.ctrlKey || event.metaKey ? undefined : moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  }
}
