// The page's state, and its reactions to every change.
import { centreSquare, type Square } from '../../src/base/geometry.js';
import type { WebBackend } from '../../src/browser/web.js';
import type { Direction } from '../../src/translate/translator.js';
import { Camera } from './camera.js';
import { CameraControls } from './camera-controls.js';
import { Compare } from './compare.js';
import { CropView } from './crop-view.js';
import { announce, byId, saveCanvas } from './dom.js';
import { Engine, StoppedError } from './engine.js';
import { FaceSearch } from './face-search.js';
import { pixelsOf, type Source, turned } from './images.js';
import type { ModelInfo, ModelSource, Tasks } from './messages.js';
import { pastedBack } from './paste-back.js';
import { type Result, Results } from './results.js';
import { StatusLine } from './status.js';
import { BLEND_INDEX, StyleSource } from './style-source.js';

type Content = Tasks['encode']['answer']['content'];

/** Holds the state of the page, and updates the results after every change. */
export class App {
  readonly status = new StatusLine();
  readonly styles = new StyleSource(
    () => this.restyle(),
    () => this.reblend(),
  );
  private readonly crop = new CropView(() => {
    this.faces.release();
    this.retake();
  });
  private readonly faces = new FaceSearch(this.crop, {
    engine: () => this.engine,
    size: () => this.model?.architecture.size,
    onFramed: () => this.retake(),
  });
  private readonly compare = new Compare();
  private readonly results = new Results(
    () => this.showSelected(),
    (result) => `${this.nameOf(result)}.png`,
  );
  private readonly camera = new CameraControls(() => `${this.imageName}_${this.origin}`);
  private engine = this.newEngine();
  private isStarted = false;
  private model: ModelInfo | undefined;
  /** Source of the model that is loaded or being loaded. */
  private source: ModelSource | undefined;
  private content: Content | undefined;
  private imageName = 'picture';
  /** What the results were translated from. */
  private used: { source: Source; square: Square } | undefined;
  /** Number of the current job; work with an older number is obsolete. */
  private job = 0;
  private isBlending = false;
  /** Number of loads in progress. */
  private loading = 0;
  /** Whether the comparison shows the camera instead of the selected result. */
  private isLiveShown = false;

  get direction(): Direction {
    return byId<HTMLInputElement>('direction-b2a').checked ? 'B2A' : 'A2B';
  }

  /** Starts the chosen backend, or the fastest that works, and reloads the model if there was one. */
  async start(choice: WebBackend | 'auto'): Promise<void> {
    if (this.isStarted) {
      this.engine.close();
      this.engine = this.newEngine();
      this.model = undefined;
      this.content = undefined;
    }
    this.isStarted = true;
    const { engine } = this;
    const chosen = choice === 'auto' ? {} : { backend: choice };
    const info = await engine.run('engine', chosen, (text) => this.status.busy(text));
    this.status.engine(info);
    this.status.idle();
    if (this.source !== undefined) await this.load(this.source);
  }

  /** Loads a model; if that fails, the previous one stays. @throws Error that says what is wrong with it. */
  async load(source: ModelSource): Promise<void> {
    const previous = this.source;
    this.source = source;
    this.loading++;
    try {
      const info = await this.engine.run('model', source, (text, share) => this.status.busy(text, share));
      this.model = info;
      this.styles.forget();
      this.status.model(info);
      this.faces.reframe();
      announce('The model is loaded.');
    } catch (error) {
      if (!(error instanceof StoppedError)) this.source = previous;
      throw error;
    } finally {
      this.loading--;
      this.status.idle();
    }
    this.retake();
  }

  /** Shows another image. */
  open(source: Source, name: string): void {
    this.stopCamera();
    this.imageName = name.replace(/\.[^.]*$/, '') || 'picture';
    this.showSource(source);
    this.faces.start();
    this.retake();
  }

  /** Reacts to the switch: frames the face, or the centre. */
  changeFinding(): void {
    const { shown } = this.crop;
    if (shown === undefined) return;
    this.crop.place = centreSquare(shown);
    this.faces.forget();
    if (this.camera.current === undefined) this.faces.start();
    this.retake();
  }

