// The program's entry.
import { systemCode } from '../base/errors.js';
import { onNotice } from '../base/notices.js';
import { onMissingEngine } from '../setup/on-demand.js';
import { runCommandLine } from './command-line.js';
import { isHangUpIgnored, isTerminalLost } from './hang-up.js';
import { stopWork } from './interrupt.js';
import { printError } from './output.js';

process.stdout.on('error', (error) => {
  const code = systemCode(error);
  // The terminal was closed: nobody reads any more, but a hang-up decides whether work stops.
  if (code === 'EIO') return;
  if (code !== 'EPIPE') throw error;
  // `gnr ... | head` closes the pipe early: that is not a failure.
  if (!stopWork()) process.exit(0);
});
process.stderr.on('error', (error) => {
  if (!['EIO', 'EPIPE'].includes(systemCode(error) ?? '')) throw error;
});
// Without a listener, a hang-up would end the process.
if (isHangUpIgnored) process.on('SIGHUP', () => undefined);

onNotice((text) => printError(`gnr: ${text}`));
onMissingEngine(async () => (await import('./run/setup.js')).setUpMissing());
process.exitCode = await runCommandLine(process.argv.slice(2));
// Node aborts at its end if its terminal was closed, so the process ends by the signal of that.
if (isTerminalLost()) {
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}
