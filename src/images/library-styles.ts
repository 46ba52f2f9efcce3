// The style options of the library's `translate`, in Node and browsers.
import { InputError } from '../base/errors.js';
import { type Direction, randomStyleCodes } from '../translate/translator.js';

const MAX_SEED = 2 ** 32 - 1;

/** The styles and the direction of a translation. */
export interface StyleOptions {
  /** Number of random styles, or style codes; 1 by default. */
  styles?: number | readonly Float32Array[] | undefined;
  /** Seed of the random styles, a whole number; 0 by default. The same seed gives the same styles in Node and in browsers. */
  seed?: number | undefined;
  /** Pulls random styles towards their mean: 1, the default, keeps them as drawn; 0 gives the mean. */
  truncation?: number | undefined;
  /** Photo to anime (`A2B`, the default), or back (`B2A`). */
  direction?: Direction | undefined;
}

/** Returns the direction of a translation. @throws InputError if it is invalid. */
export function chosenDirection({ direction = 'A2B' }: StyleOptions): Direction {
  if (direction === 'A2B' || direction === 'B2A') return direction;
  throw new InputError({
    expected: 'direction to be A2B or B2A',
    found: String(direction),
    remedy: 'change it',
  });
}

function drawn(count: number, { seed = 0, truncation = 1 }: StyleOptions, styleLength: number) {
  const wrong = (expected: string, found: number) =>
    new InputError({ expected, found: String(found), remedy: 'change it' });
  if (!Number.isInteger(count) || count < 1)
    throw wrong('styles to be a whole number from 1 on, or style codes', count);
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED)
    throw wrong(`seed to be a whole number from 0 to ${MAX_SEED}`, seed);
  if (!Number.isFinite(truncation)) throw wrong('truncation to be a number', truncation);
  return randomStyleCodes(count, seed, styleLength, truncation);
}

/** Returns the codes of random or explicit styles. @throws InputError if they do not fit a model of that style length. */
export function chosenStyles(options: StyleOptions, styleLength: number): readonly Float32Array[] {
  const { styles = 1 } = options;
  if (typeof styles === 'number') return drawn(styles, options, styleLength);
  const wrong = styles.find((style) => style.length !== styleLength);
  if (wrong === undefined && styles.length > 0) return styles;
  throw new InputError({
    expected: `style codes of ${styleLength} numbers, one or more`,
    found: wrong === undefined ? 'none' : `one of ${wrong.length}`,
    remedy: 'take those of a translation by the same model',
  });
}
