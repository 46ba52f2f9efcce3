// `gnr translate`: translates images.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';
import { faceOptions } from './face-options.js';
import { styleOptions } from './style-options.js';

/** Random styles by default. */
export const DEFAULT_STYLES = 4;

const translateOptions = (yargs: Argv) =>
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
    .option('out', { type: 'string', demandOption: true, describe: 'Folder for the results' })
    .options(styleOptions(String(DEFAULT_STYLES)))
    .options(faceOptions)
    .option('grid', {
      type: 'boolean',
      default: false,
      describe: 'Write one image with all results beside the inputs',
    })
    .example('$0 translate me.jpg --checkpoint runs/first --out out --styles 8 --grid', '')
    .example('$0 translate party.jpg --checkpoint runs/first --out out --face all --paste', '')
    .example('$0 translate me.jpg --checkpoint runs/first --out out --like out/me_style-3.png', '');

export type TranslateArguments = ArgumentsOf<typeof translateOptions>;

export const translateCommand = defineCommand({
  command: 'translate <inputs..>',
  describe: 'Translate images and folders with a trained model',
  builder: translateOptions,
  handler: async (args) => (await import('./run/translate.js')).run(args),
});
