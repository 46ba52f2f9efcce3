import type { CommandModule } from 'yargs';
import type { OnSetupEvent } from '../setup/events.js';
import type { DeviceChoice } from '../setup/platform.js';
import { withInterrupt } from './interrupt.js';
import { type Progress, printError, printLine, startProgress } from './output.js';

const DEVICES = ['auto', 'cpu', 'gpu'] as const;

interface SetupArguments {
  device: DeviceChoice;
}

/** Shows a set-up's events: steps as lines, the bytes of each download and unpacking as progress. */
function showEvents(): { onEvent: OnSetupEvent; close: () => void } {
  let shown: { label: string; progress: Progress } | undefined;
  const close = () => {
    shown?.progress.finish();
    shown = undefined;
  };
  const onEvent: OnSetupEvent = (event) => {
    if (event.kind !== 'progress') {
      close();
      printError(event.kind === 'warning' ? `gnr setup: warning: ${event.text}` : `gnr setup: ${event.text}`);
      return;
    }
    const { label, total, done } = event;
    if (shown?.label !== label) {
      close();
      shown = { label, progress: startProgress({ label, total, unit: 'bytes' }) };
    }
    shown.progress.update(done);
  };
  return { onEvent, close };
}

export const setupCommand: CommandModule<object, SetupArguments> = {
  command: 'setup',
  describe: "Provide TensorFlow's library and build the addon (npm ci runs this)",
  builder: (yargs) =>
    yargs
      .option('device', {
        choices: DEVICES,
        default: 'auto' as const,
        describe:
          'Build of TensorFlow; auto keeps what is in place, else takes gpu where nvidia-smi shows one',
      })
      .example('$0 setup', 'the build for this machine; nothing to do where it works')
      .example('$0 setup --device gpu', 'TensorFlow with CUDA (3.3 GB to download, 5.4 GB on disk)')
      .epilogue('Cached under GNR_CACHE_DIR, else $XDG_CACHE_HOME/gans-n-roses or ~/.cache/gans-n-roses.'),
  handler: async ({ device }) => {
    const { setUpEngine } = await import('../setup/setup.js');
    const display = showEvents();
    try {
      const { onEvent } = display;
      const result = await withInterrupt((signal) => setUpEngine({ device, onEvent, signal }));
      display.close();
      const how = result.alreadyDone ? 'already works' : 'works';
      const build = `TensorFlow ${result.tensorflow} (${result.device} build)`;
      printLine(`${build} ${how} with tfjs ${result.tfjs}. npx gnr doctor tells more.`);
    } finally {
      display.close();
    }
  },
};
