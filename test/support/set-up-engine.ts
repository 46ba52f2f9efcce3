// Runs before the tests that load TensorFlow: sets it up where it is missing, as the first command does.
import { messageOf } from '../../src/base/errors.js';
import { formatBytes } from '../../src/base/format-bytes.js';
import type { SetupEvent } from '../../src/setup/events.js';
import { setUpEngine } from '../../src/setup/setup.js';

const QUIET_MILLISECONDS = 10_000;

const say = (text: string) => void process.stderr.write(`set-up: ${text}\n`);

let saidAt = 0;

function report(event: SetupEvent): void {
  if (event.kind !== 'progress') {
    say(event.text);
    return;
  }
  if (performance.now() - saidAt < QUIET_MILLISECONDS) return;
  saidAt = performance.now();
  say(`${event.label}: ${formatBytes(event.done)} of ${formatBytes(event.total)}`);
}

export async function setup(): Promise<void> {
  if (process.env.GNR_SKIP_SETUP === '1') return;
  try {
    await setUpEngine({ onEvent: report });
  } catch (error) {
    // The stack would hide what to do about it.
    throw new Error(messageOf(error));
  }
}
