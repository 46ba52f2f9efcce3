import { type DecodedImage, decodeImage, fromFloat, toFloat } from '../data/decode.js';
import { joinPictures } from '../data/pictures.js';
import { loadEngine } from '../runtime/node.js';
import { chosenDirection, chosenStyles, type StyleOptions } from './library-styles.js';
import { loadModel } from './model.js';
import { openTranslator } from './open-translator.js';
import type { Translator } from './translator.js';

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
  return {
    size: architecture.size,
    styleLength: architecture.latentDim,
    translator,
    dispose: () => translator.dispose(),
  };
}

/** How `translate` translates. */
export interface TranslateOptions extends StyleOptions {
  /** A picture whose style is taken, in place of `styles`: a path, or the bytes of a file. */
  styleOf?: string | Uint8Array | undefined;
}

/** A picture in one style. */
export interface Translation {
  /** `size` x `size` px. */
  picture: DecodedImage;
  /** The style code that it was made with, for `styles` of further calls. */
  style: Float32Array;
}

/**
 * Translates a picture, cropped to a centred square, in one style or several.
 *
 * @param source a path, or the bytes of a JPEG, PNG, WebP, AVIF, GIF or TIFF file.
 * @returns a picture for each style, in their order.
 * @throws InputError for a picture that cannot be read and styles that do not fit; RangeError after `dispose`.
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
  const { codes } = translator.encode(direction, toFloat(await decodeImage(source, { size })));
  const content = {
    direction,
    count: styles.length,
    codes: joinPictures(Array<Float32Array>(styles.length).fill(codes)),
  };
  const made = translator.decode(content, joinPictures([...styles]));
  const length = size * size * 3;
  return styles.map((style, i) => ({
    picture: fromFloat(made.slice(i * length, (i + 1) * length), size, size),
    style,
  }));
}
