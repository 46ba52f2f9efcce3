// SHA-256 of bytes and of files, as hex digits.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 of one or more chunks, one after another, as hex digits. */
export function sha256(...chunks: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** SHA-256 of a file, as hex digits; the file is read in chunks. @throws the system's error if it cannot be read. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
