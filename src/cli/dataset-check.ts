import type { Argv, CommandModule } from 'yargs';
import type { FindingKind } from '../data/check/findings.js';
import { withInterrupt } from './interrupt.js';
import { printJson, printLine, startProgress } from './output.js';

interface CheckArguments {
  dir: string;
  size: number;
  aspect: number;
  distance: number;
  allow: FindingKind[];
  seed: number;
  html: string | undefined;
  json: boolean;
}

/** Kinds that make the exit code 1; named here because the command line starts without the code behind it. */
const PROBLEM_KINDS: readonly FindingKind[] = [
  'unreadable',
  'leaked',
  'across-domains',
  'duplicate',
  'near-duplicate',
  'tiny',
];

async function check(args: CheckArguments): Promise<void> {
  const { dir, size, aspect, distance, allow, seed, html, json } = args;
  const { checkDataset } = await import('../data/check/dataset-check.js');
  const { checkText } = await import('./dataset-check-text.js');
  const result = await withInterrupt(async (signal) => {
    let progress: ReturnType<typeof startProgress> | undefined;
    const onProgress = (done: number, total: number) => {
      progress ??= startProgress({ label: 'checking', total, unit: 'pictures' });
      progress.update(done);
    };
    try {
      const found = await checkDataset({ dir, size, aspect, distanceBits: distance, onProgress, signal });
      if (html !== undefined) {
        const { drawCheckThumbnails } = await import('../data/check/thumbnails.js');
        const { checkPage } = await import('./dataset-check-page.js');
        const { writeFileAtomic } = await import('../base/atomic-files.js');
        await writeFileAtomic(html, checkPage(found, await drawCheckThumbnails(found, { seed, signal })));
      }
      return found;
    } finally {
      progress?.finish();
    }
  });
  if (json) printJson(result);
  else printLine(checkText(result));
  if (!json && html !== undefined) printLine(`${html}: the same with pictures`);
  const counted = result.findings.filter(({ kind, level }) => level === 'problem' && !allow.includes(kind));
  if (counted.length > 0) process.exitCode = 1;
}

export const checkCommand: CommandModule<object, CheckArguments> = {
  command: 'check <dir>',
  describe: 'Look for unreadable, small, doubled and leaked pictures; exits with 1 where there are any',
  builder: (yargs) =>
    yargs
      .positional('dir', {
        type: 'string',
        demandOption: true,
        describe: 'Folder with trainA, trainB, testA and testB, or some of them',
      })
      .option('size', {
        type: 'number',
        default: 256,
        describe: 'Size to train at, px: smaller pictures are tiny',
      })
      .option('aspect', {
        type: 'number',
        default: 1.5,
        describe: 'Longer over shorter side that is still fine',
      })
      .option('distance', {
        type: 'number',
        default: 10,
        describe: 'Bits of 64 in which the hashes of near duplicates differ at most, 0 to 16',
      })
      .option('allow', {
        type: 'string',
        array: true,
        choices: PROBLEM_KINDS,
        default: [],
        describe: 'Problems that leave the exit code 0',
      })
      .option('html', { type: 'string', describe: 'Write a page with pictures and charts there' })
      .option('seed', { type: 'number', default: 0, describe: 'Chooses the pictures of the contact sheets' })
      .option('json', { type: 'boolean', default: false, describe: 'Print everything as JSON' })
      .example('$0 dataset check data --html check.html', '')
      .example(
        '$0 dataset check data --size 128 --allow near-duplicate',
        'for a script',
      ) as unknown as Argv<CheckArguments>,
  handler: check,
};
