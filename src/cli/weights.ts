// `gnr weights`: lists, fetches and imports the weights of metrics and of the perceptual loss.
import type { Argv, CommandModule } from 'yargs';
import { WEIGHT_NAMES, type WeightName } from '../weights/names.js';

export interface ListArguments {
  json: boolean;
}

export interface FetchArguments {
  names: (WeightName | 'all')[];
  from: string | undefined;
}

export interface ImportArguments {
  file: string;
  as: WeightName | undefined;
  unverified: boolean;
}

const listCommand: CommandModule<object, ListArguments> = {
  command: 'list',
  describe: 'List the weights, which of them are here, and how to get the others',
  builder: (yargs) =>
    yargs.option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' }),
  handler: async (args) => (await import('./run/weights-list.js')).run(args),
};

const fetchCommand: CommandModule<object, FetchArguments> = {
  command: 'fetch <names..>',
  describe: 'Download official weights, check their hash, and keep the parts that are used',
  builder: (yargs) =>
    yargs
      .positional('names', {
        choices: [...WEIGHT_NAMES, 'all'] as const,
        array: true,
        demandOption: true,
        describe: 'Weights to fetch',
      })
      .option('from', {
        type: 'string',
        describe: 'URL of a mirror with the official file names [GNR_WEIGHTS_URL]',
      })
      .example('$0 weights fetch vgg16 lpips-vgg', 'the weights of the perceptual loss')
      .example('$0 weights fetch all --from http://mirror.example/weights', '')
      .epilogue(
        'The same command continues a fetch that was stopped. Behind a proxy: NODE_USE_ENV_PROXY=1 and HTTPS_PROXY, with Node 22.21 or newer.',
      ) as unknown as Argv<FetchArguments>,
  handler: async (args) => (await import('./run/weights-fetch.js')).run(args),
};

const importCommand: CommandModule<object, ImportArguments> = {
  command: 'import <file>',
  describe: 'Check a weights file by its hash, and keep the parts that are used',
  builder: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A PyTorch file (.pth or .pt), or .safetensors',
      })
      .option('as', {
        choices: WEIGHT_NAMES,
        describe: 'Which weights it must be [recognised by names and shapes]',
      })
      .option('unverified', {
        type: 'boolean',
        default: false,
        describe: 'Accept a file whose hash is not an official one; receipts then say so',
      })
      .example('$0 weights import pt_inception-2015-12-05-6726825d.pth', '')
      .example(
        '$0 weights import lpips.safetensors --unverified',
        'a whole lpips.LPIPS: its trunk and its layers',
      ) as unknown as Argv<ImportArguments>,
  handler: async (args) => (await import('./run/weights-import.js')).run(args),
};

export const weightsCommand: CommandModule = {
  command: 'weights',
  describe: 'List, fetch or import the weights of metrics and of the perceptual loss',
  builder: (yargs) =>
    yargs
      .command(listCommand as unknown as CommandModule)
      .command(fetchCommand as unknown as CommandModule)
      .command(importCommand as unknown as CommandModule)
      .demandCommand(
        1,
        'Expected what to do with weights but found nothing; pass `weights list`, `weights fetch NAME` or `weights import FILE`.',
      ),
  handler: () => {},
};
