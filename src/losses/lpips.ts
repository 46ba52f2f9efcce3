import type { Tensor } from '@tensorflow/tfjs-core';
import type { Params } from '../model/parameters.js';
import { mean, scalarOf } from '../ops/arithmetic.js';
import type { Lpips } from '../perceptual/lpips.js';

/** Mean perceptual distance of pictures `[n, h, w, 3]` in [-1, 1] to their originals. */
export function lpipsLoss(lpips: Lpips, params: Params, returned: Tensor, original: Tensor): Tensor {
  const a = lpips.features(params, returned);
  const b = lpips.features(params, original);
  return scalarOf(mean(lpips.distance(params, a, b)));
}
