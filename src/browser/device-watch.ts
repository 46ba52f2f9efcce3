// Notices when the browser takes the GPU away from a tfjs backend, so that no result of the lost GPU is used.
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../base/errors.js';

/** WebGPU rejects the work in flight shortly before it reports the loss. */
const GRACE_MILLISECONDS = 500;

/** The kinds of errors that WebGL keeps. */
const ERROR_KINDS = 6;

const TAKEN = 'the browser took the GPU away';
const TOO_LITTLE_MEMORY = 'the GPU has too little memory';

interface GraphicsDevice {
  readonly lost: Promise<{ message?: string }>;
  addEventListener?(type: 'uncapturederror', listener: (event: { error: object }) => void): void;
}

/** The parts of tfjs's WebGL and WebGPU backends that tell of a loss. */
interface GraphicsBackend {
  gpgpu?: { gl: WebGL2RenderingContext; itemsToPoll?: unknown[] };
  device?: GraphicsDevice;
}

/** The device was lost while work was in flight. */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
}

/** Lets the page draw and handle events, which computation on the CPU would block until the end. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Whether a context has run out of memory since the last call. It keeps one error of each kind. */
function lacksMemory(gl: WebGL2RenderingContext): boolean {
  for (let kinds = 0; kinds < ERROR_KINDS; kinds++) {
    const error = gl.getError();
    if (error === gl.OUT_OF_MEMORY) return true;
    if (error === gl.NO_ERROR) return false;
  }
  return false;
}

/** Watches the device of the tfjs backend in use: the context of WebGL, or the device of WebGPU. Other backends have none. */
export class DeviceWatch {
  /** Whether the backend has a device. */
  readonly canBeLost: boolean;
  private readonly gpgpu: GraphicsBackend['gpgpu'];
  private readonly listeners = new Set<(reason: string) => void>();
  private reason: string | undefined;
  private isClosed = false;

  constructor() {
    const { gpgpu, device } = tf.backend() as GraphicsBackend;
    this.gpgpu = gpgpu;
    this.canBeLost = gpgpu !== undefined || device !== undefined;
    // The event comes once: a browser may give the context back, empty.
    gpgpu?.gl.canvas.addEventListener('webglcontextlost', () => this.lose(TAKEN));
    void device?.lost.then(({ message }) => this.lose(message ? `${TAKEN} (${message.trim()})` : TAKEN));
    device?.addEventListener?.('uncapturederror', ({ error }) => {
      // Other errors are warnings as a rule, and the self-test finds the rest.
      if (Object.prototype.toString.call(error) === '[object GPUOutOfMemoryError]')
        this.lose(TOO_LITTLE_MEMORY);
    });
  }

  /** Calls back once the device is lost. @returns a function that cancels it. */
  onLoss(listener: (reason: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Runs work on the device, and waits for it no longer than the device lasts.
   *
   * @throws DeviceLostError if the device was lost before the end of the work; whatever the work then gives is void.
   */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    this.assertThere();
    let forget = (): void => undefined;
    const lost = new Promise<never>((_, reject) => {
      forget = this.onLoss((reason) => reject(new DeviceLostError(reason)));
    });
    try {
      const value = await Promise.race([lost, work()]);
      if (this.canBeLost) await nextTurn();
      this.assertThere();
      return value;
    } catch (error) {
      const isOwn =
        error instanceof DeviceLostError || error instanceof InputError || error instanceof RangeError;
      if (this.canBeLost && !isOwn) await this.grace();
      this.assertThere();
      throw error;
    } finally {
      forget();
    }
  }

  /** Ends watching. */
  close(): void {
    this.isClosed = true;
    this.listeners.clear();
  }

  /** @throws DeviceLostError if the device is lost. */
  private assertThere(): void {
    const gl = this.gpgpu?.gl;
    if (gl !== undefined && this.reason === undefined) {
      if (gl.isContextLost()) this.lose(TAKEN);
      // What a GPU without memory left out reads as zeros.
      else if (lacksMemory(gl)) this.lose(TOO_LITTLE_MEMORY);
    }
    if (this.reason !== undefined) throw new DeviceLostError(this.reason);
  }

  private async grace(): Promise<void> {
    if (this.reason !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GRACE_MILLISECONDS);
      this.onLoss(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private lose(reason: string): void {
    if (this.isClosed || this.reason !== undefined) return;
    this.reason = reason;
    // tfjs would ask a lost context forever whether it is done.
    if (this.gpgpu?.itemsToPoll !== undefined) this.gpgpu.itemsToPoll = [];
    // Listeners may close the watch.
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener(reason);
  }
}
