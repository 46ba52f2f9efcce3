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
  /** Side of its images, px. */
  readonly size: number;
  /** Numbers of a style code. */
  readonly styleLength: number;
  /** The engine room, for what `translate` does not offer. */
  readonly translator: Translator;
  /** Frees its memory; it translates no more. */
  dispose(): void;
}

/** The detector of each model, for those that need one. */
const detectors = new WeakMap<Model, LazyFaceDetector>();

/** How `loadModel` loads. */
export interface LoadOptions {
  /** Images that go through the network together, where there are so many; 8 where left out. */
  batch?: number | undefined;
}

/**
 * Loads a checkpoint, a run (its newest), or an exported model. The first call loads TensorFlow.
 *
 * @param checkpoint its folder.
 * @throws InputError naming what is missing or damaged, and the remedy.
 * @example
 * ```ts
 * import { loadModel } from 'gans-n-roses';
 *
 * const model = await loadModel('runs/first');
 * console.log(`images of ${model.size} px, styles of ${model.styleLength} numbers`);
 * ```
 */
export async function loadModel(checkpoint: string, { batch = 8 }: LoadOptions = {}): Promise<Model> {
  const { architecture, values } = await readModel(checkpoint);
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

/** How `translate` translates. */
export interface TranslateOptions extends StyleOptions {
  /** An image whose style is taken, in place of `styles`: a path, or the bytes of a file. */
  styleOf?: string | Uint8Array | undefined;
  /**
   * What is translated of the image: its largest face (`largest`), that unless it fills the image (`auto`), each of its
   * faces (`all`), or, where it has none and for `off`, a centred square. `off` where left out.
   */
  face?: FaceMode | undefined;
}

/** An image in one style. */
export interface Translation {
  /** `size` x `size` px. */
  image: DecodedImage;
  /** The style code that it was made with, for `styles` of further calls. */
  style: Float32Array;
  /** Where its face is in the upright photo, in whole px; undefined where no face was looked for or found. */
  square?: Square;
}

/**
 * Translates an image, cropped to a centred square or to its faces, in one style or several.
 *
 * @param source a path, or the bytes of a JPEG, PNG, WebP, AVIF, GIF or TIFF file.
 * @returns an image for each style, in their order; of several faces one face after the other, the largest first.
 * @throws InputError for an image that cannot be read, and options that do not fit; RangeError after `dispose`.
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
  for (const { source: image, square } of crops) {
    const { codes } = translator.encode(direction, toFloat(image));
    const content = {
      direction,
      count: styles.length,
      codes: joinFloats(Array<Float32Array>(styles.length).fill(codes)),
    };
    const made = splitFloats(translator.decode(content, joinFloats([...styles])), size);
    for (const [i, style] of styles.entries())
      translations.push({ image: fromFloat(made[i]!, size, size), style, ...(square && { square }) });
  }
  return translations;
}
