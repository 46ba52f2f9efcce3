import { InputError } from '../base/errors.js';
import { chosenDirection, chosenStyles, type StyleOptions } from '../images/library-styles.js';
import type { Architecture } from '../model/architecture.js';
import { EagerTranslator } from '../translate/eager-translator.js';
import type { ContentCodes, Direction } from '../translate/translator.js';
import { imageDataOf } from './image-output.js';
import { type ImageSource, readImage } from './image-source.js';
import { chosenFiles, filesAt, filesOf, type ModelFiles } from './model-files.js';
import type { WasmPaths, WebBackend } from './web.js';
import { loadWebModel } from './web-bundle.js';
import { claimWebEngine, type WebEngine } from './web-engine.js';

/**
 * Where a model is: the address of a web bundle or of an exported model folder (or of its `bundle.json`, `config.json` or
 * `model.safetensors`), or its files, as a person chose them or by name.
 */
export type ModelSource =
  | string
  | URL
  | FileList
  | readonly File[]
  | ReadonlyMap<string, Blob>
  | Readonly<Record<string, Blob>>;

/** How loading gets on. */
export type LoadProgress =
  | {
      /** A backend is tried. */
      readonly phase: 'backend';
      /** Which. */
      readonly backend: WebBackend;
    }
  | {
      /** The weights are read. */
      readonly phase: 'weights';
      /** What has come of them. */
      readonly doneBytes: number;
      /** All of them, where that is known. */
      readonly totalBytes: number | undefined;
    };

/** How `loadModel` loads. */
export interface LoadOptions {
  /**
   * What computes. Where left out: the tfjs backend that is in use already, or the first of WebGPU, WebGL and WASM that
   * starts and computes right; graphics that a processor only imitates are then left out. A page or a worker has one
   * backend at a time.
   */
  backend?: WebBackend | undefined;
  /** Where the binaries of `@tensorflow/tfjs-backend-wasm` are, by their names, or their folder: needed with bundlers. */
  wasmPaths?: WasmPaths | undefined;
  /** Is told how it gets on. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * The engine room of a model in a browser. Images are `[n, size, size, 3]` in [-1, 1], styles `[n, latentDim]`.
 *
 * All methods reject with RangeError for arrays of a wrong length, and after `dispose`.
 */
export interface WebTranslator {
  /** What the network is like. */
  readonly architecture: Architecture;
  /** Content codes of images, to be decoded in the same direction, in as many styles as you like. */
  encode(direction: Direction, images: Float32Array): Promise<ContentCodes>;
  /** Images of content codes, with one style each. */
  decode(content: ContentCodes, styles: Float32Array): Promise<Float32Array>;
  /** Style codes of images of the domain that `direction` translates to. */
  styleOf(direction: Direction, images: Float32Array): Promise<Float32Array>;
}

/** A trained model, ready to translate. */
export interface Model {
  /** Side of its images, px. */
  readonly size: number;
  /** Numbers of a style code. */
  readonly styleLength: number;
  /** What computes. */
  readonly engine: WebEngine;
  /** The engine room, for what `translate` does not offer: numbers in place of 8-bit images, one encoding for many styles. */
  readonly translator: WebTranslator;
  /** Frees its memory; it translates no more. */
  dispose(): void;
}

function addressed(source: string | URL): ModelFiles {
  try {
    return filesAt(new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href).href);
  } catch (error) {
    throw new InputError(
      { expected: 'the address of a model', found: `${source}`, remedy: 'give a whole one, with https:' },
      { cause: error },
    );
  }
}

function filesFrom(source: ModelSource): ModelFiles {
  if (typeof source === 'string' || source instanceof URL) return addressed(source);
  const isList = Array.isArray(source) || (typeof FileList !== 'undefined' && source instanceof FileList);
  const files = isList
    ? chosenFiles(source as ArrayLike<File>)
    : [...(source instanceof Map ? source : Object.entries(source))].map(([path, file]) => ({ path, file }));
  if (files.every(({ path, file }) => typeof path === 'string' && file instanceof Blob))
    return filesOf(files, 'the given files');
  throw new InputError({
    expected: 'the files of a model, or blobs by name',
    found: 'something else among them',
    remedy: 'give those of an exported model',
  });
}

