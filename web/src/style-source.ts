// The controls that choose styles, and the styles that they stand for.
import { centreSquare } from '../../src/base/geometry.js';
import { type Direction, randomStyleCodes } from '../../src/translate/translator.js';
import { byId, make } from './dom.js';
import type { Engine } from './engine.js';
import { pixelsOf, type Source, squareOf } from './images.js';
import type { Result } from './results.js';
import { blend, StylePad } from './style-pad.js';

/** The source of styles: a seed, reference images, or a blend of four. */
export type Mode = 'random' | 'reference' | 'pad';

const RANDOM_STYLES = 6;
const CORNERS = ['Corner 1', 'Corner 2', 'Corner 3', 'Corner 4'];
export const BLEND_INDEX = 0;

interface Reference {
  name: string;
  source: Source;
}

/** Reads the style controls, and makes the styles that they stand for. */
export class StyleSource {
  readonly pad: StylePad;
  private readonly seedInput = byId<HTMLInputElement>('seed');
  private readonly strengthInput = byId<HTMLInputElement>('strength');
  private references: Reference[] = [];
  private kept: Result[] = [];
  private corners: Float32Array[] = [];

  /**
   * @param onChange called when other styles are chosen. @param onBlend called when only the place on the pad has changed.
   */
  constructor(
    private readonly onChange: () => void,
    onBlend: () => void,
  ) {
    this.pad = new StylePad(byId('pad'), byId('knob'), onBlend);
    for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="mode"]'))
      radio.addEventListener('change', () => this.changed());
    this.seedInput.addEventListener('change', () => this.changed());
    byId('reroll').addEventListener('click', () => {
      this.seedInput.value = String(crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000);
      this.changed();
    });
    this.strengthInput.addEventListener('input', () => this.showStrength());
    this.strengthInput.addEventListener('change', () => this.changed());
    this.showControls();
  }

  get mode(): Mode {
    return document.querySelector<HTMLInputElement>('input[name="mode"]:checked')!.value as Mode;
  }

  get seed(): number {
    const seed = Math.trunc(Number(this.seedInput.value));
    return Number.isFinite(seed) ? Math.min(Math.max(seed, 0), 2 ** 32 - 1) : 0;
  }

  /** Returns the styles to show, with their names. */
  async results(engine: Engine, direction: Direction, size: number, latentDim: number): Promise<Result[]> {
    const strength = Number(this.strengthInput.value);
    if (this.mode === 'random')
      return randomStyleCodes(RANDOM_STYLES, this.seed, latentDim, strength).map((style, i) => ({
        label: `Style ${i + 1}`,
        style,
      }));
    if (this.mode === 'reference') {
      const results: Result[] = [];
      for (const { name, source } of this.references) {
        const pixels = pixelsOf(squareOf(source, centreSquare(source), size));
        results.push({ label: name, style: await engine.run('style', { direction, pixels }) });
      }
      return results;
    }
    this.corners = randomStyleCodes(CORNERS.length, this.seed, latentDim, strength);
    const corners = this.corners.map((style, i) => ({ label: CORNERS[i]!, style }));
    return [{ label: 'Blend', style: this.blended() }, ...corners, ...this.keptFor(latentDim)];
  }

  /** Returns the style at the pad's knob. */
  blended(): Float32Array {
    return blend(this.corners, this.pad.place);
  }

  /** Adds the current blend to the results. */
  keep(): void {
    if (this.corners.length === 0) return;
    this.kept.push({ label: `Blend ${this.kept.length + 1}`, style: this.blended() });
    this.onChange();
  }

  /** Forgets the kept blends, which are meaningless for another model or direction. */
  forget(): void {
    this.kept = [];
    this.corners = [];
  }

  addReferences(added: readonly Reference[]): void {
    this.references.push(...added);
    this.showReferences();
    byId('mode-reference').click();
    this.changed();
  }

  private keptFor(latentDim: number): Result[] {
    return this.kept
      .filter(({ style }) => style.length === latentDim)
      .map(({ label, style }) => ({ label, style }));
  }

  private changed(): void {
    this.seedInput.value = String(this.seed);
    this.showControls();
    this.onChange();
  }

  private showControls(): void {
    const { mode } = this;
    byId('seed-controls').hidden = mode === 'reference';
    byId('strength-label').hidden = mode === 'reference';
    byId('reference-controls').hidden = mode !== 'reference';
    byId('pad-controls').hidden = mode !== 'pad';
    this.showStrength();
  }

  private showStrength(): void {
    byId('strength-value').textContent = Number(this.strengthInput.value).toFixed(2);
  }

  private showReferences(): void {
    const items = this.references.map((reference) => {
      const remove = make('button', { type: 'button' }, 'Remove');
      remove.setAttribute('aria-label', `Remove ${reference.name}`);
      remove.addEventListener('click', () => {
        this.references = this.references.filter((each) => each !== reference);
        this.showReferences();
        byId('choose-reference').focus();
        this.onChange();
      });
      const { source, name } = reference;
      const image = squareOf(source, centreSquare(source), 112);
      image.setAttribute('role', 'img');
      image.setAttribute('aria-label', name);
      return make('li', {}, image, remove);
    });
    byId('references').replaceChildren(...items);
  }
}
