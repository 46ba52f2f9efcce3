// Averages gradients over all ranks, several buckets at a time.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Ranks } from '../ops/ranks.js';

const BYTES_PER_VALUE = 4;
const MEGABYTE = 1e6;

/**
 * The gradients of buckets, averaged over all ranks. Buckets that follow each other in `order` travel together, because each
 * transfer has a cost of its own.
 *
 * @param order the buckets in the order in which they are ready: the first ones travel while the others are computed.
 * @param megabytes size from which a transfer takes no further bucket.
 */
export function averageGradients(
  ranks: Ranks,
  gradients: readonly Tensor[],
  order: readonly number[],
  megabytes: number,
): Tensor[] {
  const averaged = [...gradients];
  if (ranks.size === 1) return averaged;
  let joined: number[] = [];
  let bytes = 0;
  for (const [place, i] of order.entries()) {
    joined.push(i);
    bytes += gradients[i]!.size * BYTES_PER_VALUE;
    if (bytes < megabytes * MEGABYTE && place < order.length - 1) continue;
    for (const [k, average] of ranks.meanOfGradients(joined.map((index) => gradients[index]!)).entries())
      averaged[joined[k]!] = average;
    joined = [];
    bytes = 0;
  }
  return averaged;
}
