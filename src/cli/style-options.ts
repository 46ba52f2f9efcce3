// Options about styles that translating commands share.
import type { Argv } from 'yargs';
import type { Direction } from '../translate/translator.js';

/** The options about styles that translating commands share. */
export interface StyleArguments {
  styles: number | undefined;
  seed: number;
  styleImage: string[] | undefined;
  styleCode: string[] | undefined;
  like: string | undefined;
  interpolate: number | undefined;
  truncation: number;
  direction: Direction | undefined;
}

/** @param defaultStyles how many random styles there are by default, in words. */
export function withStyleOptions<T>(yargs: Argv<T>, defaultStyles: string): Argv<T & StyleArguments> {
  return yargs
    .option('styles', {
      type: 'number',
      describe: `Number of random styles [${defaultStyles} without other styles]`,
    })
    .option('seed', { type: 'number', default: 1, describe: 'Seed of the random styles' })
    .option('style-image', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take the style of this image, or of each image in this folder; may be repeated',
    })
    .option('style-code', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take this style: numbers (0.1,-0.3,...) or a JSON file; may be repeated',
    })
    .option('like', {
      type: 'string',
      describe: 'Take styles and direction from an image that gnr translate wrote',
    })
    .option('interpolate', {
      type: 'number',
      describe: 'Show this many styles instead, from the first to the second',
    })
    .option('truncation', {
      type: 'number',
      default: 1,
      describe: 'Pull styles towards the mean style: 1 not at all, 0 onto it',
    })
    .option('direction', {
      type: 'string',
      choices: ['A2B', 'B2A'] as const,
      describe: 'Photo to anime (A2B), or back [A2B]',
    }) as unknown as Argv<T & StyleArguments>;
}
