// Leaves temporary entries as processes that have ended, or of another container, leave them.
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withTemporary } from '../../src/base/temporary-names.js';

/** A process number that is free, and that of a process which has ended. */
const endedPid = (): number => spawnSync('true').pid;

export interface LeftBy {
  kind?: 'tmp' | 'old';
  /** The container that the process was in; by default this one. */
  place?: string;
  pid?: number;
}

/** The path of a temporary entry beside `target` of a process that has ended; `left` says otherwise. */
export async function temporaryPath(target: string, left: LeftBy = {}): Promise<string> {
  const { kind = 'tmp', pid = endedPid() } = left;
  const own = await withTemporary(target, kind, async (path) => path);
  const [, before, place, , started, random] = /^(.*)~([^-~]+)-([^-]+)-([^-]+)-([^-]+)$/s.exec(
    basename(own),
  )!;
  return join(dirname(own), `${before}~${left.place ?? place}-${pid.toString(36)}-${started}-${random}`);
}

/** Writes such an entry: a file, or a folder with a file in it. @returns its name. */
export async function leaveTemporary(
  target: string,
  content: string | Readonly<Record<string, string>> = '',
  left: LeftBy = {},
): Promise<string> {
  const path = await temporaryPath(target, left);
  await mkdir(dirname(path), { recursive: true });
  if (typeof content === 'string') await writeFile(path, content);
  else {
    await mkdir(path);
    for (const [name, text] of Object.entries(content)) await writeFile(join(path, name), text);
  }
  return basename(path);
}
