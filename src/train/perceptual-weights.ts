// Loads LPIPS for the perceptual loss.
import type { Config } from '../config/schema.js';
import { type LoadedLpips, loadLpips, loadLpipsFile } from '../weights/lpips.js';

/** The value of `losses.lpips.weights` that stands for the weights in the cache. */
const CACHE = 'cache';

/**
 * LPIPS for the loss of a config; undefined if the config has no perceptual term.
 *
 * @throws InputError if the weights are missing, damaged, or of another network.
 */
export async function loadPerceptual({ losses: { lpips } }: Config): Promise<LoadedLpips | undefined> {
  if (lpips.weight === 0 || lpips.weights === null) return undefined;
  return lpips.weights === CACHE ? loadLpips('vgg') : loadLpipsFile(lpips.weights);
}
