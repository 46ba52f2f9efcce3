// The list of results.
import { byId, make, paintImage, saveCanvas } from './dom.js';

/** One result: a style and, once computed, the image in it. */
export interface Result {
  label: string;
  style: Float32Array;
  image?: Float32Array;
}

interface Tile {
  item: HTMLLIElement;
  button: HTMLButtonElement;
  canvas: HTMLCanvasElement;
  name: HTMLElement;
  save: HTMLButtonElement;
}

/** Shows the results as a list of buttons; the pressed one is compared with the input. */
export class Results {
  private readonly list = byId('results');
  private readonly tiles: Tile[] = [];
  private items: Result[] = [];
  private chosen = 0;

  /** @param onChoose called when the person chooses a result. @param fileName returns the file name for saving a result. */
  constructor(
    private readonly onChoose: () => void,
    private readonly fileName: (result: Result) => string,
  ) {}

  get all(): readonly Result[] {
    return this.items;
  }

  get selected(): number {
    return this.chosen;
  }

  /** Replaces the results. Previous images stay visible, dimmed, until the new ones are ready. */
  set(items: Result[]): void {
    this.items = items;
    this.chosen = Math.min(this.chosen, Math.max(0, items.length - 1));
    while (this.tiles.length > items.length) this.tiles.pop()!.item.remove();
    while (this.tiles.length < items.length) this.addTile();
    for (const [index, { image }] of items.entries()) {
      if (image) this.show(index, image);
      else this.tiles[index]!.button.classList.add('waiting');
      this.name(index);
    }
    this.mark();
  }

  /** Shows a computed image. */
  show(index: number, image: Float32Array): void {
    const tile = this.tiles[index];
    const item = this.items[index];
    if (tile === undefined || item === undefined) return;
    item.image = image;
    paintImage(tile.canvas, image);
    tile.button.classList.remove('waiting');
    tile.save.disabled = false;
  }

  save(index: number): void {
    const item = this.items[index];
    if (item?.image) saveCanvas(this.tiles[index]!.canvas, this.fileName(item));
  }

  private addTile(): void {
    const index = this.tiles.length;
    const canvas = make('canvas', { width: 64, height: 64 });
    const button = make('button', { type: 'button', className: 'tile waiting' }, canvas);
    button.addEventListener('click', () => {
      this.chosen = index;
      this.mark();
      this.onChoose();
    });
    const name = make('span');
    const save = make('button', { type: 'button', disabled: true }, 'Save');
    save.addEventListener('click', () => this.save(index));
    const item = make('li', {}, button, make('div', { className: 'caption' }, name, save));
    this.list.append(item);
    this.tiles.push({ item, button, canvas, name, save });
  }

  private name(index: number): void {
    const { label } = this.items[index]!;
    const { button, name, save } = this.tiles[index]!;
    name.textContent = label;
    button.setAttribute('aria-label', `Compare ${label} with the input`);
    save.setAttribute('aria-label', `Save ${label}`);
  }

  private mark(): void {
    for (const [index, { button }] of this.tiles.entries())
      button.setAttribute('aria-pressed', String(index === this.chosen));
  }
}
