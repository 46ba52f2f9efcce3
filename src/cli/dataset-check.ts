// `gnr dataset check`: looks for images that harm training.
import type { Argv } from 'yargs';
import { FINDING_KINDS, FINDING_TEXTS, type FindingKind } from '../data/check/findings.js';
import { type ArgumentsOf, defineCommand } from './define-command.js';

/** Kinds that make the exit code 1. */
const PROBLEM_KINDS = FINDING_KINDS.filter((kind) => FINDING_TEXTS[kind].level === 'problem');

const checkOptions = (yargs: Argv) =>
  yargs
    .positional('dir', {
      type: 'string',
      demandOption: true,
      describe: 'Folder with trainA, trainB, testA and testB, or some of them',
    })
    .option('size', {
      type: 'number',
      default: 256,
      describe: 'Size to train at, px: smaller images are tiny',
    })
    .option('aspect', {
      type: 'number',
      default: 1.5,
      describe: 'Highest ratio of longer to shorter side that is fine',
    })
    .option('distance', {
      type: 'number',
      default: 10,
      describe: 'Most bits of 64 in which the hashes of near duplicates differ, 0 to 16',
    })
    .option('allow', {
      type: 'string',
      array: true,
      choices: PROBLEM_KINDS,
      default: [] as FindingKind[],
      describe: 'Problems that leave the exit code 0',
    })
    .option('html', { type: 'string', describe: 'Write a page with images and charts to this file' })
    .option('seed', { type: 'number', default: 0, describe: 'Chooses the images of the contact sheets' })
    .option('json', { type: 'boolean', default: false, describe: 'Print everything as JSON' })
    .example('$0 dataset check data --html check.html', '')
    .example('$0 dataset check data --size 128 --allow near-duplicate', 'for a script');

export type CheckArguments = ArgumentsOf<typeof checkOptions>;

export const checkCommand = defineCommand({
  command: 'check <dir>',
  describe: 'Look for unreadable, small, duplicate and leaked images; exits with 1 if there are any',
  builder: checkOptions,
  handler: async (args) => (await import('./run/dataset-check.js')).run(args),
});
