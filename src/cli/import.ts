// `gnr import`: imports a PyTorch checkpoint of the reference implementation.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const importOptions = (yargs: Argv) =>
  yargs
    .positional('file', {
      type: 'string',
      demandOption: true,
      describe:
        'File that torch.save wrote (ck.pt), of either branch, the folder of an unpacked one, or a .safetensors file',
    })
    .option('out', { type: 'string', demandOption: true, describe: 'New folder for the run or the model' })
    .option('as', {
      type: 'string',
      array: true,
      nargs: 1,
      describe:
        'Network whose weights a file without names holds, such as G_A2B_ema, or KEY=NETWORK for those under KEY; may be repeated',
    })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Config key that the file does not hold, KEY=VALUE; may be repeated',
    })
    .example('$0 import ck.pt --out runs/official', '')
    .example('$0 import generator.pt --as G_A2B_ema --out model', 'a generator alone')
    .example('$0 translate me.jpg --checkpoint runs/official --out anime', 'with the imported model');

export type ImportArguments = ArgumentsOf<typeof importOptions>;

export const importCommand = defineCommand({
  command: 'import <file>',
  describe: 'Import a PyTorch checkpoint of the reference implementation',
  builder: importOptions,
  handler: async (args) => (await import('./run/import.js')).run(args),
});
