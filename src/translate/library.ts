import { type DecodedImage, decodeImage, fromFloat, toFloat } from '../data/decode.js';
import { joinPictures } from '../data/pictures.js';
import { InputError } from '../errors.js';
import { loadEngine } from '../runtime/node.js';
import { loadModel } from './model.js';
import { openTranslator } from './open-translator.js';
import { randomStyles } from './styles.js';
import type { Direction, Translator } from './translator.js';

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

export interface LoadOptions {
  /** Pictures that go through the network together, where there are so many; 8 where left out. */
  batch?: number;
}

/**
 * Loads a checkpoint, a run (its newest), or an exported model. The first call loads TensorFlow.
 *
 * @throws InputError naming what is missing or damaged, and the remedy.
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

export interface TranslateOptions {
  /** How many random styles, or the style codes themselves; 1 where left out. */
  styles?: number | readonly Float32Array[];
  /** A picture whose style is taken, in place of `styles`: a path, or the bytes of a file. */
  styleOf?: string | Uint8Array;
  /** Of the random styles: the same seed gives the same ones. 0 where left out. */
  seed?: number;
  /** Pulls random styles towards their mean: 1 leaves them as drawn, 0 makes all of them the mean. */
  truncation?: number;
  /** Photo to anime (`A2B`) where left out, or back. */
  direction?: Direction;
}

export interface Translation {
  /** `size` x `size` px. */
  picture: DecodedImage;
  /** The style code that it was made with, for `styles` of further calls. */
  style: Float32Array;
}

async function stylesFor(
  { translator, styleLength, size }: Generator,
  { styles = 1, styleOf, seed = 0, truncation = 1, direction = 'A2B' }: TranslateOptions,
): Promise<readonly Float32Array[]> {
  if (styleOf !== undefined)
    return [translator.styleOf(direction, toFloat(await decodeImage(styleOf, { size })))];
  if (typeof styles === 'number') {
    if (!Number.isInteger(styles) || styles < 1)
      throw new InputError({
        expected: 'styles to be a whole number from 1 on, or style codes',
        found: String(styles),
        remedy: 'change it',
      });
    return randomStyles(styles, seed, styleLength, truncation).map(({ code }) => code);
  }
  const wrong = styles.find((style) => style.length !== styleLength);
  if (wrong === undefined && styles.length > 0) return styles;
  throw new InputError({
    expected: `style codes of ${styleLength} numbers, one or more`,
    found: wrong === undefined ? 'none' : `one of ${wrong.length}`,
    remedy: 'take those of a translation by the same model',
  });
}

/**
 * Translates a picture, cropped to a centred square, in one style or several.
 *
 * @param source a path, or the bytes of a JPEG, PNG, WebP, AVIF, GIF or TIFF file.
 * @returns a picture for each style, in their order.
 * @throws InputError for a picture that cannot be read and styles that do not fit; RangeError after `dispose`.
 */
export async function translate(
  generator: Generator,
  source: string | Uint8Array,
  options: TranslateOptions = {},
): Promise<Translation[]> {
  const { translator, size } = generator;
  const { direction = 'A2B' } = options;
  const styles = await stylesFor(generator, options);
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
