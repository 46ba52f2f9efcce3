// Loads LPIPS for the perceptual loss.
import type { Config } from '../config/schema.js';
import { lpipsWeights } from '../losses/chosen.js';
import { type LoadedLpips, loadLpips, loadLpipsFile } from '../weights/lpips.js';

/** The value that stands for the weights in the cache. */
const CACHE = 'cache';

/**
 * LPIPS for the losses of a config; undefined if none of them needs it.
 *
 * @throws InputError if the weights are missing, damaged, or of another network.
 */
export async function loadPerceptual({ losses }: Config): Promise<LoadedLpips | undefined> {
  const weights = lpipsWeights(losses);
  if (weights === undefined) return undefined;
  return weights === CACHE ? loadLpips('vgg') : loadLpipsFile(weights);
}
