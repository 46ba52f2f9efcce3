// The program's entry.
import { systemCode } from '../base/errors.js';
import { onNotice } from '../base/notices.js';
import { onMissingEngine } from '../setup/on-demand.js';
import { runCommandLine } from './command-line.js';
import { printError } from './output.js';

// `gnr ... | head` closes the pipe early: that is not a failure.
process.stdout.on('error', (error) => {
  if (systemCode(error) === 'EPIPE') process.exit(0);
  throw error;
});

onNotice((text) => printError(`gnr: ${text}`));
onMissingEngine(async () => (await import('./run/setup.js')).setUpMissing());
process.exitCode = await runCommandLine(process.argv.slice(2));
