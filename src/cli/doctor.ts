import type { CommandModule } from 'yargs';
import { printJson, printLine } from './output.js';

const EXIT_NOT_WORKING = 2;

interface DoctorArguments {
  json: boolean;
}

export const doctorCommand: CommandModule<object, DoctorArguments> = {
  command: 'doctor',
  describe: 'Tell what the engine runs on, and each missing part with its remedy',
  builder: (yargs) =>
    yargs
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' })
      .example('$0 doctor', 'a table; exit code 0 where the engine works, else 2')
      .example('$0 doctor --json', 'the same for a program to read'),
  handler: async ({ json }) => {
    const { examine, formatReport } = await import('./doctor-report.js');
    const report = await examine();
    if (json) printJson(report);
    else printLine(formatReport(report));
    if (!report.ok) process.exitCode = EXIT_NOT_WORKING;
  },
};