  /** Turns the picture clockwise by 90 degrees. */
  turn(): void {
    const { shown } = this.crop;
    if (shown === undefined || this.camera.current !== undefined) return;
    this.showSource(turned(shown, 1));
    this.faces.start(false);
    this.retake();
  }

  changeDirection(): void {
    this.styles.forget();
    this.retake();
  }

  /** Saves the image that is compared with the input. */
  saveShown(): void {
    if (this.isLiveShown) saveCanvas(this.compare.result, `${this.imageName}_${this.origin}.png`);
    else this.results.save(this.results.selected);
  }

  /** Saves the whole photo with the selected result in the place of the part that was translated. */
  async savePhoto(): Promise<void> {
    const { used } = this;
    const result = this.results.all[this.results.selected];
    if (used === undefined || result?.image === undefined || this.camera.current !== undefined) return;
    const canvas = await pastedBack(used.source, used.square, result.image);
    const isJpeg = used.source.original?.file.type === 'image/jpeg';
    saveCanvas(canvas, `${this.nameOf(result)}_photo.${isJpeg ? 'jpg' : 'png'}`);
  }

  async startCamera(video: HTMLVideoElement): Promise<void> {
    const camera = await Camera.start(video, (message) => {
      if (camera !== this.camera.current) return;
      this.stopCamera();
      this.status.fail(message);
    });
    this.stopCamera();
    this.imageName = 'camera';
    this.camera.use(camera);
    this.showSource(camera.source);
    this.retake();
    await this.live(camera);
  }

  async takePhoto(): Promise<void> {
    const source = await this.camera.current?.capture();
    if (source !== undefined) this.open(source, 'camera');
  }

  stopCamera(): void {
    this.guard(this.camera.stop());
  }

  toggleRecording(): void {
    this.guard(this.camera.toggleRecording(this.model?.architecture.size));
  }

