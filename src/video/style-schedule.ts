// Schedules which style a video shows when.
import { slerp } from '../translate/style-math.js';

/** Gives the style of each cell of the output at each moment. */
export interface StyleSchedule {
  /** @param seconds from the start of the video. @param cell from 0 on. @returns `latentDim` numbers. */
  at(seconds: number, cell: number): Float32Array;
}

/** @returns a share from 0 to 1, eased so that its rate is 0 at both ends. */
function smooth(share: number): number {
  return share * share * (3 - 2 * share);
}

/** @returns a schedule in which every cell keeps its style: the first cell the first style, and so on. */
export function constantStyles(codes: readonly Float32Array[]): StyleSchedule {
  return { at: (_seconds, cell) => codes[cell % codes.length]! };
}

/** @returns a schedule that goes smoothly from style to style in `stepSeconds` each, and from the last to the first. */
export function flowingStyles(codes: readonly Float32Array[], stepSeconds: number): StyleSchedule {
  return {
    at(seconds, cell) {
      const step = Math.floor(seconds / stepSeconds);
      const share = seconds / stepSeconds - step;
      // Each cell is a style ahead of the one before.
      const from = codes[(step + cell) % codes.length]!;
      const to = codes[(step + cell + 1) % codes.length]!;
      return share <= 0 ? from : slerp(from, to, smooth(share));
    },
  };
}
