// `gnr bench`: times training steps or translation.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const benchOptions = (yargs: Argv) =>
  yargs
    .positional('work', {
      choices: ['train', 'translate'] as const,
      demandOption: true,
      describe: 'What to time',
    })
    .option('size', {
      type: 'number',
      describe: 'Side of the images, px [64 for train, 256 for translate]',
    })
    .option('batch', { type: 'number', describe: 'Images in a batch [2 for train, 1 for translate]' })
    .option('steps', { type: 'number', default: 6, describe: 'Runs; the first two do not count' })
    .option('r1', {
      type: 'boolean',
      default: false,
      describe: 'Time training steps with R1 instead of those without',
    })
    .option('config', { type: 'string', describe: "Config file instead of the reference's channel sizes" })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Override of a config key, KEY=VALUE',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
    .example('$0 bench train --set runtime.arithmetic=bfloat16', '');

export type BenchArguments = ArgumentsOf<typeof benchOptions>;

export const benchCommand = defineCommand({
  command: 'bench <work>',
  describe: "Time training steps or translation on this machine, at the reference's channel sizes",
  builder: benchOptions,
  handler: async (args) => (await import('./run/bench.js')).run(args),
});
