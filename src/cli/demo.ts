// `gnr demo`: draws a dataset, trains on it and shows the result.
import type { CommandModule } from 'yargs';

export interface DemoArguments {
  out: string;
  steps: number | undefined;
}

export const demoCommand: CommandModule<object, DemoArguments> = {
  command: 'demo',
  describe: 'Draw a sample dataset, train on it, translate, and write a report',
  builder: (yargs) =>
    yargs
      .option('out', { type: 'string', default: 'demo', describe: 'Folder for everything that it writes' })
      .option('steps', { type: 'number', describe: 'Length of training [that of configs/demo.json]' })
      .example('$0 demo', 'a few minutes; the result is demo/report.html'),
  handler: async (args) => (await import('./run/demo.js')).run(args),
};
