// The warps that the equivariance loss compares translations under: what a step is fed of them.
import {
  drawSmoothWarp,
  type SmoothWarps,
  smoothWarpArrays,
  smoothWarpShapes,
} from '../augment/smooth-warp.js';
import { ofRank, Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { chosenLosses } from '../losses/chosen.js';
import { type Both, bothDomains } from './domains.js';

/** Shapes of the warps of a domain in a step; empty if no loss of the config needs them. */
export function equivarianceShapes({ model, training, losses }: Config): Partial<SmoothWarps<number[]>> {
  const isNeeded = chosenLosses(losses).some(({ inputs }) => inputs.includes('warped'));
  return isNeeded ? smoothWarpShapes(training.batch, model.size) : {};
}

/** Draws the warps of a step, if the config needs them; they depend on the seed, the step (from 0) and the rank alone. */
export function drawEquivarianceWarps(
  config: Config,
  step: number,
  rank = 0,
): Both<Partial<SmoothWarps<Float32Array>>> {
  if (equivarianceShapes(config).bends === undefined) return bothDomains(() => ({}));
  const { model, training } = config;
  // A random stream of its own, so that everything else that a step draws is the same with and without warps.
  const rng = ofRank(new Rng(training.seed, 'equivariance').fork(String(step)), rank);
  return bothDomains(() =>
    smoothWarpArrays(
      Array.from({ length: training.batch }, () => drawSmoothWarp(model.size, rng)),
      model.size,
    ),
  );
}
