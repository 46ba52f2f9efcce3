// The program's entry.
import { systemCode } from '../base/errors.js';
import { onNotice } from '../base/notices.js';
import { onMissingEngine } from '../setup/on-demand.js';
import { EXIT_DONE, runCommandLine } from './command-line.js';
import { printError } from './output.js';

let isClosed = false;
// `gnr ... | head` closes the pipe early. Work that can stop in order does, as after Ctrl-C (a training writes its
// checkpoint); other work ends, and that is no failure.
process.stdout.on('error', (error) => {
  if (systemCode(error) !== 'EPIPE') throw error;
  if (isClosed) return;
  isClosed = true;
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM');
  else process.exit(EXIT_DONE);
});
// Messages that nobody reads do not end the work.
process.stderr.on('error', (error) => {
  if (systemCode(error) !== 'EPIPE') throw error;
});

onNotice((text) => printError(`gnr: ${text}`));
onMissingEngine(async () => (await import('./run/setup.js')).setUpMissing());
process.exitCode = await runCommandLine(process.argv.slice(2));
