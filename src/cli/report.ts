import type { CommandModule } from 'yargs';
import { printLine } from './output.js';

interface ReportArguments {
  run: string;
}

export const reportCommand: CommandModule<object, ReportArguments> = {
  command: 'report <run>',
  describe: "Rewrite a run's report page, report.html",
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'Run directory' })
      .example('$0 report runs/first', 'training writes it too, with every picture of samples'),
  handler: async ({ run }) => {
    const { writeRunReport } = await import('../train/log/run-report.js');
    printLine(await writeRunReport(run));
  },
};
