// `gnr report`: rewrites the report page of a run.
import type { CommandModule } from 'yargs';

export interface ReportArguments {
  run: string;
}

export const reportCommand: CommandModule<object, ReportArguments> = {
  command: 'report <run>',
  describe: "Rewrite a run's report page, report.html",
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'Run directory' })
      .example('$0 report runs/first', 'training writes it too, with each grid of samples'),
  handler: async (args) => (await import('./run/report.js')).run(args),
};
