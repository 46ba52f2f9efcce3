// The public library in browsers: loads a model and translates images with it.
import { InputError } from '../base/errors.js';
import { centreSquare, type Square } from '../base/geometry.js';
import { FACE_MODES, type FaceMode, faceSquares, isPrepared, wholePixels } from '../faces/square.js';
import { chosenDirection, chosenStyles, type StyleOptions } from '../images/library-styles.js';
import { nextTurn } from './device-watch.js';
import type { WebEngine } from './engine-session.js';
import { imageDataOf } from './image-output.js';
import { type ImageSource, type OpenedImage, openImageSource, readImage } from './image-source.js';
import { chosenFiles, filesAt, filesOf, type ModelFiles } from './model-files.js';
import { residentTranslator } from './resident-translator.js';
import type { WasmPaths, WebBackend } from './web.js';
import { loadWebModel } from './web-bundle.js';
import { claimWebEngine } from './web-engine.js';
import { type FaceFinder, facesOf } from './web-faces.js';
import type { WebTranslator } from './web-translator.js';

/**
 * The source of a model: the address of a web bundle or an exported model folder (or of its `bundle.json`, `config.json` or
 * `model.safetensors`), or its files, as a list or by name.
 */
export type ModelSource =
  | string
  | URL
  | FileList
  | readonly File[]
  | ReadonlyMap<string, Blob>
  | Readonly<Record<string, Blob>>;

/** Progress of loading. */
export type LoadProgress =
  | {
      /** A backend is being tried. */
      readonly phase: 'backend';
      /** The backend. */
      readonly backend: WebBackend;
    }
  | {
      /** The weights are being read. */
      readonly phase: 'weights';
      /** Bytes read so far. */
      readonly doneBytes: number;
      /** Total bytes if known. */
      readonly totalBytes: number | undefined;
    };

/** Options of `loadModel`. */
export interface LoadOptions {
  /**
   * The tfjs backend. By default the one in use, or else the first of WebGPU, WebGL and WASM that starts and computes correctly,
   * without GPU backends that the CPU emulates. A page or a worker has one backend at a time.
   */
  backend?: WebBackend | undefined;
  /** Addresses of the binaries of `@tensorflow/tfjs-backend-wasm` by name, or of their folder; needed with bundlers. */
  wasmPaths?: WasmPaths | undefined;
  /** Called with the progress. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /**
   * Called when the browser has taken the GPU away from the page, and the model goes on with the next backend: `engine.backend`
   * is its name, and the last words of `engine.skipped` say what happened. Work in flight is repeated there.
   */
  onBackendChange?: ((engine: WebEngine) => void) | undefined;
  /** Aborting stops loading. */
  signal?: AbortSignal | undefined;
}

/** A trained model, ready to translate. */
export interface Model {
  /** Side of the images that it makes, px. */
  readonly size: number;
  /** Length of a style code. */
  readonly styleLength: number;
  /** The engine that computes. */
  readonly engine: WebEngine;
  /**
   * The underlying translator, for what `translate` does not offer: floats instead of 8-bit images, one encoding for many
   * styles.
   */
  readonly translator: WebTranslator;
  /** Frees its memory; the model cannot be used afterwards. */
  dispose(): void;
}

function addressed(source: string | URL): ModelFiles {
  try {
    return filesAt(new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href).href);
  } catch (error) {
    throw new InputError(
      { expected: 'the address of a model', found: `${source}`, remedy: 'give a full address with https:' },
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
    remedy: 'pass the files of an exported model',
  });
}

