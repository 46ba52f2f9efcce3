// Hashes files of weights and recognises official ones.
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError, InterruptedError, messageOf } from '../base/errors.js';
import { KNOWN_WEIGHTS, type OfficialFile } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';

const CHUNK_BYTES = 1024 * 1024;
/** The largest file that gets a git id: official files with one have a few kilobytes. */
const MAX_GIT_BYTES = 1024 * 1024;

/** The size and hashes of a file. */
export interface FileIdentity {
  bytes: number;
  /** Hex digits. */
  sha256: string;
  /** git's id of the content, hex digits; null for large files. */
  gitBlob: string | null;
}

export interface HashOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Opens a regular file. @throws InputError that names a missing or unreadable file. */
async function openFile(path: string): Promise<FileHandle> {
  const inputError = (found: string, cause?: unknown) =>
    new InputError(
      { expected: `a file of weights at ${path}`, found, remedy: 'check the path and its permissions' },
      { cause },
    );
  // stat before open: opening a named pipe would wait for its other end.
  const stats = await stat(path).catch((error: unknown) => {
    throw inputError(`nothing that can be read (${messageOf(error)})`, error);
  });
  if (!stats.isFile()) throw inputError(stats.isDirectory() ? 'a folder' : 'something that is no file');
  return open(path, 'r').catch((error: unknown) => {
    throw inputError(`one that cannot be opened (${messageOf(error)})`, error);
  });
}

/** Reads a file once and hashes it. @throws InputError if it cannot be read; InterruptedError after `signal`. */
export async function identityOf(path: string, options: HashOptions = {}): Promise<FileIdentity> {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    const sha256 = createHash('sha256');
    const hashes: Hash[] = [sha256];
    const git = size <= MAX_GIT_BYTES ? createHash('sha1').update(`blob ${size}\0`) : null;
    if (git !== null) hashes.push(git);
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let bytes = 0;
    for (;;) {
      if (options.signal?.aborted) throw new InterruptedError(`Stopped while reading ${path}.`);
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) break;
      for (const hash of hashes) hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
      options.onProgress?.(bytes, size);
    }
    return { bytes, sha256: sha256.digest('hex'), gitBlob: git === null ? null : git.digest('hex') };
  } finally {
    await handle.close();
  }
}

/** Whether a file with these hashes is the official one. */
export function isOfficialFile(
  { identity }: OfficialFile,
  hashes: Pick<FileIdentity, 'sha256' | 'gitBlob'>,
): boolean {
  if ('gitBlob' in identity) return hashes.gitBlob === identity.gitBlob;
  return hashes.sha256 === identity.sha256;
}

/** The official file with these hashes; undefined if there is none. */
export function officialFile(
  hashes: Pick<FileIdentity, 'sha256' | 'gitBlob'>,
): { name: WeightName; file: OfficialFile } | undefined {
  for (const name of WEIGHT_NAMES)
    for (const file of KNOWN_WEIGHTS[name].files) if (isOfficialFile(file, hashes)) return { name, file };
  return undefined;
}

/** A hash that an official file has, in words. */
export function identityInWords({ identity }: OfficialFile): string {
  if ('gitBlob' in identity) return `git's id ${identity.gitBlob}`;
  return `SHA-256 ${identity.sha256}`;
}

/** The names and hashes of the official files of these weights, in words. */
export function officialHashes(name: WeightName): string {
  return KNOWN_WEIGHTS[name].files.map((file) => `${file.name} with ${identityInWords(file)}`).join(', or ');
}
