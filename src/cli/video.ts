// `gnr video`: translates a video.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';
import { faceOptions } from './face-options.js';
import { styleOptions } from './style-options.js';

const videoOptions = (yargs: Argv) =>
  yargs
    .positional('input', { type: 'string', demandOption: true, describe: 'A video file' })
    .option('checkpoint', {
      type: 'string',
      demandOption: true,
      describe: 'A checkpoint, a run (its newest checkpoint), or an exported model',
    })
    .option('out', {
      type: 'string',
      demandOption: true,
      describe: 'The video to write: .mp4, .m4v, .mov, .mkv or .webm',
    })
    .option('size', { type: 'number', describe: "Side of the output, px [the model's]" })
    .option('mosaic', {
      type: 'boolean',
      default: false,
      describe: 'Show the original in the middle of eight styles',
    })
    .option('style-seconds', {
      type: 'number',
      describe: 'Go smoothly from style to style, in this many seconds each',
    })
    .options(styleOptions('1; 8 for --mosaic; 4 for --style-seconds;'))
    .options(faceOptions)
    .option('json', { type: 'boolean', default: false, describe: 'Print what was done, as JSON' })
    .example('$0 video me.mp4 --checkpoint runs/first --out anime.mp4 --style-seconds 4', '')
    .example('$0 video party.mp4 --checkpoint runs/first --out anime.mp4 --face all --paste', '')
    .example('$0 video me.mp4 --checkpoint runs/first --out grid.mp4 --mosaic', '');

export type VideoArguments = ArgumentsOf<typeof videoOptions>;

export const videoCommand = defineCommand({
  command: 'video <input>',
  describe: 'Translate a video with a trained model, and keep its sound (needs ffmpeg)',
  builder: videoOptions,
  handler: async (args) => (await import('./run/video.js')).run(args),
});