  /** Runs work in the background, and shows its error. */
  guard(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof StoppedError)) this.status.fail(error);
    });
  }

  private nameOf({ label }: Result): string {
    return `${this.imageName}_${label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}_${this.origin}`;
  }

  private get origin(): string {
    return this.styles.mode === 'reference' ? 'reference' : `seed-${this.styles.seed}`;
  }

  private showSource(source: Source): void {
    byId('photo').hidden = false;
    byId('drop-hint').hidden = true;
    byId('zoom-controls').hidden = false;
    byId('drop').classList.add('filled');
    this.faces.forget();
    this.crop.show(source);
  }

  private newEngine(): Engine {
    return new Engine(({ engine, error }) => {
      if (error !== undefined) return this.status.fail(error);
      this.status.moved(engine);
      // The chosen backend is gone; choosing it again tries it again.
      byId<HTMLSelectElement>('backend').value = 'auto';
    });
  }

  /** Reacts to another image, or another crop. */
  private retake(): void {
    this.content = undefined;
    this.restyle();
  }

  /** Reacts to other styles. */
  private restyle(): void {
    this.guard(this.translate());
  }

  /** Encodes the image if it has changed, and decodes it in all styles, the selected one first. */
  private async translate(): Promise<void> {
    const job = ++this.job;
    const isOvertaken = (): boolean => job !== this.job;
    const { engine, model, direction } = this;
    if (model === undefined || this.crop.shown === undefined) return;
    const { size, latentDim } = model.architecture;
    this.status.clear();
    this.status.busy('Translating');
    const from = performance.now();
    try {
      await this.faces.wait();
      if (isOvertaken()) return;
      const content = this.content ?? (await this.encode(size));
      if (isOvertaken()) return;
      this.content = content;
      const styles = await this.styles.results(engine, direction, size, latentDim);
      if (isOvertaken()) return;
      this.results.set(styles);
      const order = styles.map((_, i) => i).sort((a, b) => this.rank(a) - this.rank(b));
      for (const index of order) {
        const { image, milliseconds } = await engine.run('decode', {
          content,
          style: styles[index]!.style,
        });
        if (isOvertaken()) return;
        this.status.time(milliseconds);
        this.show(index, image);
      }
      const seconds = ((performance.now() - from) / 1000).toFixed(1);
      announce(`${styles.length} ${styles.length === 1 ? 'result' : 'results'} after ${seconds} seconds.`);
    } catch (error) {
      // Codes of the previous model fail with one that was loaded meanwhile; loading it translates again.
      if (!isOvertaken() && this.loading === 0) throw error;
    } finally {
      if (!isOvertaken()) this.status.idle();
    }
  }

  private rank(index: number): number {
    return index === this.results.selected ? -1 : index;
  }

  private async encode(size: number): Promise<Content> {
    const { shown, place } = this.crop;
    this.used = shown && { source: shown, square: place };
    const square = this.crop.crop(size);
    this.compare.showInput(square);
    const { direction } = this;
    const { content } = await this.engine.run('encode', { direction, pixels: pixelsOf(square) });
    return content;
  }

  private show(index: number, image: Float32Array): void {
    this.results.show(index, image);
    if (index === this.results.selected) this.showSelected();
    if (this.styles.mode === 'pad' && index > BLEND_INDEX) this.styles.pad.showCorner(index - 1, image);
  }

  private showSelected(): void {
    const result = this.results.all[this.results.selected];
    if (result?.image === undefined || this.camera.current !== undefined) return;
    this.compare.showResult(result.image, result.label);
    this.isLiveShown = false;
    byId<HTMLButtonElement>('save').disabled = false;
    byId<HTMLButtonElement>('save-photo').disabled = false;
  }

  /** Decodes the blend again after a move of the knob; further moves meanwhile cause one more decoding. */
  private reblend(): void {
    const blend = this.results.all[BLEND_INDEX];
    if (this.styles.mode !== 'pad' || blend === undefined || this.content === undefined) return;
    blend.style = this.styles.blended();
    if (!this.isBlending) this.guard(this.decodeBlend());
  }

  private async decodeBlend(): Promise<void> {
    this.isBlending = true;
    const { job: startJob } = this;
    try {
      for (let done: Float32Array | undefined; ; ) {
        const blend = this.results.all[BLEND_INDEX];
        const { content, job } = this;
        if (content === undefined || blend === undefined || blend.style === done) return;
        done = blend.style;
        const { image, milliseconds } = await this.engine.run('decode', { content, style: done });
        if (job !== this.job) return;
        this.status.time(milliseconds);
        this.show(BLEND_INDEX, image);
      }
    } catch (error) {
      if (startJob === this.job && this.loading === 0) throw error;
    } finally {
      this.isBlending = false;
    }
  }

  /** Translates frame by frame in the selected style until the camera is off. Errors end it, unless a change caused them. */
  private async live(camera: Camera): Promise<void> {
    while (camera === this.camera.current) {
      const { model } = this;
      this.crop.draw();
      this.faces.follow();
      try {
        if (model !== undefined && this.loading === 0) await this.translateFrame(camera, model);
      } catch (error) {
        // Another engine or model replaced this frame's; it translates the next one.
        const isOvertaken = error instanceof StoppedError || this.loading > 0 || model !== this.model;
        if (!isOvertaken) {
          if (camera === this.camera.current) this.stopCamera();
          throw error;
        }
      }
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }

  private async translateFrame(camera: Camera, { architecture }: ModelInfo): Promise<void> {
    const from = performance.now();
    const style = this.results.all[this.results.selected]?.style;
    if (style?.length !== architecture.latentDim) return;
    const content = await this.encode(architecture.size);
    const { image } = await this.engine.run('decode', { content, style });
    if (camera !== this.camera.current) return;
    this.content = content;
    this.compare.showResult(image, 'what the camera sees');
    this.isLiveShown = true;
    byId<HTMLButtonElement>('save').disabled = false;
    this.camera.record(this.compare.result);
    this.status.frame(performance.now() - from);
  }
}
