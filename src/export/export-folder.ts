// Writes an export as a folder: written aside, read back, compared, then renamed.
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { endOfLinks, replaceDirectory, writeFileAtomic } from '../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { sha256OfFile } from '../base/hash.js';
import { removeLeftoversOf } from '../base/leftovers.js';
import { writeJson } from '../base/write-json.js';
import { checkDifferences } from './comparison.js';
import type { Comparison } from './export-options.js';
import { stopIfAborted } from './export-task.js';

/** Lists the files and the comparison; in every folder that an export makes. */
export const EXPORT_FILE = 'export.json';
export const CARD_FILE = 'README.md';

const exportFileSchema = z.looseObject({
  format: z.literal('gnr-export'),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});
type FileRecords = z.infer<typeof exportFileSchema>['files'];

/** Files up to this size, which people edit, are read to see whether they did; larger ones only before they are removed. */
const SMALL_BYTES = 2 ** 24;

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** The files that an earlier export lists; undefined if the folder is no export. */
async function filesOfExport(dir: string): Promise<FileRecords | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(dir, EXPORT_FILE), 'utf8'));
    return exportFileSchema.parse(value).files;
  } catch {
    return undefined;
  }
}

/** Whether a file is as the export wrote it, as far as its size and, up to `hashBytes`, its content tell. */
async function isUnchanged(
  file: string,
  { bytes, sha256 }: FileRecords[string],
  hashBytes: number,
): Promise<boolean> {
  const stats = await lstat(file);
  if (!stats.isFile() || stats.size !== bytes) return false;
  return bytes > hashBytes || (await sha256OfFile(file)) === sha256;
}

/** What of a folder an export did not write, or somebody has changed since, in words; undefined if there is nothing. */
async function foreignContent(dir: string, hashBytes: number): Promise<string | undefined> {
  const names = await filesBelow(dir);
  const records = (await filesOfExport(dir)) ?? {};
  const isOfExport = (name: string) => Object.hasOwn(records, name) || name === EXPORT_FILE;
  const hasRecord = Object.keys(records).length > 0;
  const foreign = names.find((name) => !hasRecord || !isOfExport(name));
  if (foreign !== undefined) return `one with ${foreign} in it`;
  for (const name of names) {
    const record = records[name];
    if (record === undefined || name === EXPORT_FILE) continue;
    if (!(await isUnchanged(join(dir, name), record, hashBytes)))
      return `one whose ${name} has changed since it was exported`;
  }
  return undefined;
}

/** The files of a folder with what changes when somebody writes to them. */
async function snapshot(dir: string): Promise<ReadonlyMap<string, string>> {
  const facts = (await filesBelow(dir)).map(async (name) => {
    const { size, mtimeNs, ino } = await lstat(join(dir, name), { bigint: true });
    return [name, `${size} ${mtimeNs} ${ino}`] as const;
  });
  return new Map(await Promise.all(facts));
}

function ifMissing(error: unknown): ReadonlyMap<string, string> {
  if (systemCode(error) === 'ENOENT') return new Map();
  throw error;
}

const expectedFolder = (dir: string): string => `a new or empty folder at ${dir}, or an earlier export`;

/** @throws InputError if a folder has changed since the snapshot. */
async function rejectChanges(
  folder: string,
  before: ReadonlyMap<string, string>,
  dir: string,
): Promise<void> {
  const after = await snapshot(folder);
  const names = [...new Set([...after.keys(), ...before.keys()])];
  const changed = names.find((name) => after.get(name) !== before.get(name));
  if (changed === undefined) return;
  throw new InputError({
    expected: expectedFolder(dir),
    found: `one whose ${changed} came or changed while the export was written`,
    remedy: 'the folder is as it was: name another folder with --out',
  });
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
 * Rejects a folder that an export must not replace as a whole: one with files that are not of an earlier export or were
 * edited since, the working directory, a folder around it, a mount point.
 *
 * @param hashBytes files up to this size are read to see whether they were edited; the size tells of larger ones.
 * @throws InputError that names the first such file or the obstacle.
 */
export async function rejectForeignFolder(dir: string, hashBytes = SMALL_BYTES): Promise<void> {
  const expected = expectedFolder(dir);
  const remedy = 'name another folder with --out, or move that file elsewhere';
  let found: string | undefined;
  try {
    if (!(await stat(dir)).isDirectory())
      throw new InputError({ expected, found: 'a file', remedy: 'name another folder with --out' });
    const obstacle = await replacementObstacle(dir);
    if (obstacle !== undefined)
      throw new InputError({
        expected: `a folder at ${dir} that can be replaced as a whole`,
        found: obstacle,
        remedy: 'name a folder inside it with --out',
      });
    found = await foreignContent(dir, hashBytes);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    if (error instanceof InputError) throw error;
    const details = { expected, found: messageOf(error), remedy: 'name another folder with --out' };
    throw new InputError(details, { cause: error });
  }
  if (found !== undefined) throw new InputError({ expected, found, remedy });
}

async function describeFiles(dir: string): Promise<FileRecords> {
  const described: FileRecords = {};
  for (const name of await filesBelow(dir)) {
    const file = join(dir, name);
    described[name] = { bytes: (await stat(file)).size, sha256: await sha256OfFile(file) };
  }
  return described;
}

/** @throws InputError for a folder that a killed export has set aside, with files of its user in it. */
async function rejectForeignLeftover(setAside: string): Promise<void> {
  const found = await foreignContent(setAside, Number.POSITIVE_INFINITY);
  if (found === undefined) return;
  throw new InputError({
    expected: `an earlier export at ${setAside}, where an export that was killed has put it`,
    found,
    remedy: 'move what you need out of it, remove it, and run the command again',
  });
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
 * @throws InputError if the folder has other or edited files, or gets some meanwhile; RunError if the export differs by more than its bound or a file cannot
 *   be written; InterruptedError after `signal`. Nothing of it remains then, and an earlier export is kept.
 */
export async function writeExportFolder(
  dir: string,
  { kind, write, compare, card, signal }: ExportFolderContents,
): Promise<Comparison[]> {
  // A killed export leaves a temporary folder behind.
  await removeLeftoversOf(dir, { inspect: rejectForeignLeftover });
  await rejectForeignFolder(dir);
  let comparisons: Comparison[] = [];
  let before: ReadonlyMap<string, string> = new Map();
  const inspect = (setAside: string) => rejectChanges(setAside, before, dir);
  const writer = async (temporary: string): Promise<void> => {
    await write(temporary);
    comparisons = await compare(temporary);
    checkDifferences(comparisons, dir);
    stopIfAborted(signal);
    await writeFileAtomic(join(temporary, CARD_FILE), card(comparisons));
    const files = await describeFiles(temporary);
    const record = { format: 'gnr-export', version: 1, kind, files, comparisons };
    await writeJson(join(temporary, EXPORT_FILE), record);
    before = await snapshot(await endOfLinks(dir)).catch(ifMissing);
    await rejectForeignFolder(dir, Number.POSITIVE_INFINITY);
  };
  await replaceDirectory(dir, writer, { inspect });
  return comparisons;
}
