// The public library in Node: loads a model and translates images with it.
import { InputError } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import { type DecodedImage, decodeImage, fromFloat, toFloat } from '../data/decode.js';
import { joinFloats, splitFloats } from '../data/image-arrays.js';
import { type LazyFaceDetector, lazyFaceDetector } from '../faces/detector.js';
import { FACE_MARGIN, FACE_MODES, type FaceMode } from '../faces/square.js';
import { loadEngine } from '../runtime/node.js';
import { readModel } from '../translate/model.js';
import { openTranslator } from '../translate/open-translator.js';
import type { Translator } from '../translate/translator.js';
import { decodeInput } from './face-crops.js';
import { chosenDirection, chosenStyles, type StyleOptions } from './library-styles.js';

/** A trained model, ready to translate. */
export interface Model {
  /** Side of the images that it makes, px. */
  readonly size: number;
  /** Length of a style code. */
  readonly styleLength: number;
  /** The underlying translator, for what `translate` does not offer. */
  readonly translator: Translator;
  /** Frees its memory; the model cannot be used afterwards. */
  dispose(): void;
}

/** The face detector of each model. */
const detectors = new WeakMap<Model, LazyFaceDetector>();

/** Options of `loadModel`. */
export interface LoadOptions {
  /** Number of images that go through the network together; 8 by default. */
  batch?: number | undefined;
}

/**
 * Loads a checkpoint, a run (its newest), or an exported model. The first call loads TensorFlow.
 *
 * @param checkpoint the folder.
 * @throws InputError that names what is missing or damaged, and the remedy.
 * @example
 * ```ts
 * import { loadModel } from 'gans-n-roses';
 *
 * const model = await loadModel('runs/first');
 * console.log(`images of ${model.size} px, styles of ${model.styleLength} numbers`);
 * ```
 */
export async function loadModel(checkpoint: string, { batch = 8 }: LoadOptions = {}): Promise<Model> {
  const { architecture, values } = await readModel(checkpoint, { generators: 'any' });
  await loadEngine();
  const translator = openTranslator(architecture, values, { batch });
  const model: Model = {
    size: architecture.size,
    styleLength: architecture.latentDim,
    translator,
    dispose() {
      translator.dispose();
      void detectors.get(model)?.dispose();
    },
  };
  detectors.set(model, lazyFaceDetector());
  return model;
}

/** Options of `translate`. */
export interface TranslateOptions extends StyleOptions {
  /** An image whose style is used instead of `styles`: a path, or the bytes of a file. */
  styleOf?: string | Uint8Array | undefined;
  /**
   * The part of the image that is translated: its largest face (`largest`), the same unless that fills the image (`auto`), each
   * of its faces (`all`), or a centred square (`off`, the default). An image without a face gives a centred square too.
   */
  face?: FaceMode | undefined;
}

/** A translation in one style. */
export interface Translation {
  /** `size` x `size` px. */
  image: DecodedImage;
  /** Its style code, which can be passed as `styles` to further calls. */
  style: Float32Array;
  /** The place of its face in the upright photo, whole px; undefined if none was looked for or found. */
  square?: Square;
  /** Clockwise quarter turns after which the face stands upright, as it does in `image`; absent for none. */
  turns?: 1 | 2 | 3;
}

/**
 * Translates an image, cropped to a centred square or to its faces, in one style or several.
 *
 * @param source a path, or the bytes of a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP file.
 * @returns an image for each style, in order; with several faces, face by face, the largest first.
 * @throws InputError for an image that cannot be read, and for invalid options; RangeError after `dispose`.
 * @example
 * ```ts
 * import { loadModel, saveImage, translate } from 'gans-n-roses';
 *
 * const model = await loadModel('runs/first');
 * const [first] = await translate(model, 'me.jpg', { seed: 7 });
 * await saveImage(first!.image, 'anime.png');
 * // Another photo in the same style.
 * const [second] = await translate(model, 'you.jpg', { styles: [first!.style] });
 * await saveImage(second!.image, 'anime-too.png');
 * model.dispose();
 * ```
 */
export async function translate(
  model: Model,
  source: string | Uint8Array,
  options: TranslateOptions = {},
): Promise<Translation[]> {
  const { translator, size, styleLength } = model;
  const { styleOf } = options;
  const direction = chosenDirection(options);
  const styles =
    styleOf === undefined
      ? chosenStyles(options, styleLength)
      : [translator.styleOf(direction, toFloat(await decodeImage(styleOf, { size })))];
  const { face: mode = 'off' } = options;
  if (!FACE_MODES.includes(mode))
    throw new InputError({
      expected: `face to be ${FACE_MODES.join(', ')}`,
      found: String(mode),
      remedy: 'change it',
    });
  const input =
    typeof source === 'string'
      ? { file: source, name: '' }
      : { file: 'the given bytes', name: '', bytes: source };
  const { crops } = await decodeInput(input, size, {
    ...{ mode, margin: FACE_MARGIN, paste: false },
    detector: () => detectors.get(model)!.get(),
  });
  const translations: Translation[] = [];
  for (const { source: crop, square, turns } of crops) {
    const { codes } = translator.encode(direction, toFloat(crop));
    const content = {
      direction,
      count: styles.length,
      codes: joinFloats(Array<Float32Array>(styles.length).fill(codes)),
    };
    const images = splitFloats(translator.decode(content, joinFloats([...styles])), size);
    for (const [i, style] of styles.entries())
      translations.push({
        image: fromFloat(images[i]!, size, size),
        style,
        ...(square && { square }),
        ...(turns && { turns }),
      });
  }
  return translations;
}
