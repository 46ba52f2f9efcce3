// `gnr dataset`: draws a sample dataset, or checks a dataset.
import type { Argv, CommandModule } from 'yargs';
import { checkCommand } from './dataset-check.js';

export interface SampleArguments {
  dir: string;
  images: number;
  testImages: number;
  size: number;
  seed: number;
  family: string;
  json: boolean;
}

const sampleCommand: CommandModule<object, SampleArguments> = {
  command: 'sample <dir>',
  describe: 'Draw a small unpaired dataset: photo-like portraits and anime portraits',
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'Folder to write; new or empty' })
      .option('images', { type: 'number', default: 400, describe: 'Images in each of trainA and trainB' })
      .option('test-images', { type: 'number', default: 64, describe: 'Images in each of testA and testB' })
      .option('size', { type: 'number', default: 128, describe: 'Width and height of an image, px' })
      .option('seed', { type: 'number', default: 0, describe: 'The same seed draws the same bytes' })
      .option('family', {
        type: 'string',
        default: 'vivid',
        describe: 'Anime style of trainB and testB: vivid, pastel or print',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .example('$0 dataset sample data/sample', '400 + 400 images of 128 px to learn from')
      .example(
        '$0 dataset sample data/pastel --family pastel',
        'another style, to fine-tune on',
      ) as unknown as Argv<SampleArguments>,
  handler: async (args) => (await import('./run/dataset-sample.js')).run(args),
};

export const datasetCommand: CommandModule = {
  command: 'dataset',
  describe: 'Draw a dataset to learn from, or check your own',
  builder: (yargs) =>
    yargs
      .command(sampleCommand as unknown as CommandModule)
      .command(checkCommand as unknown as CommandModule)
      .demandCommand(
        1,
        'Expected what to do with a dataset but found nothing; pass `dataset sample DIR` or `dataset check DIR`.',
      ),
  handler: () => {},
};
