import type { Argv, CommandModule } from 'yargs';
import { checkCommand } from './dataset-check.js';
import { withInterrupt } from './interrupt.js';
import { printJson, printLine, startProgress } from './output.js';

interface SampleArguments {
  dir: string;
  images: number;
  testImages: number;
  size: number;
  seed: number;
  family: string;
  json: boolean;
}

/** Draws the sample dataset and tells what was made. Throws what `drawSampleDataset` throws. */
export async function drawSample(args: SampleArguments): Promise<void> {
  const { drawSampleDataset } = await import('../sample/draw.js');
  const { dir, images, testImages, size, seed, family, json } = args;
  const progress = startProgress({ label: 'drawing', total: 2 * (images + testImages), unit: 'images' });
  try {
    await withInterrupt((signal) =>
      drawSampleDataset({
        dir,
        images,
        testImages,
        size,
        seed,
        family,
        signal,
        onProgress: (done) => progress.update(done),
      }),
    );
  } finally {
    progress.finish();
  }
  if (json) return printJson({ dir, images, testImages, size, seed, family });
  printLine(`${dir}: trainA and trainB with ${images} pictures each, testA and testB with ${testImages}`);
  printLine(`${size} px, family ${family}, seed ${seed}; what each was drawn from stands in factors.json`);
}

const sampleCommand: CommandModule<object, SampleArguments> = {
  command: 'sample <dir>',
  describe: 'Draw a small unpaired dataset: photo-like portraits and anime portraits',
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'Folder to make; new or empty' })
      .option('images', { type: 'number', default: 400, describe: 'Pictures in each of trainA and trainB' })
      .option('test-images', { type: 'number', default: 64, describe: 'Pictures in each of testA and testB' })
      .option('size', { type: 'number', default: 128, describe: 'Width and height of a picture, px' })
      .option('seed', { type: 'number', default: 0, describe: 'The same seed draws the same bytes' })
      .option('family', {
        type: 'string',
        default: 'vivid',
        describe: 'Anime style of trainB and testB: vivid or pastel',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .example('$0 dataset sample data/sample', '400 + 400 pictures of 128 px to learn from')
      .example(
        '$0 dataset sample data/pastel --family pastel',
        'another style, to fine-tune on',
      ) as unknown as Argv<SampleArguments>,
  handler: drawSample,
};

export const datasetCommand: CommandModule = {
  command: 'dataset',
  describe: 'Draw a dataset to learn from, or examine your own',
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
