// Computes on a tfjs backend, and goes on with the next one when the browser takes the GPU away.
import { InputError, messageOf } from '../base/errors.js';
import { disposedError } from '../translate/translator.js';
import { DeviceLostError, type DeviceWatch } from './device-watch.js';
import { abandon, loadWebEngine, WEB_BACKENDS, type WebBackend, type WebEngineOptions } from './web.js';

/** A backend that was tried, or lost, and is not used. */
export interface SkippedBackend {
  /** Its name. */
  readonly backend: string;
  /** The reason. */
  readonly reason: string;
}

/** The engine that computes in a browser. It changes when the browser takes the GPU away, and another backend goes on. */
export interface WebEngine {
  /** Name of the tfjs backend: `webgpu`, `webgl`, `wasm`, or another one that the program has chosen. */
  readonly backend: string;
  /** Its hardware if known: "Intel UHD", "4 threads". */
  readonly detail: string;
  /** Backends that were tried before it, or lost, and why they are not used. */
  readonly skipped: readonly SkippedBackend[];
}

/** An engine that has started, and the watch of its device. */
export interface StartedEngine extends WebEngine {
  readonly watch: DeviceWatch;
}

/** Options for the backends that go on after a loss. */
export type SessionOptions = Pick<WebEngineOptions, 'wasmPaths' | 'onTry' | 'sources'>;

/** Something on the backend that is made again once another backend has taken over. */
export interface Resident<R> {
  /** Returns it, on the backend in use; call it within `EngineSession.compute`. @throws RangeError after `dispose`. */
  get(): R;
  dispose(): void;
}

/** Called after a loss, with the engine that goes on, or with the error that every further work gets. */
export type ChangeListener = (engine: WebEngine, error?: InputError) => void;

/** Runs work on the backend in use. Work whose device is lost is repeated on the next backend, and its results are right. */
export class EngineSession {
  /** The engine in use; the same object after a change. */
  readonly engine: WebEngine;
  private watch: DeviceWatch;
  /** Number of changes so far. */
  private changes = 0;
  private change: Promise<void> | undefined;
  private error: InputError | undefined;
  private readonly lost = new Set<string>();
  private readonly listeners = new Set<ChangeListener>();

  constructor(
    { watch, backend, detail, skipped }: StartedEngine,
    private readonly options: SessionOptions = {},
  ) {
    this.engine = { backend, detail, skipped };
    this.watch = watch;
    this.follow();
  }

  /** Whether the GPU was lost and nothing else works. */
  get hasFailed(): boolean {
    return this.error !== undefined;
  }

  /** Whether it computes on a backend, or in the place of one that was lost. */
  standsFor(backend: string): boolean {
    return backend === this.engine.backend || this.lost.has(backend);
  }

  /** Waits until a change that is in progress is over. */
  async settled(): Promise<void> {
    while (this.change !== undefined) await this.change;
  }

  /** Calls back after each loss. @returns a function that cancels it. */
  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Runs work on the backend in use. If its device is lost meanwhile, the work runs once more on the next backend, so it must
   * take its tensors from residents.
   *
   * @throws whatever the work throws; InputError if no backend is left.
   */
  async compute<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.settled();
      if (this.error !== undefined) throw this.error;
      const { watch } = this;
      try {
        return await watch.guard(work);
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error;
        this.replace(watch, error.message);
      }
    }
  }

  /** @param make makes tensors on the backend in use; it is kept only as long as that backend can be lost. */
  resident<R extends { dispose(): void }>(make: () => R): Resident<R> {
    let maker: (() => R) | undefined = make;
    let made: { value: R; changes: number } | undefined;
    const free = (): void => {
      try {
        made?.value.dispose();
      } catch {
        // Tensors of a lost device need not be freed.
      }
      made = undefined;
    };
    return {
      get: () => {
        if (made?.changes === this.changes) return made.value;
        free();
        if (maker === undefined) throw disposedError();
        made = { value: maker(), changes: this.changes };
        if (!this.watch.canBeLost) maker = undefined;
        return made.value;
      },
      dispose: () => {
        free();
        maker = undefined;
      },
    };
  }

  /** Ends watching, because another session takes over. */
  close(): void {
    this.watch.close();
    this.listeners.clear();
  }

  /** Does not wait for the next work, so that a person learns of the change, and the next image is not late. */
  private follow(): void {
    const { watch } = this;
    watch.onLoss((reason) => this.replace(watch, reason));
  }

  /** Starts the next backend, once for each loss. Never throws: `error` tells that none works. */
  private replace(lost: DeviceWatch, reason: string): void {
    if (lost !== this.watch || this.change !== undefined || this.error !== undefined) return;
    this.change = this.start(reason).finally(() => {
      this.change = undefined;
    });
  }

  private async start(reason: string): Promise<void> {
    const { backend: lost, skipped } = this.engine;
    this.watch.close();
    abandon(lost);
    this.lost.add(lost);
    const position = WEB_BACKENDS.indexOf(lost as WebBackend);
    const backends = position < 0 ? [] : WEB_BACKENDS.slice(position + 1);
    const left = [...skipped, { backend: lost, reason }];
    try {
      const next = await loadWebEngine({ ...this.options, backends });
      this.watch = next.watch;
      this.changes++;
      Object.assign(this.engine, {
        backend: next.backend,
        detail: next.detail,
        skipped: [...left, ...next.skipped],
      } satisfies WebEngine);
      this.follow();
      for (const listener of this.listeners) listener(this.engine);
    } catch (error) {
      const others = error instanceof InputError ? error.details.found : messageOf(error);
      this.error = new InputError(
        {
          expected: `${lost} to go on`,
          found: `that ${reason}, and nothing else computes here (${others})`,
          remedy: 'reload the page',
        },
        { cause: error },
      );
      for (const listener of this.listeners) listener(this.engine, this.error);
    }
  }
}
