// The folder of one run of fuzzing, with all files that the run writes.
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeLeftoversOf } from '../../src/base/leftovers.js';
import { withTemporary } from '../../src/base/temporary-names.js';

/** Names the folder to the targets, which may run in other threads and processes. */
export const FOLDER_VARIABLE = 'GNR_FUZZ_FOLDER';

/**
 * Runs `use` with a new folder in the project's `.fuzz`: compiled targets find packages from there, and files because it
 * is as deep as a folder of `src`. The owner of the folder outlives the threads that it ends, so it removes the folder
 * at the end; the folder of a process that was killed is removed by the next run.
 */
export async function withRunFolder<T>(root: string, use: (folder: string) => Promise<T>): Promise<T> {
  const target = join(root, '.fuzz', 'run');
  await mkdir(dirname(target), { recursive: true });
  await removeLeftoversOf(target);
  return withTemporary(target, 'tmp', async (folder) => {
    const before = process.env[FOLDER_VARIABLE];
    await mkdir(folder);
    process.env[FOLDER_VARIABLE] = folder;
    try {
      return await use(folder);
    } finally {
      if (before === undefined) delete process.env[FOLDER_VARIABLE];
      else process.env[FOLDER_VARIABLE] = before;
      await rm(folder, { recursive: true, force: true });
    }
  });
}
