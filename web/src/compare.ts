// Compares input and result on top of each other.
import { contextOf } from '../../src/browser/image-output.js';
import { byId, paintImage } from './dom.js';

/** Shows input and result on top of each other, with a divider that a native slider moves. */
export class Compare {
  readonly result = byId<HTMLCanvasElement>('result');
  private readonly input = byId<HTMLCanvasElement>('input');
  private readonly frame = byId('compare');
  private readonly slider = byId<HTMLInputElement>('compare-at');

  constructor() {
    const move = (): void => this.frame.style.setProperty('--at', `${this.slider.value}%`);
    this.slider.addEventListener('input', move);
    move();
  }

  showInput(square: HTMLCanvasElement): void {
    this.input.width = square.width;
    this.input.height = square.height;
    contextOf(this.input).drawImage(square, 0, 0);
  }

  showResult(image: Float32Array, label: string): void {
    paintImage(this.result, image);
    this.result.setAttribute('aria-label', `The result: ${label}`);
    this.frame.classList.remove('empty');
    this.slider.disabled = false;
  }
}
