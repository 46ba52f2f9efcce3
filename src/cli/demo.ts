// `gnr demo`: translates photographs, fine-tunes the shipped model, and shows the results.
import type { Argv, CommandModule } from 'yargs';

export interface DemoArguments {
  out: string | undefined;
  fromScratch: boolean;
  steps: number | undefined;
}

export const demoCommand: CommandModule<object, DemoArguments> = {
  command: 'demo',
  describe: 'Translate photographs with the sample model, fine-tune it to other drawings, and write a report',
  builder: (yargs) =>
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
      .example(
        '$0 demo --from-scratch',
        'what a network learns from nothing in a few minutes',
      ) as unknown as Argv<DemoArguments>,
  handler: async (args) => (await import('./run/demo.js')).run(args),
};
