// A file for parsers that open paths.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string | undefined;

/** Writes bytes to a file of this process, in place of what it held, and returns its path. */
export function scratchFile(bytes: Uint8Array, name: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'gnr-fuzz-'));
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A folder of this process for parsers that open folders. */
export function scratchFolder(files: Record<string, Uint8Array>): string {
  let path = '';
  for (const [name, bytes] of Object.entries(files)) path = scratchFile(bytes, name);
  return join(path, '..');
}
