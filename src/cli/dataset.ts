// `gnr dataset`: draws a sample dataset, or checks a dataset.
import type { Argv } from 'yargs';
import { checkCommand } from './dataset-check.js';
import { type ArgumentsOf, defineCommand, defineGroup } from './define-command.js';

const sampleOptions = (yargs: Argv) =>
  yargs
    .positional('dir', { type: 'string', demandOption: true, describe: 'Folder to write; new or empty' })
    .option('images', { type: 'number', default: 400, describe: 'Images in each of trainA and trainB' })
    .option('test-images', { type: 'number', default: 64, describe: 'Images in each of testA and testB' })
    .option('size', { type: 'number', default: 128, describe: 'Width and height of an image, px' })
    .option('seed', { type: 'number', default: 0, describe: 'The same seed draws the same bytes' })
    .option('family', {
      type: 'string',
      default: 'vivid',
      describe: 'Anime style of trainB and testB: vivid, pastel or print, or several: vivid,pastel',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
    .example('$0 dataset sample data/sample', '400 + 400 images of 128 px to learn from')
    .example('$0 dataset sample data/pastel --family pastel', 'another style, to fine-tune on');

export type SampleArguments = ArgumentsOf<typeof sampleOptions>;

const sampleCommand = defineCommand({
  command: 'sample <dir>',
  describe: 'Draw a small unpaired dataset: photo-like portraits and anime portraits',
  builder: sampleOptions,
  handler: async (args) => (await import('./run/dataset-sample.js')).run(args),
});

export const datasetCommand = defineGroup(
  'dataset',
  'Draw a dataset to learn from, or check your own',
  [sampleCommand, checkCommand],
  'Expected what to do with a dataset but found nothing; pass `dataset sample DIR` or `dataset check DIR`.',
);
