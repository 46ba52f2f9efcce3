// The status line and the error message of the page.
import { messageOf } from '../../src/base/errors.js';
import type { WebEngine } from '../../src/browser/engine-session.js';
import { backendName } from './backends.js';
import { announce, byId, make } from './dom.js';
import type { ModelInfo } from './messages.js';

const MEGABYTE = 1e6;

function milliseconds(time: number): string {
  return time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`;
}

/** Shows the backend, the size of images and the time for one, and errors above. */
export class StatusLine {
  private readonly line = byId('engine');
  private readonly bar = byId<HTMLProgressElement>('progress');
  private readonly error = byId('error');
  private readonly note = byId('engine-note');
  private engineText = '';
  private sizeText = '';
  private timeText = '';

  /** Shows that work is in progress. @param share from 0 to 1, if known. */
  busy(text: string, share?: number): void {
    this.bar.hidden = false;
    if (share === undefined) this.bar.removeAttribute('value');
    else this.bar.value = share;
    if (this.sizeText === '') this.line.textContent = `${text}…`;
  }

  idle(): void {
    this.bar.hidden = true;
    this.showLine();
  }

  engine({ backend, detail, skipped }: WebEngine): void {
    this.engineText = `${backendName(backend)}${detail ? ` (${detail})` : ''}`;
    const reasons = skipped.map(({ backend: other, reason }) =>
      make('li', {}, `${backendName(other)}: ${reason}.`),
    );
    byId('skipped-backends').hidden = reasons.length === 0;
    byId('skipped-backends')
      .querySelector('ul')!
      .replaceChildren(...reasons);
    this.timeText = '';
    this.note.hidden = true;
    this.showLine();
  }

  /** Shows that the GPU is gone, and what goes on. */
  moved(engine: WebEngine): void {
    this.engine(engine);
    const text = `The browser took the GPU away, so ${backendName(engine.backend)} goes on. Choose another under “Computes on” to try it again.`;
    this.note.textContent = text;
    this.note.hidden = false;
    announce(text);
  }

  model({ architecture, parameters, bytes }: ModelInfo): void {
    this.sizeText = `${architecture.size} px`;
    this.timeText = '';
    byId('model-info').textContent =
      `${architecture.size} × ${architecture.size} px, ${(parameters / MEGABYTE).toFixed(1)} million numbers, ` +
      `${(bytes / MEGABYTE).toFixed(1)} MB.`;
    this.showLine();
  }

  /** Shows that there is no model beside the page. */
  noModel(): void {
    byId('model-info').textContent =
      'There is none beside this page. Open a folder that gnr export has written, or enter its address.';
    this.line.textContent = `${this.engineText}. There is no model yet: open one.`;
  }

  /** Shows the time to decode one image, milliseconds. */
  time(taken: number): void {
    this.timeText = `${milliseconds(taken)} an image`;
    this.showLine();
  }

  /** Shows the time for one frame of the camera, milliseconds. */
  frame(taken: number): void {
    this.timeText = `${milliseconds(taken)} a frame`;
    this.showLine();
  }

  fail(error: unknown): void {
    this.error.textContent = messageOf(error);
    this.error.hidden = false;
    this.bar.hidden = true;
    this.error.scrollIntoView({ block: 'nearest' });
  }

  /** Hides an earlier error. */
  clear(): void {
    this.error.hidden = true;
  }

  private showLine(): void {
    const parts = [this.engineText, this.sizeText, this.timeText].filter((part) => part !== '');
    if (parts.length > 0) this.line.textContent = parts.join(' · ');
  }
}
