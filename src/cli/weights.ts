import type { Argv, CommandModule } from 'yargs';
import { formatBytes } from '../base/format-bytes.js';
import type { FetchEvent } from '../weights/fetch.js';
import type { WeightsRow } from '../weights/list.js';
import { WEIGHT_NAMES, type WeightName } from '../weights/names.js';
import { withInterrupt } from './interrupt.js';
import { type Progress, printError, printJson, printLine, startProgress } from './output.js';

/** A table of the weights, and below it what to do about those that are not there. */
export function formatWeights(rows: readonly WeightsRow[]): string {
  const cells = rows.map(({ name, state, bytes, use, file }) => [
    name,
    state,
    bytes === null ? '-' : formatBytes(bytes),
    use,
    bytes === null ? '-' : file,
  ]);
  const table = [['name', 'state', 'size', 'for', 'file'], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)) + 2);
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('')
      .trimEnd(),
  );
  const wanting = rows.filter(({ remedy }) => remedy !== null);
  if (wanting.length > 0) lines.push('');
  for (const { name, problem, remedy, downloadBytes } of wanting)
    lines.push(`${name}: ${problem ? `${problem}; ` : ''}${remedy} (${formatBytes(downloadBytes)})`);
  return lines.join('\n');
}

const listCommand: CommandModule<object, { json: boolean }> = {
  command: 'list',
  describe: 'Tell which weights there are, which are here, and how to get the others',
  builder: (yargs) =>
    yargs.option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' }),
  handler: async ({ json }) => {
    const { listWeights } = await import('../weights/list.js');
    const rows = await listWeights();
    if (json) printJson(rows);
    else printLine(formatWeights(rows));
  },
};

type Happening = Exclude<FetchEvent, { kind: 'progress' | 'import' | 'there' | 'done' }>;

function whatHappens(event: Happening): string {
  switch (event.kind) {
    case 'start':
      return `fetching ${event.url}`;
    case 'retry':
      return `${event.reason}; trying again${event.waitSeconds > 0 ? ` in ${Math.ceil(event.waitSeconds)} s` : ''}`;
    case 'restart':
      return `${event.reason}; starting from the beginning`;
    case 'wait':
      return `waiting for another process${event.pid ? ` (${event.pid})` : ''} that fetches it`;
  }
}

/** Shows the events of a fetch: lines for what happens, progress for bytes. */
function showFetch(): { onEvent: (event: FetchEvent) => void; close: () => void } {
  let shown: { label: string; progress: Progress } | undefined;
  const close = () => {
    shown?.progress.finish();
    shown = undefined;
  };
  const advance = (label: string, done: number, total: number | undefined) => {
    if (shown?.label !== label) {
      close();
      shown = { label, progress: startProgress({ label, total, from: done, unit: 'bytes' }) };
    }
    shown.progress.update(done);
  };
  const onEvent = (event: FetchEvent): void => {
    if (event.kind === 'progress' || event.kind === 'import') {
      const label = `${event.kind === 'import' ? 'importing' : 'fetching'} ${event.name}`;
      advance(label, event.doneBytes, event.totalBytes);
      return;
    }
    close();
    if (event.kind === 'there') printLine(`${event.name} is there already.`);
    else if (event.kind === 'done') printLine(`${event.name}: ${event.file}`);
    else printError(`gnr: ${event.name}: ${whatHappens(event)}`);
  };
  return { onEvent, close };
}

interface FetchArguments {
  names: (WeightName | 'all')[];
  from: string | undefined;
}

const fetchCommand: CommandModule<object, FetchArguments> = {
  command: 'fetch <names..>',
  describe: 'Download official weights, check their hash, and keep what is needed of them',
  builder: (yargs) =>
    yargs
      .positional('names', {
        choices: [...WEIGHT_NAMES, 'all'] as const,
        array: true,
        demandOption: true,
        describe: 'Weights to fetch',
      })
      .option('from', {
        type: 'string',
        describe: 'Address of a mirror that has the official files by their names; else GNR_WEIGHTS_URL',
      })
      .example('$0 weights fetch vgg16 lpips-vgg', 'what the perceptual loss needs')
      .example('$0 weights fetch all --from http://mirror.example/weights', '')
      .epilogue(
        'A fetch that was stopped goes on with the same command. Behind a proxy: NODE_USE_ENV_PROXY=1 and HTTPS_PROXY, with Node 22.21 or newer.',
      ) as unknown as Argv<FetchArguments>,
  handler: async ({ names, from }) => {
    const { fetchWeights } = await import('../weights/fetch.js');
    const { onEvent, close } = showFetch();
    const chosen = new Set(names.flatMap((name) => (name === 'all' ? WEIGHT_NAMES : [name])));
    try {
      await withInterrupt(async (signal) => {
        for (const name of chosen) await fetchWeights(name, { from, signal, onEvent });
      });
    } finally {
      close();
    }
  },
};

interface ImportArguments {
  file: string;
  as: WeightName | undefined;
  unverified: boolean;
}

const importCommand: CommandModule<object, ImportArguments> = {
  command: 'import <file>',
  describe: 'Check a file of weights by its hash, and keep what is needed of it',
  builder: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A .pth or .pt file of PyTorch, or .safetensors',
      })
      .option('as', {
        choices: WEIGHT_NAMES,
        describe: 'Which weights it has to be; told by names and shapes where left out',
      })
      .option('unverified', {
        type: 'boolean',
        default: false,
        describe: 'Take a file whose hash is not an official one; receipts then say so',
      })
      .example('$0 weights import pt_inception-2015-12-05-6726825d.pth', '')
      .example(
        '$0 weights import lpips.safetensors --unverified',
        'a whole lpips.LPIPS: its trunk and its layers',
      ) as unknown as Argv<ImportArguments>,
  handler: async ({ file, as, unverified }) => {
    const { importWeights } = await import('../weights/import.js');
    let progress: Progress | undefined;
    const onProgress = (done: number, total: number): void => {
      progress ??= startProgress({ label: 'importing', total, unit: 'bytes' });
      progress.update(done);
    };
    const imported = await withInterrupt((signal) =>
      importWeights(file, { as, unverified, signal, onProgress }),
    ).finally(() => progress?.finish());
    for (const { name, verified, file: kept } of imported)
      printLine(`${name}${verified ? '' : ' (unverified)'}: ${kept}`);
  },
};

export const weightsCommand: CommandModule = {
  command: 'weights',
  describe: 'List, fetch or import the weights of metrics and of the perceptual loss',
  builder: (yargs) =>
    yargs
      .command(listCommand as unknown as CommandModule)
      .command(fetchCommand as unknown as CommandModule)
      .command(importCommand as unknown as CommandModule)
      .demandCommand(
        1,
        'Expected what to do with weights but found nothing; pass `weights list`, `weights fetch NAME` or `weights import FILE`.',
      ),
  handler: () => {},
};
