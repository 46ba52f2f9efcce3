import { InputError } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import { type DecodedImage, decodeImage, fromFloat, toFloat } from '../data/decode.js';
import { joinPictures, splitFloats } from '../data/pictures.js';
import { type LazyFaceDetector, lazyFaceDetector } from '../faces/detector.js';
import { FACE_MARGIN, FACE_MODES, type FaceMode } from '../faces/square.js';
import { loadEngine } from '../runtime/node.js';
import { loadModel } from '../translate/model.js';
import { openTranslator } from '../translate/open-translator.js';
import type { Translator } from '../translate/translator.js';
import { decodeInput } from './face-crops.js';
import { chosenDirection, chosenStyles, type StyleOptions } from './library-styles.js';

/** A trained model, ready to translate. */
export interface Generator {
  /** Side of its pictures, px. */
  readonly size: number;
  /** Numbers of a style code. */
  readonly styleLength: number;
  /** The engine room, for what `translate` does not offer. */
  readonly translator: Translator;
  /** Frees its memory; it translates no more. */
  dispose(): void;
}

/** The detector of each generator, for those that need one. */
const detectors = new WeakMap<Generator, LazyFaceDetector>();

/** How `loadGenerator` loads. */
export interface LoadOptions {
  /** Pictures that go through the network together, where there are so many; 8 where left out. */
  batch?: number | undefined;
}

/**
 * Loads a checkpoint, a run (its newest), or an exported model. The first call loads TensorFlow.
 *
 * @param checkpoint its folder.
 * @throws InputError naming what is missing or damaged, and the remedy.
 * @example
 * ```ts
 * import { loadGenerator } from 'gans-n-roses';
 *
 * const generator = await loadGenerator('runs/first');
 * console.log(`pictures of ${generator.size} px, styles of ${generator.styleLength} numbers`);
 * ```
 */
export async function loadGenerator(checkpoint: string, { batch = 8 }: LoadOptions = {}): Promise<Generator> {
  const { architecture, values } = await loadModel(checkpoint);
  await loadEngine();
  const translator = openTranslator(architecture, values, { batch });
  const generator: Generator = {
    size: architecture.size,
    styleLength: architecture.latentDim,
    translator,
    dispose() {
      translator.dispose();
      void detectors.get(generator)?.dispose();
    },
  };
  detectors.set(generator, lazyFaceDetector());
  return generator;
}

/** How `translate` translates. */
export interface TranslateOptions extends StyleOptions {
  /** A picture whose style is taken, in place of `styles`: a path, or the bytes of a file. */
  styleOf?: string | Uint8Array | undefined;
  /**
   * What is translated of the picture: its largest face (`largest`), that unless it fills the picture (`auto`), each of its
   * faces (`all`), or, where it has none and for `off`, a centred square. `off` where left out.
   */
  face?: FaceMode | undefined;
}

/** A picture in one style. */
export interface Translation {
  /** `size` x `size` px. */
  picture: DecodedImage;
  /** The style code that it was made with, for `styles` of further calls. */
  style: Float32Array;
  /** Where its face is in the upright photo, in whole px; undefined where no face was looked for or found. */
  square?: Square;
}

/**
 * Translates a picture, cropped to a centred square or to its faces, in one style or several.
 *
 * @param source a path, or the bytes of a JPEG, PNG, WebP, AVIF, GIF or TIFF file.
 * @returns a picture for each style, in their order; of several faces one face after the other, the largest first.
 * @throws InputError for a picture that cannot be read, and options that do not fit; RangeError after `dispose`.
 * @example
 * ```ts
 * import { loadGenerator, savePicture, translate } from 'gans-n-roses';
 *
 * const generator = await loadGenerator('runs/first');
 * const [first] = await translate(generator, 'me.jpg', { seed: 7 });
 * await savePicture(first!.picture, 'anime.png');
 * // Another photo in the same style.
 * const [second] = await translate(generator, 'you.jpg', { styles: [first!.style] });
 * await savePicture(second!.picture, 'anime-too.png');
 * generator.dispose();
 * ```
 */
export async function translate(
  generator: Generator,
  source: string | Uint8Array,
  options: TranslateOptions = {},
): Promise<Translation[]> {
  const { translator, size, styleLength } = generator;
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
    detector: () => detectors.get(generator)!.get(),
  });
  const translations: Translation[] = [];
  for (const { source: picture, square } of crops) {
    const { codes } = translator.encode(direction, toFloat(picture));
    const content = {
      direction,
      count: styles.length,
      codes: joinPictures(Array<Float32Array>(styles.length).fill(codes)),
    };
    const made = splitFloats(translator.decode(content, joinPictures([...styles])), size);
    for (const [i, style] of styles.entries())
      translations.push({ picture: fromFloat(made[i]!, size, size), style, ...(square && { square }) });
  }
  return translations;
}