/**
 * Loads an exported model in a browser, in a page or a worker. The first call starts a tfjs backend.
 *
 * @param source a web bundle (`gnr export --format tfjs`) or a model folder (`gnr export --format safetensors`).
 * @throws InputError that names what is missing or damaged, and the remedy; the signal's reason if it was aborted.
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
  const { backend, wasmPaths, onProgress, onBackendChange, signal } = options;
  signal?.throwIfAborted();
  const files = filesFrom(source);
  const { engine, session, release } = await claimWebEngine({
    backend,
    ...(wasmPaths !== undefined && { wasmPaths }),
    onTry: (tried) => onProgress?.({ phase: 'backend', backend: tried }),
  });
  const forget = session.onChange((now, error) => {
    if (error === undefined) onBackendChange?.(now);
  });
  try {
    signal?.throwIfAborted();
    const { architecture, values } = await loadWebModel(files, {
      onProgress: (doneBytes, totalBytes) => onProgress?.({ phase: 'weights', doneBytes, totalBytes }),
      signal,
    });
    signal?.throwIfAborted();
    const translator = await residentTranslator(session, architecture, values);
    return {
      size: architecture.size,
      styleLength: architecture.latentDim,
      engine,
      translator,
      dispose() {
        forget();
        translator.dispose();
        release();
      },
    };
  } catch (error) {
    forget();
    release();
    throw error;
  }
}

/** Options of `translate`. */
export interface TranslateOptions extends StyleOptions {
  /** An image whose style is used instead of `styles`. */
  styleOf?: ImageSource | undefined;
  /**
   * The part of the image that is translated: its largest face (`largest`), the same unless that fills the image (`auto`), each
   * of its faces (`all`), or a centred square (`off`, the default). An image without a face gives a centred square too.
   */
  face?: FaceMode | undefined;
  /** Finds the faces; needed with `face`. */
  faceFinder?: FaceFinder | undefined;
  /** Called with the number of finished images and their total. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Aborting stops the translation between two images. */
  signal?: AbortSignal | undefined;
}

/** A translation in one style. */
export interface Translation {
  /** `size` x `size` px, for a canvas's `putImageData`. */
  image: ImageData;
  /** Its style code, which can be passed as `styles` to further calls, in Node too. */
  style: Float32Array;
  /** The place of its face in the upright image, whole px; undefined if none was looked for or found. */
  square?: Square;
}

/** Returns the squares of the faces that are translated; none for the centre. */
async function squaresOf(
  image: OpenedImage,
  size: number,
  { face: mode = 'off', faceFinder }: TranslateOptions,
): Promise<Square[]> {
  if (!FACE_MODES.includes(mode))
    throw new InputError({
      expected: `face to be ${FACE_MODES.join(', ')}`,
      found: String(mode),
      remedy: 'change it',
    });
  if (mode === 'off' || (mode === 'auto' && isPrepared(image, size))) return [];
  if (faceFinder === undefined)
    throw new InputError({
      expected: `a faceFinder with face: '${mode}'`,
      found: 'none',
      remedy: 'pass what loadFaceFinder returns',
    });
  const faces = await facesOf(faceFinder, image);
  return faceSquares(mode, faces, image).map((square) => wholePixels(square, image));
}

/** Reads the parts of an image that are translated. */
async function cropsOf(
  source: ImageSource,
  size: number,
  options: TranslateOptions,
): Promise<{ pixels: Float32Array; square?: Square }[]> {
  const image = await openImageSource(source);
  try {
    const squares = await squaresOf(image, size, options);
    if (squares.length === 0) return [{ pixels: image.square(centreSquare(image), size) }];
    return squares.map((square) => ({ square, pixels: image.square(square, size) }));
  } finally {
    image.close();
  }
}

/**
 * Translates an image, cropped to a centred square or to its faces, in one style or several.
 *
 * @param source anything that `createImageBitmap` accepts: a file, an image or a video that has loaded, a canvas, image data.
 *   The browser scales it, slightly differently from Node.
 * @returns an image for each style, in order; with several faces, face by face, the largest first.
 * @throws InputError for an image that cannot be read, and for invalid options; RangeError after `dispose`; the signal's
 *   reason if it was aborted.
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
  const crops = await cropsOf(source, size, options);
  const translations: Translation[] = [];
  for (const { pixels, square } of crops) {
    const content = await translator.encode(direction, pixels);
    for (const style of styles) {
      await nextTurn();
      signal?.throwIfAborted();
      const image = imageDataOf(await translator.decode(content, style));
      translations.push({ image, style, ...(square && { square }) });
      onProgress?.(translations.length, crops.length * styles.length);
    }
  }
  return translations;
}
