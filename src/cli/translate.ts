import type { Argv, CommandModule } from 'yargs';
import type { Translator } from '../translate/translator.js';
import { withInterrupt } from './interrupt.js';
import { printError, printLine, startProgress } from './output.js';

interface TranslateArguments {
  inputs: string[];
  checkpoint: string;
  out: string;
  styles: number;
  seed: number;
  styleImage: string | undefined;
  direction: 'A2B' | 'B2A';
  truncation: number;
  grid: boolean;
}

async function checkNumbers({ styles, seed, truncation }: TranslateArguments): Promise<void> {
  const { InputError } = await import('../errors.js');
  const check = (isRight: boolean, flag: string, expected: string, found: number): void => {
    if (!isRight)
      throw new InputError({
        expected: `--${flag} to be ${expected}`,
        found: String(found),
        remedy: 'change it',
      });
  };
  check(
    Number.isInteger(styles) && styles >= 1 && styles <= 1000,
    'styles',
    'a whole number from 1 to 1000',
    styles,
  );
  check(
    Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
    'seed',
    'a whole number from 0 to 2^32 - 1',
    seed,
  );
  check(truncation >= 0 && Number.isFinite(truncation), 'truncation', '0 or more', truncation);
}

/** A function of its own, so that the host's copy of the weights can go. */
async function openModel(checkpoint: string, pictures: number): Promise<Translator> {
  const { loadModel } = await import('../translate/model.js');
  const skipped: string[] = [];
  const { architecture, values } = await loadModel(checkpoint, {
    onSkipped: (dir, error) => skipped.push(`${dir}: ${error.message}`),
  });
  for (const text of skipped) printError(`gnr: passed over the damaged checkpoint ${text}`);
  const { loadEngine } = await import('../runtime/node.js');
  await loadEngine();
  const { openTranslator } = await import('../translate/open-translator.js');
  const { TRANSLATED_TOGETHER } = await import('../translate/translate-images.js');
  return openTranslator(architecture, values, { batch: Math.min(pictures, TRANSLATED_TOGETHER) });
}

async function translate(args: TranslateArguments): Promise<void> {
  await checkNumbers(args);
  const { InputError, InterruptedError } = await import('../errors.js');
  const { collectInputs } = await import('../translate/inputs.js');
  const inputs = await collectInputs(args.inputs);
  const translator = await openModel(args.checkpoint, inputs.length);
  const { freeUnusedMemory } = await import('../runtime/garbage.js');
  freeUnusedMemory();
  const { randomStyles, referenceStyle, translateImages } = await import('../translate/translate-images.js');
  const { direction, out, grid } = args;
  const styles =
    args.styleImage === undefined
      ? randomStyles(args.styles, args.seed, translator.architecture.latentDim, args.truncation)
      : [await referenceStyle(translator, direction, args.styleImage)];
  const progress = startProgress({ label: 'translating', total: inputs.length, unit: 'pictures' });
  let done = 0;
  let failed = 0;
  const work = async (signal: AbortSignal): Promise<boolean> => {
    const options = { translator, direction, inputs, styles, outDir: out, grid };
    for await (const event of translateImages(options)) {
      if (event.type === 'grid') printLine(event.path);
      else progress.update(++done);
      if (event.type === 'picture') for (const path of event.outputs) printLine(path);
      if (event.type === 'failed') {
        failed++;
        printError(`gnr: passed over ${event.file}: ${event.error.message}`);
      }
      if (signal.aborted) return false;
    }
    return true;
  };
  let isComplete: boolean;
  try {
    isComplete = await withInterrupt(work);
  } finally {
    progress.finish();
    translator.dispose();
  }
  if (!isComplete) throw new InterruptedError(`stopped after ${done} of ${inputs.length} pictures`);
  if (failed > 0)
    throw new InputError({
      expected: `${inputs.length} readable pictures`,
      found: `${failed} that could not be read`,
      remedy: 'replace those named above; the others are translated',
    });
}

export const translateCommand: CommandModule<object, TranslateArguments> = {
  command: 'translate <inputs..>',
  describe: 'Translate pictures and folders with a trained model',
  builder: (yargs) =>
    yargs
      .positional('inputs', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Pictures and folders',
      })
      .option('checkpoint', {
        type: 'string',
        demandOption: true,
        describe: 'A checkpoint, a run (its newest), or an exported model',
      })
      .option('out', { type: 'string', demandOption: true, describe: 'Folder for the results' })
      .option('styles', { type: 'number', default: 4, describe: 'Number of random styles for each picture' })
      .option('seed', { type: 'number', default: 1, describe: 'Seed of the random styles' })
      .option('style-image', {
        type: 'string',
        describe: 'Take the style of this picture instead',
      })
      .option('direction', {
        type: 'string',
        choices: ['A2B', 'B2A'] as const,
        default: 'A2B' as const,
        describe: 'Photo to anime (A2B), or back',
      })
      .option('truncation', {
        type: 'number',
        default: 1,
        describe: 'Pulls random styles towards the mean style: 1 not at all, 0 onto it',
      })
      .option('grid', {
        type: 'boolean',
        default: false,
        describe: 'One picture with all results beside the inputs',
      })
      .example(
        '$0 translate me.jpg --checkpoint runs/first --out out --styles 8 --grid',
        '',
      ) as unknown as Argv<TranslateArguments>,
  handler: (args) => translate(args),
};
