// A file for parsers that open paths.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER_VARIABLE } from '../run-folder.js';

/** Writes bytes to a file in the folder of this run, in place of what it held, and returns its path. */
export function scratchFile(bytes: Uint8Array, name: string): string {
  const folder = process.env[FOLDER_VARIABLE];
  // A folder of this module's own would stay behind when the thread is ended.
  if (folder === undefined) throw new Error(`${FOLDER_VARIABLE} names no folder: use withRunFolder`);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
