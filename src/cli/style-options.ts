import type { Argv } from 'yargs';
import type { StyleChoice } from '../translate/styles.js';
import type { Direction } from '../translate/translator.js';
import { printError } from './output.js';

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

/** @param usual how many random styles there are where nobody asks for any style. */
export function withStyleOptions<T>(yargs: Argv<T>, usual: string): Argv<T & StyleArguments> {
  return yargs
    .option('styles', { type: 'number', describe: `Number of random styles [${usual} without other styles]` })
    .option('seed', { type: 'number', default: 1, describe: 'Seed of the random styles' })
    .option('style-image', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take the style of this picture, or of each in this folder; may be repeated',
    })
    .option('style-code', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take this style: numbers (0.1,-0.3,...) or a JSON file; may be repeated',
    })
    .option('like', {
      type: 'string',
      describe: 'Take styles and direction of a picture that gnr translate wrote',
    })
    .option('interpolate', {
      type: 'number',
      describe: 'This many styles in place of all: from the first to the second',
    })
    .option('truncation', {
      type: 'number',
      default: 1,
      describe: 'Pulls styles towards the mean style: 1 not at all, 0 onto it',
    })
    .option('direction', {
      type: 'string',
      choices: ['A2B', 'B2A'] as const,
      describe: 'Photo to anime (A2B), or back [A2B]',
    }) as unknown as Argv<T & StyleArguments>;
}

/** Styles and direction, as far as they are known without the model. */
export interface ChosenStyles {
  choice: StyleChoice;
  direction: Direction;
  /** The model that a recorded picture was made with, where there is one. */
  recordedModel: string | undefined;
}

/** @throws InputError that names the flag and what it may be. */
export async function checkNumber(
  isRight: boolean,
  flag: string,
  expected: string,
  found: number,
): Promise<void> {
  const { InputError } = await import('../base/errors.js');
  if (!isRight)
    throw new InputError({
      expected: `--${flag} to be ${expected}`,
      found: String(found),
      remedy: 'change it',
    });
}

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

/**
 * Looks at everything in the style options that needs no model.
 * @param usual how many random styles there are where nobody asks for any style.
 * @param least how many styles there are at least: random ones fill up the others.
 * @throws InputError for wrong numbers, and references, codes and recorded pictures that are not there.
 */
export async function chooseStyles(args: StyleArguments, usual: number, least = 0): Promise<ChosenStyles> {
  const { styles, seed, truncation, interpolate } = args;
  if (styles !== undefined)
    await checkNumber(isWhole(styles, 1, 1000), 'styles', 'a whole number from 1 to 1000', styles);
  await checkNumber(isWhole(seed, 0, 2 ** 32 - 1), 'seed', 'a whole number from 0 to 2^32 - 1', seed);
  const isPull = truncation >= 0 && Number.isFinite(truncation);
  await checkNumber(isPull, 'truncation', '0 or more', truncation);
  if (interpolate !== undefined)
    await checkNumber(
      isWhole(interpolate, 2, 1000),
      'interpolate',
      'a whole number from 2 to 1000',
      interpolate,
    );
  const { collectInputs } = await import('../images/inputs.js');
  const { readStyleCodes } = await import('../translate/style-codes.js');
  const { readRecord } = await import('../images/record.js');
  const codes = (await Promise.all((args.styleCode ?? []).map(readStyleCodes))).flat();
  const record = args.like === undefined ? undefined : await readRecord(args.like);
  if (record && args.direction && record.direction !== args.direction) {
    const { InputError } = await import('../base/errors.js');
    throw new InputError({
      expected: `--direction ${record.direction}, which the styles of ${args.like} are for`,
      found: `--direction ${args.direction}`,
      remedy: 'leave it out',
    });
  }
  const images = args.styleImage ?? [];
  const found = await collectInputs(images);
  // The name of a single reference says nothing that the user does not know.
  const pictures =
    images.length === 1 && found[0]?.file === images[0] ? [{ ...found[0]!, name: 'reference' }] : found;
  const recorded = record?.styles ?? [];
  const others = codes.length + recorded.length + pictures.length;
  const needed = interpolate === undefined ? least : 2;
  const choice: StyleChoice = {
    codes,
    recorded,
    references: pictures,
    random: styles ?? (others === 0 && interpolate === undefined ? usual : Math.max(0, needed - others)),
    seed,
    truncation,
    interpolate,
  };
  return { choice, direction: args.direction ?? record?.direction ?? 'A2B', recordedModel: record?.model };
}

/** Says so where a picture is made again with other weights than those that it was made with. */
export function noteOtherModel(recorded: string | undefined, model: string): void {
  if (recorded !== undefined && recorded !== model)
    printError(
      'gnr: the picture of --like was made with another model: the same numbers are other styles here',
    );
}
