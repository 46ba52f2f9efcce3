// `gnr weights`: lists, fetches and imports the weights of metrics and of the perceptual loss.
import type { Argv } from 'yargs';
import { WEIGHT_NAMES } from '../weights/names.js';
import { type ArgumentsOf, defineCommand, defineGroup } from './define-command.js';

const listOptions = (yargs: Argv) =>
  yargs.option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' });

export type ListArguments = ArgumentsOf<typeof listOptions>;

const listCommand = defineCommand({
  command: 'list',
  describe: 'List the weights, which of them are here, and how to get the others',
  builder: listOptions,
  handler: async (args) => (await import('./run/weights-list.js')).run(args),
});

const fetchOptions = (yargs: Argv) =>
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
    );

export type FetchArguments = ArgumentsOf<typeof fetchOptions>;

const fetchCommand = defineCommand({
  command: 'fetch <names..>',
  describe: 'Download official weights, check their hash, and keep the parts that are used',
  builder: fetchOptions,
  handler: async (args) => (await import('./run/weights-fetch.js')).run(args),
});

const importOptions = (yargs: Argv) =>
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
    );

export type ImportArguments = ArgumentsOf<typeof importOptions>;

const importCommand = defineCommand({
  command: 'import <file>',
  describe: 'Check a weights file by its hash, and keep the parts that are used',
  builder: importOptions,
  handler: async (args) => (await import('./run/weights-import.js')).run(args),
});

export const weightsCommand = defineGroup(
  'weights',
  'List, fetch or import the weights of metrics and of the perceptual loss',
  [listCommand, fetchCommand, importCommand],
  'Expected what to do with weights but found nothing; pass `weights list`, `weights fetch NAME` or `weights import FILE`.',
);
