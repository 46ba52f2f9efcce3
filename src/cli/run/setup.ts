// What `gnr setup` does, and what a command does first where there is no engine.
import type { OnSetupEvent } from '../../setup/events.js';
import { type SetupOptions, type SetupResult, setUpEngine } from '../../setup/setup.js';
import { withInterrupt } from '../interrupt.js';
import { printError, printLine } from '../output.js';
import type { SetupArguments } from '../setup.js';
import { startStages } from '../stages.js';

/** Sets the engine up: steps show as lines, downloads and unpacking as progress in bytes. */
async function setUp(options: Pick<SetupOptions, 'device'>): Promise<SetupResult> {
  const stages = startStages();
  const onEvent: OnSetupEvent = (event) => {
    if (event.kind === 'progress') {
      stages.update({ label: event.label, total: event.total, unit: 'bytes' }, event.done);
      return;
    }
    stages.close();
    printError(event.kind === 'warning' ? `gnr setup: warning: ${event.text}` : `gnr setup: ${event.text}`);
  };
  try {
    return await withInterrupt((signal) => setUpEngine({ ...options, onEvent, signal }));
  } finally {
    stages.close();
  }
}

const buildOf = ({ tensorflow, device }: SetupResult): string => `TensorFlow ${tensorflow} (${device} build)`;

/** Sets the build up that the user asks for. */
export async function run({ device }: SetupArguments): Promise<void> {
  const result = await setUp({ device });
  const how = result.alreadyDone ? 'already works' : 'works';
  printLine(`${buildOf(result)} ${how} with tfjs ${result.tfjs}. npx gnr doctor reports more.`);
}

/** Sets the engine up for a command that needs it; standard output is the command's. */
export async function setUpMissing(): Promise<void> {
  const result = await setUp({});
  if (!result.alreadyDone) printError(`gnr setup: ${buildOf(result)} works.`);
}
