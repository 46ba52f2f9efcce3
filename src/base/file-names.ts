// Names of files whose bytes are no UTF-8, as text that programs can carry and people can read.
import { isUtf8 } from 'node:buffer';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { visibleLine } from './visible-text.js';

/**
 * A byte that is no UTF-8 stands for itself as a lone surrogate, U+DC80 to U+DCFF, which no valid name has (as in PEP 383 of
 * Python). `fsPath` turns it back.
 */
const ESCAPED = /[\udc80-\udcff]/u;
const BYTE_ESCAPE = 0xdc00;

/** Returns a name as text; bytes that are no UTF-8 become lone surrogates. */
export function nameOfBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) text += String.fromCharCode(BYTE_ESCAPE + bytes[at]!);
    else text += Buffer.from(bytes.subarray(at, at + length)).toString();
    at += length || 1;
  }
  return text;
}

/** Length of the character that starts at `at`; 0 if none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++)
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  return 0;
}

/** Returns the bytes of a path. */
export function bytesOfName(path: string): Buffer {
  const parts = path.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part, i) => (i % 2 === 1 ? Buffer.of(part.charCodeAt(0) - BYTE_ESCAPE) : Buffer.from(part))),
  );
}

/** Returns a path as Node's functions for files take it: bytes for a path that is no UTF-8. */
export function fsPath(path: string): string | Buffer {
  return ESCAPED.test(path) ? bytesOfName(path) : path;
}

/** Returns a path on one line, for people: bytes that are no UTF-8 and control characters as `\xNN`. */
export function shownPath(path: string): string {
  return visibleLine(path).replace(
    /[\udc80-\udcff]/gu,
    (character) => `\\x${(character.charCodeAt(0) - BYTE_ESCAPE).toString(16)}`,
  );
}

/**
 * Finds the file that an argument of the command line means, in which Node has replaced bytes that are no UTF-8 by U+FFFD.
 *
 * @returns the path with those bytes; the given path if it exists, or if no file or more than one fits.
 */
export async function exactPath(path: string): Promise<string> {
  if (!path.includes('\ufffd')) return path;
  const exists = await stat(fsPath(path)).then(
    () => true,
    () => false,
  );
  if (exists) return path;
  const parent = dirname(path);
  const folder = parent === path ? path : await exactPath(parent);
  const name = path
    .slice(parent === '.' && !path.startsWith(`.${sep}`) ? 0 : parent.length)
    .replace(/^[\\/]+/, '');
  const names = await readdir(fsPath(folder), { encoding: 'buffer' }).catch(() => []);
  const fitting = names.filter((bytes) => bytes.toString() === name);
  return fitting.length === 1 ? join(folder, nameOfBytes(fitting[0]!)) : path;
}
