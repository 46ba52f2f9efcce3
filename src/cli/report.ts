// `gnr report`: rewrites the report page of a run.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const reportOptions = (yargs: Argv) =>
  yargs
    .positional('run', { type: 'string', demandOption: true, describe: 'Run directory' })
    .example('$0 report runs/first', 'training writes it too, with each grid of samples');

export type ReportArguments = ArgumentsOf<typeof reportOptions>;

export const reportCommand = defineCommand({
  command: 'report <run>',
  describe: "Rewrite a run's report page, report.html",
  builder: reportOptions,
  handler: async (args) => (await import('./run/report.js')).run(args),
});
