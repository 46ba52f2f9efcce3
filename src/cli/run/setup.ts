// What `gnr setup` does.
import type { OnSetupEvent } from '../../setup/events.js';
import { setUpEngine } from '../../setup/setup.js';
import { withInterrupt } from '../interrupt.js';
import { printError, printLine } from '../output.js';
import type { SetupArguments } from '../setup.js';
import { startStages } from '../stages.js';

/** Sets the engine up: steps show as lines, downloads and unpacking as progress in bytes. */
export async function run({ device }: SetupArguments): Promise<void> {
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
    const result = await withInterrupt((signal) => setUpEngine({ device, onEvent, signal }));
    stages.close();
    const how = result.alreadyDone ? 'already works' : 'works';
    const build = `TensorFlow ${result.tensorflow} (${result.device} build)`;
    printLine(`${build} ${how} with tfjs ${result.tfjs}. npx gnr doctor reports more.`);
  } finally {
    stages.close();
  }
}
