// `gnr doctor`: reports what the engine runs on, and what is missing.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const doctorOptions = (yargs: Argv) =>
  yargs
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' })
    .example('$0 doctor', 'a table; exit code 0 if the engine works, else 2')
    .example('$0 doctor --json', 'the same for a program to read');

export type DoctorArguments = ArgumentsOf<typeof doctorOptions>;

export const doctorCommand = defineCommand({
  command: 'doctor',
  describe: 'Report what the engine runs on, and how to get each missing part',
  builder: doctorOptions,
  handler: async (args) => (await import('./run/doctor.js')).run(args),
});