/**
 * Loads an exported model in a browser, in a page or a worker. The first call starts a tfjs backend.
 *
 * @param source a web bundle (`gnr export --format tfjs`) or a model folder (`gnr export --format safetensors`).
 * @throws InputError naming what is missing or damaged, and the remedy; the signal's reason where it was stopped.
 * @example
 * ```ts
 * import { loadModel } from 'gans-n-roses/web';
 *
 * const model = await loadModel('models/first/', {
 *   onProgress: (progress) => {
 *     if (progress.phase === 'weights') console.log(`${progress.doneBytes} bytes`);
 *   },
 * });
 * console.log(`computes on ${model.engine.backend}`);
 * ```
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { backend, wasmPaths, onProgress, signal } = options;
  signal?.throwIfAborted();
  const files = filesFrom(source);
  const { engine, release } = await claimWebEngine({
    backend,
    ...(wasmPaths !== undefined && { wasmPaths }),
    onTry: (tried) => onProgress?.({ phase: 'backend', backend: tried }),
  });
  try {
    signal?.throwIfAborted();
    const { architecture, values } = await loadWebModel(files, {
      onProgress: (doneBytes, totalBytes) => onProgress?.({ phase: 'weights', doneBytes, totalBytes }),
      signal,
    });
    signal?.throwIfAborted();
    const translator = EagerTranslator.fromValues(architecture, values);
    return {
      size: architecture.size,
      styleLength: architecture.latentDim,
      engine,
      translator: {
        architecture,
        encode: (direction, images) => translator.encodeAsync(direction, images),
        decode: (content, styles) => translator.decodeAsync(content, styles),
        styleOf: (direction, images) => translator.styleOfAsync(direction, images),
      },
      dispose() {
        translator.dispose();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** How `translate` translates. */
export interface TranslateOptions extends StyleOptions {
  /** An image whose style is taken, in place of `styles`. */
  styleOf?: ImageSource | undefined;
  /** Is told how many images are made, of how many. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops it, between two images. */
  signal?: AbortSignal | undefined;
}

/** An image in one style. */
export interface Translation {
  /** `size` x `size` px, for a canvas's `putImageData`. */
  image: ImageData;
  /** The style code that it was made with, for `styles` of further calls, in Node too. */
  style: Float32Array;
}

/** Lets the page draw and hear: what computes on the processor would hold it until all is done. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/**
 * Translates an image, cropped to a centred square, in one style or several.
 *
 * @param source anything that `createImageBitmap` takes: a file, an image or a video that has loaded, a canvas, image data.
 *   It is scaled by the browser, a little otherwise than in Node.
 * @returns an image for each style, in their order.
 * @throws InputError for an image that cannot be read and styles that do not fit; RangeError after `dispose`; the signal's
 *   reason where it was stopped.
 * @example
 * ```ts
 * import { loadModel, translate } from 'gans-n-roses/web';
 *
 * const model = await loadModel('models/first/');
 * const photo = document.querySelector('img')!;
 * for (const { image } of await translate(model, photo, { styles: 4, seed: 1 })) {
 *   const canvas = document.createElement('canvas');
 *   canvas.width = canvas.height = model.size;
 *   canvas.getContext('2d')!.putImageData(image, 0, 0);
 *   document.body.append(canvas);
 * }
 * model.dispose();
 * ```
 */
export async function translate(
  { translator, size, styleLength }: Model,
  source: ImageSource,
  options: TranslateOptions = {},
): Promise<Translation[]> {
  const { styleOf, onProgress, signal } = options;
  signal?.throwIfAborted();
  const direction = chosenDirection(options);
  const styles =
    styleOf === undefined
      ? chosenStyles(options, styleLength)
      : [await translator.styleOf(direction, await readImage(styleOf, size))];
  const content = await translator.encode(direction, await readImage(source, size));
  const translations: Translation[] = [];
  for (const style of styles) {
    await nextTurn();
    signal?.throwIfAborted();
    const image = imageDataOf(await translator.decode(content, style));
    translations.push({ image, style });
    onProgress?.(translations.length, styles.length);
  }
  return translations;
}
