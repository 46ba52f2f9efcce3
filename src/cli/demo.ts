// `gnr demo`: translates photographs, fine-tunes the shipped model, and shows the results.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const demoOptions = (yargs: Argv) =>
  yargs
    .option('out', {
      type: 'string',
      describe: 'Folder for everything that it writes [demo, or demo-from-scratch]',
    })
    .option('from-scratch', {
      type: 'boolean',
      default: false,
      describe: 'Train a small network from random weights instead',
    })
    .option('steps', { type: 'number', describe: 'Length of training [that of its config]' })
    .example('$0 demo', 'a few minutes; the result is demo/report.html')
    .example('$0 demo --from-scratch', 'what a network learns from nothing in a few minutes');

export type DemoArguments = ArgumentsOf<typeof demoOptions>;

export const demoCommand = defineCommand({
  command: 'demo',
  describe: 'Translate photographs with the sample model, fine-tune it to other drawings, and write a report',
  builder: demoOptions,
  handler: async (args) => (await import('./run/demo.js')).run(args),
});
