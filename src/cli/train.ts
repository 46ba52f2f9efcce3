// `gnr train`: trains a model.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const trainOptions = (yargs: Argv) =>
  yargs
    .option('config', { type: 'string', describe: 'Config file (JSON); see configs/' })
    .option('out', { type: 'string', demandOption: true, describe: 'Run directory' })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Override of a config key, KEY=VALUE; may be repeated',
    })
    .option('resume', {
      type: 'boolean',
      default: false,
      describe: "Continue from the run's newest checkpoint",
    })
    .option('init', {
      type: 'string',
      describe: 'Start with the weights of a run, a checkpoint, an exported model or a PyTorch file',
    })
    .option('dry-run', {
      type: 'boolean',
      default: false,
      describe: 'Print the config, and the time and memory of training from a few timed steps; write nothing',
    })
    .option('steps', {
      type: 'number',
      describe: 'Length of training; short for --set training.steps=N',
    })
    .example('$0 train --config configs/selfie2anime.json --out runs/first --set data.root=DIR', '')
    .example('$0 train --out runs/first --resume', 'with the config of the run')
    .example('$0 train --init runs/first --out runs/second --set data.root=DIR', 'fine-tune')
    .example('$0 train --init runs/first --out runs/larger --set model.size=128', 'go on at twice the size');

export type TrainArguments = ArgumentsOf<typeof trainOptions>;

export const trainCommand = defineCommand({
  command: 'train',
  describe: 'Train a model on two folders of images',
  builder: trainOptions,
  handler: async (args) => (await import('./run/train.js')).run(args),
});
