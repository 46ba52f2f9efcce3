// Writes an export as a folder: written aside, read back, compared, then renamed.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { removeLeftovers, replaceDirectory, writeFileAtomic } from '../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { sha256 } from '../base/hash.js';
import { writeJson } from '../base/write-json.js';
import { checkDifferences } from './comparison.js';
import type { Comparison } from './export-options.js';
import { stopIfAborted } from './export-task.js';

/** Lists the files and the comparison; in every folder that an export makes. */
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

/** The files that an earlier export lists; none if the folder is no export. */
async function filesOfExport(dir: string): Promise<ReadonlySet<string>> {
  try {
    const value: unknown = JSON.parse(await readFile(join(dir, EXPORT_FILE), 'utf8'));
    return new Set([EXPORT_FILE, ...Object.keys(exportFileSchema.parse(value).files)]);
  } catch {
    return new Set();
  }
}

/** Why a folder cannot be replaced as a whole; undefined if it can. */
async function replacementObstacle(dir: string): Promise<string | undefined> {
  const [path, from] = await Promise.all([realpath(dir), realpath(process.cwd())]);
  const below = relative(path, from);
  const isAround = below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below);
  if (isAround) return below === '' ? 'the working directory' : 'a folder around the working directory';
  const [folder, parent] = await Promise.all([stat(path), stat(dirname(path))]);
  return folder.dev === parent.dev ? undefined : 'a mount point';
}

/**
 * Rejects a folder that an export must not replace as a whole: one with files that are not of an earlier export, the
 * working directory, a folder around it, a mount point.
 *
 * @throws InputError that names the first foreign file or the obstacle.
 */
export async function rejectForeignFolder(dir: string): Promise<void> {
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
  const exported = await filesOfExport(dir);
  const foreign = names.find((name) => !exported.has(name));
  if (foreign === undefined) return;
  throw new InputError({ expected, found: `one with ${foreign} in it`, remedy });
}

async function describeFiles(dir: string): Promise<Record<string, { bytes: number; sha256: string }>> {
  const described: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of await filesBelow(dir)) {
    const bytes = await readFile(join(dir, name));
    described[name] = { bytes: bytes.byteLength, sha256: sha256(bytes) };
  }
  return described;
}

export interface ExportFolderContents {
  /** The name of the format, as for `--format`. */
  kind: string;
  /** Writes all files except the card into a folder. */
  write: (folder: string) => Promise<void>;
  /** Reads the files back, as their users will. */
  compare: (folder: string) => Promise<Comparison[]>;
  /** The model card, README.md. */
  card: (comparisons: readonly Comparison[]) => string;
  signal?: AbortSignal | undefined;
}

/**
 * Makes the folder of an export. The files are written to a temporary folder beside it, read back and compared; then the
 * folder gets its name, in place of an earlier export.
 *
 * @throws InputError if the folder has other files; RunError if the export differs by more than its bound or a file cannot
 *   be written; InterruptedError after `signal`. Nothing of it remains then, and an earlier export is kept.
 */
export async function writeExportFolder(
  dir: string,
  { kind, write, compare, card, signal }: ExportFolderContents,
): Promise<Comparison[]> {
  // A killed export leaves a temporary folder behind.
  await removeLeftovers(dirname(resolve(dir)), basename(resolve(dir)));
  await rejectForeignFolder(dir);
  let comparisons: Comparison[] = [];
  await replaceDirectory(dir, async (temporary) => {
    await write(temporary);
    comparisons = await compare(temporary);
    checkDifferences(comparisons, dir);
    stopIfAborted(signal);
    await writeFileAtomic(join(temporary, CARD_FILE), card(comparisons));
    const files = await describeFiles(temporary);
    const record = { format: 'gnr-export', version: 1, kind, files, comparisons };
    await writeJson(join(temporary, EXPORT_FILE), record);
  });
  return comparisons;
}
