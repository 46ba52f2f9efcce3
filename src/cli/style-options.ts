// Options about styles that translating commands share.
import type { Options } from 'yargs';
import type { TableArguments } from './define-command.js';

/** @param defaultStyles how many random styles there are by default, in words. */
export const styleOptions = (defaultStyles: string) =>
  ({
    styles: {
      type: 'number',
      describe: `Number of random styles [${defaultStyles} without other styles]`,
    },
    seed: { type: 'number', default: 1, describe: 'Seed of the random styles' },
    'style-image': {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take the style of this image, or of each image in this folder; may be repeated',
    },
    'style-code': {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take this style: numbers (0.1,-0.3,...) or a JSON file; may be repeated',
    },
    like: { type: 'string', describe: 'Take styles and direction from an image that gnr translate wrote' },
    interpolate: {
      type: 'number',
      describe: 'Show this many styles instead, from the first to the second',
    },
    truncation: {
      type: 'number',
      default: 1,
      describe: 'Pull styles towards the mean style: 1 not at all, 0 onto it',
    },
    direction: {
      type: 'string',
      choices: ['A2B', 'B2A'],
      describe: 'Photo to anime (A2B), or back [A2B]',
    },
  }) as const satisfies Record<string, Options>;

export type StyleArguments = TableArguments<ReturnType<typeof styleOptions>>;
