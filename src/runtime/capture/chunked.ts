// Moves many variables into and out of a session in a few calls of bounded size.
import { freeUnusedMemory } from '../../base/malloc-trim.js';
import type { CapturedPrograms, HostValues } from './capture.js';

/** Numbers in a chunk: 128 MiB. */
const CHUNK_ELEMENTS = 32 * 1024 * 1024;

/** Writes variables in few calls, since each one costs the session a look at the whole graph, and in bounded chunks. */
export function writeChunked(
  programs: Pick<CapturedPrograms, 'write'>,
  variables: Iterable<readonly [name: string, values: HostValues]>,
): void {
  let chunk: Record<string, HostValues> = {};
  let elements = 0;
  for (const [name, values] of variables) {
    chunk[name] = values;
    elements += values.length;
    if (elements < CHUNK_ELEMENTS) continue;
    programs.write(chunk);
    chunk = {};
    elements = 0;
  }
  if (elements > 0) programs.write(chunk);
}

/**
 * Reads variables by name and size one after another, each chunk when its first variable is asked for. Memory holds at
 * most one chunk of variables that the caller has finished with.
 *
 * @param chunkElements one call reads variables of about this many numbers.
 */
export function* readChunked(
  programs: Pick<CapturedPrograms, 'read'>,
  variables: Iterable<readonly [name: string, elements: number]>,
  chunkElements = CHUNK_ELEMENTS,
): Generator<[name: string, values: HostValues]> {
  let names: string[] = [];
  let elements = 0;
  for (const [name, size] of variables) {
    names.push(name);
    elements += size;
    if (elements < chunkElements) continue;
    yield* Object.entries(programs.read(names));
    // V8 does not see how much memory the chunk took.
    freeUnusedMemory();
    names = [];
    elements = 0;
  }
  if (elements > 0) yield* Object.entries(programs.read(names));
}
