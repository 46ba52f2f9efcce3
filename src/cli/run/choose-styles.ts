// Resolves the options about styles as far as that needs no model.
import { InputError } from '../../base/errors.js';
import { collectInputs } from '../../images/inputs.js';
import { readRecord } from '../../images/record.js';
import { readStyleCodes } from '../../translate/style-codes.js';
import type { StyleChoice } from '../../translate/styles.js';
import type { Direction } from '../../translate/translator.js';
import { printError } from '../output.js';
import type { StyleArguments } from '../style-options.js';

const MAX_STYLES = 1000;
const MAX_SEED = 2 ** 32 - 1;

/** Styles and direction, as far as they are known without the model. */
export interface ChosenStyles {
  choice: StyleChoice;
  direction: Direction;
  /** SHA-256 of the model that the image of --like was made with, if there is one. */
  recordedModel: string | undefined;
}

function checkNumber(isRight: boolean, flag: string, expected: string, value: number): void {
  if (!isRight)
    throw new InputError({
      expected: `--${flag} to be ${expected}`,
      found: String(value),
      remedy: 'change it',
    });
}

function checkNumbers({ styles, seed, truncation, interpolate }: StyleArguments): void {
  const checkWhole = (flag: string, value: number | undefined, min: number, max: number) => {
    const isWhole = value === undefined || (Number.isInteger(value) && value >= min && value <= max);
    checkNumber(isWhole, flag, `a whole number from ${min} to ${max}`, value ?? Number.NaN);
  };
  checkWhole('styles', styles, 1, MAX_STYLES);
  const isSeed = Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED;
  checkNumber(isSeed, 'seed', 'a whole number from 0 to 2^32 - 1', seed);
  const isPull = truncation >= 0 && Number.isFinite(truncation);
  checkNumber(isPull, 'truncation', '0 or more', truncation);
  checkWhole('interpolate', interpolate, 2, MAX_STYLES);
}

/** How many random styles a command shows by default, and how many styles it needs at least. */
export interface StyleCounts {
  defaultCount: number;
  /** Random styles fill up the others to this number. */
  minCount?: number;
}

/**
 * Checks the style options, and reads the files that they name.
 * @throws InputError for numbers out of range, and references, codes and recorded images that are not there.
 */
export async function chooseStyles(
  args: StyleArguments,
  { defaultCount, minCount = 0 }: StyleCounts,
): Promise<ChosenStyles> {
  checkNumbers(args);
  const { styles, seed, truncation, interpolate, styleImage: paths = [] } = args;
  const codes = (await Promise.all((args.styleCode ?? []).map(readStyleCodes))).flat();
  const record = args.like === undefined ? undefined : await readRecord(args.like);
  if (record && args.direction && record.direction !== args.direction)
    throw new InputError({
      expected: `--direction ${record.direction}, which the styles of ${args.like} are for`,
      found: `--direction ${args.direction}`,
      remedy: 'leave it out',
    });
  const inputs = await collectInputs(paths);
  // The name of a single reference says nothing that the user does not know.
  const isSingle = paths.length === 1 && inputs[0]?.file === paths[0];
  const references = isSingle ? [{ ...inputs[0]!, name: 'reference' }] : inputs;
  const recorded = record?.styles ?? [];
  const namedCount = codes.length + recorded.length + references.length;
  const needed = interpolate === undefined ? minCount : 2;
  const isUnnamed = namedCount === 0 && interpolate === undefined;
  const choice: StyleChoice = {
    codes,
    recorded,
    references,
    random: styles ?? (isUnnamed ? defaultCount : Math.max(0, needed - namedCount)),
    seed,
    truncation,
    interpolate,
  };
  return { choice, direction: args.direction ?? record?.direction ?? 'A2B', recordedModel: record?.model };
}

/** Prints a note if the image of --like was made with other weights than these. */
export function noteOtherModel(recorded: string | undefined, model: string): void {
  if (recorded !== undefined && recorded !== model)
    printError(
      'gnr: the image of --like was made with another model: the same numbers are other styles here',
    );
}
