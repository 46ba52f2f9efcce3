import { slerp } from '../translate/style-math.js';

/** The style of each cell of the output at each moment. */
export interface StyleSchedule {
  /** @param seconds from the start of the picture. @param cell from 0 on. @returns `latentDim` numbers. */
  at(seconds: number, cell: number): Float32Array;
}

/** A change at a beat takes so long: a cut would flash. */
const BEAT_FADE_SECONDS = 0.2;

/** 0 to 1 with a rate of 0 at both ends. */
function smooth(share: number): number {
  return share * share * (3 - 2 * share);
}

/** Every cell keeps its style: the first cell the first, and so on. */
export function constantStyles(codes: readonly Float32Array[]): StyleSchedule {
  return { at: (_seconds, cell) => codes[cell % codes.length]! };
}

/** `share` of the way from the style of a place in the round of styles to the next; cells are each a style further. */
function roundOf(codes: readonly Float32Array[], place: number, share: number, cell: number): Float32Array {
  const from = codes[(place + cell) % codes.length]!;
  if (share <= 0) return from;
  return slerp(from, codes[(place + cell + 1) % codes.length]!, smooth(share));
}

/** From style to style in `stepSeconds` each, smoothly, and from the last to the first again. */
export function flowingStyles(codes: readonly Float32Array[], stepSeconds: number): StyleSchedule {
  return {
    at(seconds, cell) {
      const place = Math.floor(seconds / stepSeconds);
      return roundOf(codes, place, seconds / stepSeconds - place, cell);
    },
  };
}

/** The next style from each of these moments on, ascending, and after the last style the first again. */
export function changingStyles(codes: readonly Float32Array[], changes: readonly number[]): StyleSchedule {
  return {
    at(seconds, cell) {
      // Binary search: the number of changes so far.
      let [place, beyond] = [0, changes.length];
      while (place < beyond) {
        const middle = (place + beyond) >> 1;
        if (changes[middle]! <= seconds) place = middle + 1;
        else beyond = middle;
      }
      if (place === 0) return roundOf(codes, 0, 0, cell);
      const since = seconds - changes[place - 1]!;
      const next = changes[place] ?? Number.POSITIVE_INFINITY;
      const fade = Math.min(BEAT_FADE_SECONDS, next - changes[place - 1]!);
      if (since >= fade) return roundOf(codes, place, 0, cell);
      return roundOf(codes, place - 1, since / fade, cell);
    },
  };
}
