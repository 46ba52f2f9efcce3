import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { removeLeftovers, replaceDirectory, writeFileAtomic } from '../base/atomic-files.js';
import { InputError, InterruptedError, messageOf, systemCode } from '../base/errors.js';
import { type Comparison, checkDifferences } from './comparison.js';

/** What was exported, and how near it came: in every folder that an export makes. */
export const EXPORT_FILE = 'export.json';
export const CARD_FILE = 'README.md';

const exportFileSchema = z.looseObject({
  format: z.literal('gnr-export'),
  files: z.record(z.string(), z.unknown()),
});

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** The files that an earlier export says it made; none where it is no export. */
async function filesOfExport(dir: string): Promise<ReadonlySet<string>> {
  try {
    const value: unknown = JSON.parse(await readFile(join(dir, EXPORT_FILE), 'utf8'));
    return new Set([EXPORT_FILE, ...Object.keys(exportFileSchema.parse(value).files)]);
  } catch {
    return new Set();
  }
}

/** What keeps a folder from being replaced as a whole; undefined where nothing does. */
async function replacementObstacle(dir: string): Promise<string | undefined> {
  const [path, from] = await Promise.all([realpath(dir), realpath(process.cwd())]);
  const below = relative(path, from);
  const isAround = below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below);
  if (isAround) return below === '' ? 'the working directory' : 'a folder around the working directory';
  const [own, above] = await Promise.all([stat(path), stat(dirname(path))]);
  return own.dev === above.dev ? undefined : 'a mount point';
}

/**
 * An export replaces a folder as a whole, so nothing but an earlier export may be in it, and nobody may stand in it.
 *
 * @throws InputError naming the first file that is of something else; for the working directory, folders around it, and
 *   mount points.
 */
export async function refuseForeignFolder(dir: string): Promise<void> {
  const expected = `a new or empty folder at ${dir}, or an earlier export`;
  const remedy = 'name another folder with --out';
  let names: string[];
  try {
    if (!(await stat(dir)).isDirectory()) throw new InputError({ expected, found: 'a file', remedy });
    const obstacle = await replacementObstacle(dir);
    if (obstacle !== undefined)
      throw new InputError({
        expected: `a folder at ${dir} that can be replaced as a whole`,
        found: obstacle,
        remedy: 'name a folder inside it with --out',
      });
    names = await filesBelow(dir);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    if (error instanceof InputError) throw error;
    throw new InputError({ expected, found: messageOf(error), remedy }, { cause: error });
  }
  const own = await filesOfExport(dir);
  const foreign = names.find((name) => !own.has(name));
  if (foreign === undefined) return;
  throw new InputError({ expected, found: `one with ${foreign} in it`, remedy });
}

async function describeFiles(dir: string): Promise<Record<string, { bytes: number; sha256: string }>> {
  const described: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of await filesBelow(dir)) {
    const bytes = await readFile(join(dir, name));
    described[name] = { bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  return described;
}

export interface ExportFolderContents {
  /** The format, as `--format` names it. */
  kind: string;
  /** Writes everything but the card into a folder. */
  write: (folder: string) => Promise<void>;
  /** Reads it back, as whoever gets it would. */
  compare: (folder: string) => Promise<Comparison[]>;
  /** The model card, README.md. */
  card: (comparisons: readonly Comparison[]) => string;
  signal?: AbortSignal | undefined;
}

/** @throws InterruptedError after `signal`. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError('the export was stopped; nothing was written');
}

/**
 * Makes a folder of an export: written beside, read back and compared there, and given its name only then, in place of
 * an earlier export.
 *
 * @throws InputError where something else is in the folder; RunError where the export differs by more than its bound or
 *   the disk refuses; InterruptedError after `signal`. Nothing is left of it then, and an earlier export is kept.
 */
export async function writeExportFolder(
  dir: string,
  { kind, write, compare, card, signal }: ExportFolderContents,
): Promise<Comparison[]> {
  // Of an export that was killed.
  await removeLeftovers(dirname(resolve(dir)), basename(resolve(dir)));
  await refuseForeignFolder(dir);
  let comparisons: Comparison[] = [];
  await replaceDirectory(dir, async (temporary) => {
    await write(temporary);
    comparisons = await compare(temporary);
    checkDifferences(comparisons, dir);
    stopIfAborted(signal);
    await writeFileAtomic(join(temporary, CARD_FILE), card(comparisons));
    const files = await describeFiles(temporary);
    const text = JSON.stringify({ format: 'gnr-export', version: 1, kind, files, comparisons }, null, 2);
    await writeFileAtomic(join(temporary, EXPORT_FILE), `${text}\n`);
  });
  return comparisons;
}
