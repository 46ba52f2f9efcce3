// The view in which the square of an image is chosen.
import type { Square } from '../../src/base/geometry.js';
import { contextOf } from '../../src/browser/image-output.js';
import { closeImage, type Source, squareOf } from './images.js';

const STEP = 0.02;
const ZOOM_STEP = 1.1;
/** Pause after the last change before the new crop is used, milliseconds. */
const SETTLE_MILLISECONDS = 120;

/** Shows the square of an image that is used, which pointer, fingers or keys move. */
export class CropView {
  private source: Source | undefined;
  private centre = { x: 0, y: 0 };
  private zoom = 1;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private settling: number | undefined;

  /** @param onSettled called when a change is over. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly zoomInput: HTMLInputElement,
    private readonly onSettled: () => void,
  ) {
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    canvas.addEventListener('pointermove', (event) => this.drag(event));
    for (const end of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(end, ({ pointerId }) => this.pointers.delete(pointerId));
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('dblclick', () => this.change(0, 0, 1));
    zoomInput.addEventListener('input', () => this.change(0, 0, Number(zoomInput.value)));
  }

  get hasSource(): boolean {
    return this.source !== undefined;
  }

  /** Shows another image from its centre, and closes the previous one. */
  show(source: Source | undefined): void {
    if (this.source !== undefined && this.source !== source) closeImage(this.source);
    this.source = source;
    this.centre = { x: (source?.width ?? 0) / 2, y: (source?.height ?? 0) / 2 };
    this.zoom = 1;
    this.zoomInput.value = '1';
    this.draw();
  }

  /** Returns the chosen square at `size` px. @throws Error if there is no image. */
  square(size: number): HTMLCanvasElement {
    if (this.source === undefined) throw new Error('There is no picture yet.');
    return squareOf(this.source, this.place(this.source), size);
  }

  /** Draws the current source; for a video, call it for every frame. */
  draw(): void {
    if (this.source === undefined) return;
    const { left, top, side } = this.place(this.source);
    const { width } = this.canvas;
    contextOf(this.canvas).drawImage(this.source.image, left, top, side, side, 0, 0, width, width);
  }

  private place({ width, height }: Source): Square {
    const side = Math.min(width, height) / this.zoom;
    const within = (centre: number, length: number): number =>
      Math.min(Math.max(centre - side / 2, 0), length - side);
    return { left: within(this.centre.x, width), top: within(this.centre.y, height), side };
  }

  /** Moves the square by shares of its side, and sets the zoom. */
  private change(right: number, down: number, zoom = this.zoom): void {
    if (this.source === undefined) return;
    const { left, top, side } = this.place(this.source);
    this.centre = { x: left + side / 2 + right * side, y: top + side / 2 + down * side };
    this.zoom = Math.min(Math.max(zoom, 1), Number(this.zoomInput.max));
    const placed = this.place(this.source);
    this.centre = { x: placed.left + placed.side / 2, y: placed.top + placed.side / 2 };
    this.zoomInput.value = String(this.zoom);
    this.draw();
    clearTimeout(this.settling);
    this.settling = setTimeout(this.onSettled, SETTLE_MILLISECONDS) as unknown as number;
  }

  private drag(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    const width = this.canvas.clientWidth;
    if (other === undefined) {
      this.change((before.x - now.x) / width, (before.y - now.y) / width);
      return;
    }
    const apart = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y);
    this.change(0, 0, this.zoom * (apart(now) / Math.max(1, apart(before))));
  }

  private key(event: KeyboardEvent): void {
    const moves: Record<string, () => void> = {
      ArrowLeft: () => this.change(-STEP, 0),
      ArrowRight: () => this.change(STEP, 0),
      ArrowUp: () => this.change(0, -STEP),
      ArrowDown: () => this.change(0, STEP),
      '+': () => this.change(0, 0, this.zoom * ZOOM_STEP),
      '=': () => this.change(0, 0, this.zoom * ZOOM_STEP),
      '-': () => this.change(0, 0, this.zoom / ZOOM_STEP),
    };
    const move = event.ctrlKey || event.metaKey ? undefined : moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  }
}
