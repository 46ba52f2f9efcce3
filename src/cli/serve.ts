// `gnr serve`: serves the page with a model on this machine.
import type { Argv } from 'yargs';
import { type ArgumentsOf, defineCommand } from './define-command.js';

const serveOptions = (yargs: Argv) =>
  yargs
    .option('checkpoint', {
      type: 'string',
      describe: 'Checkpoint, run or exported model [the sample model]',
    })
    .option('port', { type: 'number', default: 8080, describe: 'Port; 0 takes any free port' })
    .option('host', {
      type: 'string',
      default: '127.0.0.1',
      describe: 'Address to listen on; 0.0.0.0 lets other machines in',
    })
    .option('allow-host', {
      type: 'string',
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: 'Another name of this machine that browsers may use; may be repeated',
    })
    .option('open', { type: 'boolean', default: false, describe: 'Open the page in a browser' })
    .example('$0 serve --checkpoint runs/first --open', 'the newest checkpoint of a run')
    .example('$0 serve --port 0', 'the sample model, on any free port');

export type ServeArguments = ArgumentsOf<typeof serveOptions>;

export const serveCommand = defineCommand({
  command: 'serve',
  describe: 'Translate in a browser: serve the page, with a model, on this machine',
  builder: serveOptions,
  handler: async (args) => (await import('./run/serve.js')).run(args),
});
