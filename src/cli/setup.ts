// `gnr setup`: provides TensorFlow's library and builds the addon.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const DEVICES = ['auto', 'cpu', 'gpu'] as const;

const setupOptions = (yargs: Argv) =>
  yargs
    .option('device', {
      choices: DEVICES,
      describe:
        'Build of TensorFlow; auto keeps what is in place, else takes gpu if nvidia-smi shows one [GNR_DEVICE, else auto]',
    })
    .example('$0 setup', 'the build for this machine; does nothing if it works')
    .example('$0 setup --device gpu', 'TensorFlow with CUDA (3.3 GB to download, 5.4 GB on disk)')
    .epilogue('Cached under GNR_CACHE_DIR, else $XDG_CACHE_HOME/gans-n-roses or ~/.cache/gans-n-roses.');

export type SetupArguments = ArgumentsOf<typeof setupOptions>;

export const setupCommand = defineCommand({
  command: 'setup',
  describe: "Provide TensorFlow's library and build the addon (commands that need it do so too)",
  builder: setupOptions,
  handler: async (args) => (await import('./run/setup.js')).run(args),
});
