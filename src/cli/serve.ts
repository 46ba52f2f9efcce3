import { spawn } from 'node:child_process';
import type { CommandModule } from 'yargs';
import { InputError } from '../base/errors.js';
import { withInterrupt } from './interrupt.js';
import { printError, printLine } from './output.js';

interface ServeArguments {
  checkpoint: string | undefined;
  port: number;
  host: string;
  open: boolean;
}

const OPENERS: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

function openBrowser(url: string): void {
  const [program, ...words] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program!, [...words, url], { detached: true, stdio: 'ignore' });
  child.on('error', () => printError(`gnr: no browser could be opened; open ${url} yourself.`));
  child.unref();
}

function assertPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return;
  throw new InputError({
    expected: 'a whole number from 0 to 65535 for --port',
    found: String(port),
    remedy: 'give one, such as --port 8080, or 0 for any that is free',
  });
}

export const serveCommand: CommandModule<object, ServeArguments> = {
  command: 'serve',
  describe: 'Translate in a browser: serve the page, with a model, on this machine',
  builder: (yargs) =>
    yargs
      .option('checkpoint', {
        type: 'string',
        describe: 'Checkpoint, run or exported model; the sample model where left out',
      })
      .option('port', { type: 'number', default: 8080, describe: 'Port; 0 takes any that is free' })
      .option('host', {
        type: 'string',
        default: '127.0.0.1',
        describe: 'Address to listen on; 0.0.0.0 lets other machines in',
      })
      .option('open', { type: 'boolean', default: false, describe: 'Open the page in a browser' })
      .example('$0 serve --checkpoint runs/first --open', 'the newest checkpoint of a run')
      .example('$0 serve --port 0', 'the sample model, on any free port'),
  handler: async ({ checkpoint, port, host, open }) => {
    assertPort(port);
    const { isLoopback, PAGE_FOLDER, openPage, SAMPLE_MODEL } = await import('../serve/serve.js');
    const { server, dir } = await openPage({
      pageDir: PAGE_FOLDER,
      checkpoint: checkpoint ?? SAMPLE_MODEL,
      host,
      port,
      onSkipped: (skipped, error) => printError(`gnr: ${skipped} is damaged: ${error.message}`),
    });
    printLine(`${server.url} serves the model of ${dir}; Ctrl-C ends it.`);
    if (!isLoopback(host))
      printLine('Cameras and threads work only over https, or on this machine by localhost.');
    if (open) openBrowser(server.url);
    await withInterrupt(
      (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    );
    await server.close();
  },
};
