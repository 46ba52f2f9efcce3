// `gnr translate`: translates images.
import type { Argv, CommandModule } from 'yargs';
import type { FaceOptions } from '../faces/face-options.js';
import { withFaceOptions } from './face-options.js';
import { type StyleArguments, withStyleOptions } from './style-options.js';

export interface TranslateArguments extends StyleArguments, FaceOptions {
  inputs: string[];
  checkpoint: string;
  out: string;
  grid: boolean;
}

/** Random styles by default. */
export const DEFAULT_STYLES = 4;

export const translateCommand: CommandModule<object, TranslateArguments> = {
  command: 'translate <inputs..>',
  describe: 'Translate images and folders with a trained model',
  builder: (yargs) =>
    withFaceOptions(
      withStyleOptions(
        yargs
          .positional('inputs', {
            type: 'string',
            array: true,
            demandOption: true,
            describe: 'Images and folders; - is an image on standard input',
          })
          .option('checkpoint', {
            type: 'string',
            demandOption: true,
            describe: 'A checkpoint, a run (its newest checkpoint), or an exported model',
          })
          .option('out', { type: 'string', demandOption: true, describe: 'Folder for the results' }),
        String(DEFAULT_STYLES),
      ),
      'auto',
    )
      .option('grid', {
        type: 'boolean',
        default: false,
        describe: 'Write one image with all results beside the inputs',
      })
      .example('$0 translate me.jpg --checkpoint runs/first --out out --styles 8 --grid', '')
      .example('$0 translate party.jpg --checkpoint runs/first --out out --face all --paste', '')
      .example(
        '$0 translate me.jpg --checkpoint runs/first --out out --like out/me_style-3.png',
        '',
      ) as unknown as Argv<TranslateArguments>,
  handler: async (args) => (await import('./run/translate.js')).run(args),
};
