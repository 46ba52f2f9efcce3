// Checks a dataset: unreadable and odd images, duplicates, and leaks from training into test folders.
import { relative, sep } from 'node:path';
import { InputError, InterruptedError } from '../../base/errors.js';
import { availableProcessors } from '../../base/processors.js';
import { type DatasetFolder, type FolderListing, listFolders } from '../folder.js';
import { type Examined, examineImage, reduceToGrey, type Unreadable } from './examine.js';
import { type Finding, type FindingKind, finding, sortFindings } from './findings.js';
import { type Comparable, findMatches } from './matches.js';
import { type FolderStatistics, StatisticsCollector } from './statistics.js';

/** Images in progress for each core: while one is decoded, others are read. */
const AT_ONCE_PER_CORE = 3;

export const CHECK_DEFAULTS = { size: 256, aspect: 1.5, distanceBits: 10 } as const;

export interface DatasetCheckOptions {
  /** The dataset's folder. */
  dir: string;
  /** Training size, px; 256 by default. */
  size?: number;
  /** Reports images whose longer side over their shorter side exceeds this; 1.5 by default. */
  aspect?: number;
  /** Bits, of 64, in which the hashes of similar images may differ, 0 to 16; 10 by default. */
  distanceBits?: number;
  onProgress?: (done: number, total: number) => void;
  /** Stops the check. */
  signal?: AbortSignal;
}

/** The result of a check: JSON values. */
export interface DatasetCheck {
  dir: string;
  settings: { size: number; aspect: number; distanceBits: number };
  /** Statistics of each folder that exists. */
  folders: Partial<Record<DatasetFolder, FolderStatistics>>;
  /** Number of findings of each kind that occurs. */
  counts: Partial<Record<FindingKind, number>>;
  /** Number of findings that somebody has to look at. */
  problems: number;
  notes: number;
  /** Findings, the worst first. */
  findings: Finding[];
}

interface Job {
  folder: DatasetFolder;
  path: string;
  /** Relative to the dataset, with `/`. */
  file: string;
}

/**
 * Examines those of trainA, trainB, testA and testB that exist: decodes every image as training does, and finds files that
 * cannot be read, images that are too small, long, grey, transparent or not sRGB, duplicates, leaks from training into
 * test, and images in both domains.
 *
 * @throws InputError for options out of range, and if there is no dataset; InterruptedError after `signal`.
 */
export async function checkDataset(options: DatasetCheckOptions): Promise<DatasetCheck> {
  const { dir, signal } = options;
  const settings = checkedSettings(options);
  const listings = await listFolders(dir);
  const jobs = listings.flatMap(({ name, images }) =>
    images.map((path): Job => ({ folder: name, path, file: relative(dir, path).split(sep).join('/') })),
  );
  const collectors = new Map(listings.map(({ name }) => [name, new StatisticsCollector()]));
  const comparables: (Comparable | undefined)[] = new Array(jobs.length).fill(undefined);
  const found: Finding[][] = jobs.map(() => []);
  await examineAll(jobs, options, (i, result) => {
    const job = jobs[i]!;
    found[i] = findingsOf(job, result, settings);
    if ('reason' in result) return;
    collectors.get(job.folder)!.add(result);
    const { folder, file } = job;
    comparables[i] = { folder, file, sha256: result.sha256, grey: reduceToGrey(result.pixels) };
  });
  const readable = comparables.filter((comparable) => comparable !== undefined);
  const matches = await findMatches(readable, settings.distanceBits, signal);
  if (signal?.aborted) throw interrupted();
  const findings = sortFindings([...found.flat(), ...matches]);
  return { dir, settings, folders: statistics(listings, collectors), ...count(findings), findings };
}

function statistics(
  listings: readonly FolderListing[],
  collectors: ReadonlyMap<DatasetFolder, StatisticsCollector>,
): DatasetCheck['folders'] {
  return Object.fromEntries(
    listings.map(({ name, images, otherFiles }) => [
      name,
      collectors.get(name)!.result(images.length, otherFiles),
    ]),
  );
}

function count(findings: readonly Finding[]): Pick<DatasetCheck, 'counts' | 'problems' | 'notes'> {
  const counts: DatasetCheck['counts'] = {};
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
  const problems = findings.filter(({ level }) => level === 'problem').length;
  return { counts, problems, notes: findings.length - problems };
}

async function examineAll(
  jobs: readonly Job[],
  { onProgress, signal }: DatasetCheckOptions,
  onResult: (index: number, result: Examined | Unreadable) => void,
): Promise<void> {
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      if (signal?.aborted) throw interrupted();
      const index = next++;
      onResult(index, await examineImage(jobs[index]!.path));
      onProgress?.(++done, jobs.length);
    }
  };
  const workers = Array.from({ length: availableProcessors() * AT_ONCE_PER_CORE }, worker);
  // Waits for all workers before it throws.
  const outcomes = await Promise.allSettled(workers);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function interrupted(): InterruptedError {
  return new InterruptedError('The check of the dataset was stopped; nothing was changed or written.');
}

/** Returns the findings about one file by itself. */
function findingsOf(
  { folder, file }: Job,
  result: Examined | Unreadable,
  { size, aspect }: DatasetCheck['settings'],
): Finding[] {
  const report = (kind: FindingKind, detail: string) => finding(kind, { folder, file, detail });
  if ('reason' in result) return [report('unreadable', result.reason)];
  const { width, height, isGrey, isTransparent, colours, flaw } = result;
  const sides = `${width}x${height} px`;
  const found: Finding[] = [];
  if (Math.min(width, height) < size) found.push(report('tiny', sides));
  if (Math.max(width, height) > aspect * Math.min(width, height)) found.push(report('non-square', sides));
  if (isTransparent) found.push(report('transparent', 'has pixels that are not opaque'));
  if (isGrey) found.push(report('grayscale', 'has no colour'));
  if (colours !== undefined) found.push(report('colour-profile', colours));
  if (flaw !== undefined) found.push(report('flawed', flaw));
  return found;
}

function checkedSettings(options: DatasetCheckOptions): DatasetCheck['settings'] {
  const { size, aspect, distanceBits } = { ...CHECK_DEFAULTS, ...options };
  const check = (isInRange: boolean, flag: string, expected: string, found: number): void => {
    if (isInRange) return;
    throw new InputError({
      expected: `${expected} for ${flag}`,
      found: String(found),
      remedy: `pass ${flag} with a value in that range`,
    });
  };
  check(Number.isInteger(size) && size >= 1 && size <= 8192, '--size', 'an integer from 1 to 8192', size);
  check(aspect >= 1 && aspect <= 100, '--aspect', 'a number from 1 to 100', aspect);
  check(
    Number.isInteger(distanceBits) && distanceBits >= 0 && distanceBits <= 16,
    '--distance',
    'an integer from 0 to 16',
    distanceBits,
  );
  return { size, aspect, distanceBits };
}
