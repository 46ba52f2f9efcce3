import type { Argv, CommandModule } from 'yargs';
import { chooseFaces, type FaceArguments, withFaceOptions } from './face-options.js';
import { withInterrupt } from './interrupt.js';
import { openModel } from './open-model.js';
import { printError, printLine, startProgress } from './output.js';
import { chooseStyles, noteOtherModel, type StyleArguments, withStyleOptions } from './style-options.js';

interface TranslateArguments extends StyleArguments, FaceArguments {
  inputs: string[];
  checkpoint: string;
  out: string;
  grid: boolean;
}

const DEFAULT_STYLES = 4;

/** Far above any photograph; a pipe that never ends stops here. */
const MAX_STANDARD_INPUT_BYTES = 2 ** 30;

/** All of standard input. @throws InputError where a person sits there, or it does not end. */
async function readStandardInput(): Promise<Uint8Array> {
  const { InputError } = await import('../base/errors.js');
  const refuse = (found: string) =>
    new InputError({ expected: 'a picture on standard input', found, remedy: 'pipe one into the command' });
  if (process.stdin.isTTY) throw refuse('a terminal');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_STANDARD_INPUT_BYTES) throw refuse('more than 1 GB');
  }
  return Buffer.concat(chunks);
}

const MAX_NAMES = 5;

/** Says which pictures have no face in them, that anybody could find. */
function noteFaceless(files: readonly string[]): void {
  if (files.length === 0) return;
  const more = files.length - MAX_NAMES;
  const names = [...files.slice(0, MAX_NAMES), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  printError(
    `gnr: no face was found in ${names}: translated whole, as far as a centred square shows it (--face off does not look)`,
  );
}

async function translate(args: TranslateArguments): Promise<void> {
  const { choice, direction, recordedModel } = await chooseStyles(args, DEFAULT_STYLES);
  const detector = await chooseFaces(args);
  const faces = { mode: args.face, margin: args.faceMargin, paste: args.paste, detector: detector.get };
  const { InputError, InterruptedError } = await import('../base/errors.js');
  const { collectInputs } = await import('../images/inputs.js');
  const { makeStyles } = await import('../translate/styles.js');
  const { TRANSLATED_TOGETHER, translateImages } = await import('../images/translate-images.js');
  const inputs = await collectInputs(args.inputs, readStandardInput);
  const opened = await openModel(args.checkpoint, Math.min(inputs.length, TRANSLATED_TOGETHER));
  const { translator, model } = opened;
  noteOtherModel(recordedModel, model);
  const progress = startProgress({ label: 'translating', total: inputs.length, unit: 'pictures' });
  let done = 0;
  let failed = 0;
  let unrecorded = 0;
  const faceless: string[] = [];
  const work = async (signal: AbortSignal): Promise<boolean> => {
    const styles = await makeStyles(choice, translator, direction);
    const options = {
      translator,
      direction,
      inputs,
      styles,
      outDir: args.out,
      grid: args.grid,
      model,
      faces,
      signal,
    };
    for await (const event of translateImages(options)) {
      if (event.type === 'grid') printLine(event.path);
      else if (event.type === 'unrecorded') {
        unrecorded++;
        continue;
      } else progress.update(++done);
      if (event.type === 'image') {
        for (const path of event.outputs) printLine(path);
        if (event.isFaceless) faceless.push(event.file);
      }
      if (event.type === 'failed') {
        failed++;
        printError(`gnr: passed over ${event.file}: ${event.error.message}`);
      }
    }
    return done === inputs.length;
  };
  let isComplete: boolean;
  try {
    isComplete = await withInterrupt(work);
  } finally {
    progress.finish();
    translator.dispose();
    await detector.dispose();
  }
  noteFaceless(faceless);
  if (unrecorded > 0)
    printError(
      `gnr: ${unrecorded} ${unrecorded === 1 ? 'file holds' : 'files hold'} no record of the styles, which is too long for EXIF: --like cannot take them from there`,
    );
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
    withFaceOptions(
      withStyleOptions(
        yargs
          .positional('inputs', {
            type: 'string',
            array: true,
            demandOption: true,
            describe: 'Pictures and folders; - is a picture on standard input',
          })
          .option('checkpoint', {
            type: 'string',
            demandOption: true,
            describe: 'A checkpoint, a run (its newest), or an exported model',
          })
          .option('out', { type: 'string', demandOption: true, describe: 'Folder for the results' }),
        String(DEFAULT_STYLES),
      ),
      'auto',
    )
      .option('grid', {
        type: 'boolean',
        default: false,
        describe: 'One picture with all results beside the inputs',
      })
      .example('$0 translate me.jpg --checkpoint runs/first --out out --styles 8 --grid', '')
      .example('$0 translate party.jpg --checkpoint runs/first --out out --face all --paste', '')
      .example(
        '$0 translate me.jpg --checkpoint runs/first --out out --like out/me_style-3.png',
        '',
      ) as unknown as Argv<TranslateArguments>,
  handler: (args) => translate(args),
};
