import { freeUnusedMemory } from '../../base/malloc-trim.js';
import type { CapturedPrograms, HostValues } from './capture.js';

/** Variables go to a session and come from it in pieces of about this many numbers: 128 MiB. */
const PIECE_ELEMENTS = 32 * 1024 * 1024;

/** Writes variables in few calls, as each one costs the session a look at the whole graph, and in bounded pieces. */
export function writeInPieces(
  programs: Pick<CapturedPrograms, 'write'>,
  variables: Iterable<readonly [name: string, values: HostValues]>,
): void {
  let piece: Record<string, HostValues> = {};
  let elements = 0;
  for (const [name, values] of variables) {
    piece[name] = values;
    elements += values.length;
    if (elements < PIECE_ELEMENTS) continue;
    programs.write(piece);
    piece = {};
    elements = 0;
  }
  if (elements > 0) programs.write(piece);
}

/**
 * The reverse of `writeInPieces`: variables by name and size, one after another, read when they are asked for. Of those
 * that were taken before, memory holds at most one piece.
 *
 * @param pieceElements a call reads variables of about so many numbers.
 */
export function* readInPieces(
  programs: Pick<CapturedPrograms, 'read'>,
  variables: Iterable<readonly [name: string, elements: number]>,
  pieceElements = PIECE_ELEMENTS,
): Generator<[name: string, values: HostValues]> {
  let names: string[] = [];
  let elements = 0;
  for (const [name, size] of variables) {
    names.push(name);
    elements += size;
    if (elements < pieceElements) continue;
    yield* Object.entries(programs.read(names));
    // V8 does not see how much memory the piece was.
    freeUnusedMemory();
    names = [];
    elements = 0;
  }
  if (elements > 0) yield* Object.entries(programs.read(names));
}
