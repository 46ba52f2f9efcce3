// What `gnr serve` does.
import { spawn } from 'node:child_process';
import { InputError } from '../../base/errors.js';
import { openPage, PAGE_FOLDER, SAMPLE_MODEL } from '../../serve/serve.js';
import { withInterrupt } from '../interrupt.js';
import { printError, printLine } from '../output.js';
import type { ServeArguments } from '../serve.js';

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
    remedy: 'pass one, such as --port 8080, or 0 for any free port',
  });
}

/** Serves the page until Ctrl-C. */
export async function run({
  checkpoint,
  port,
  host,
  allowHost: allowedHosts,
  open,
}: ServeArguments): Promise<void> {
  assertPort(port);
  const { server, dir } = await openPage({
    pageDir: PAGE_FOLDER,
    checkpoint: checkpoint ?? SAMPLE_MODEL,
    host,
    port,
    allowedHosts,
    onSkipped: (skipped, error) => printError(`gnr: ${skipped} is damaged: ${error.message}`),
  });
  printLine(`${server.url} serves the model of ${dir}; Ctrl-C ends it.`);
  if (!server.isLoopback)
    printLine(
      'Cameras, threads and WebGPU work only over https, or on this machine by localhost. Browsers elsewhere use an IP address or the name of this machine; --allow-host NAME adds another.',
    );
  if (open) openBrowser(server.url);
  await withInterrupt(
    (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
  );
  await server.close();
}
