// Adam with equalized learning rates, and the exponential moving average of weights.

import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import type { BucketScale } from './parameter-groups.js';

/** Adam's denominator offset (torch.optim.Adam's default, as the reference uses). */
const ADAM_EPSILON = 1e-8;

/** Decay rates of Adam's moments. */
export interface AdamBetas {
  first: number;
  second: number;
}

/** The factors that change from step to step. The host computes and feeds them, so a captured step needs no counters. */
export interface AdamScalars {
  /** Learning rate divided by the bias correction of the first moment. */
  stepSize: number;
  /** One over the square root of the bias correction of the second moment. */
  rootCorrection: number;
}

/** Those factors on the device, each of shape []. */
export interface AdamScalarTensors {
  stepSize: Tensor;
  rootCorrection: Tensor;
  /** One minus the second beta; only where it changes from step to step. */
  secondShare?: Tensor | undefined;
}

/** Moments of one bucket; with a first beta of 0 the first moment is the gradient itself and is not stored. */
export interface AdamMoments {
  first?: Tensor;
  second: Tensor;
}

/**
 * The factors of a step. Where betas change, the bias correction is that of the current ones, as in torch.optim.Adam.
 *
 * @param step counted from 1.
 */
export function adamScalars(learningRate: number, betas: AdamBetas, step: number): AdamScalars {
  return {
    stepSize: learningRate / (1 - betas.first ** step),
    rootCorrection: 1 / Math.sqrt(1 - betas.second ** step),
  };
}

/**
 * Betas for lazy regularization every `every` steps: each to the power every / (every + 1), as in StyleGAN2 (appendix B) and
 * in the reference, for the discriminators.
 */
export function lazyBetas(betas: AdamBetas, every: number): AdamBetas {
  const ratio = every / (every + 1);
  return { first: betas.first ** ratio, second: betas.second ** ratio };
}

/** `change * stepSize * scale`; the scale is one number or one for each element. */
function scaledStep(change: Tensor, stepSize: Tensor, scale: BucketScale): Tensor {
  const k = kernels();
  if (typeof scale === 'number') return k.multiply(change, k.affine(stepSize, scale, 0));
  return k.multiply(k.multiply(change, stepSize), scale);
}

/** `root + epsilon / gain`. */
function offsetRoot(root: Tensor, gain: BucketScale): Tensor {
  const k = kernels();
  if (typeof gain === 'number') return k.affine(root, 1, ADAM_EPSILON / gain);
  return k.add(root, k.divide(k.fill(gain.shape, ADAM_EPSILON), gain));
}

/**
 * One Adam update of a bucket (Kingma and Ba 2015; in the order of torch.optim.Adam), as if the parameters were smaller by
 * their gains and scaled up at every use (equalized learning rate). Adam's steps do not depend on the scale of the
 * gradient, so here the steps are larger by the gain and epsilon is smaller by it.
 *
 * @param betas constants of a captured step; `scalars.secondShare` replaces the second.
 * @param scales.step factor on the step beside the step size: the gain times the parameter's learning-rate multiplier.
 * @returns new tensors; the caller keeps the old ones.
 */
export function adamUpdate(
  value: Tensor,
  gradient: Tensor,
  moments: AdamMoments,
  betas: AdamBetas,
  scalars: AdamScalarTensors,
  { gain, step }: { gain: BucketScale; step: BucketScale } = { gain: 1, step: 1 },
): { value: Tensor; moments: AdamMoments } {
  const k = kernels();
  const second = movedTowards(moments.second, k.square(gradient), scalars.secondShare ?? 1 - betas.second);
  const first =
    moments.first === undefined ? gradient : movedTowards(moments.first, gradient, 1 - betas.first);
  const denominator = offsetRoot(k.multiply(k.sqrt(second), scalars.rootCorrection), gain);
  const change = scaledStep(k.divide(first, denominator), scalars.stepSize, step);
  return {
    value: k.subtract(value, change),
    moments: moments.first === undefined ? { second } : { first, second },
  };
}

/**
 * `old + (fresh - old) * share`, in this order, so that everything waits for `fresh`. A captured step would compute a
 * product with `old` alone at its beginning and hold it in memory to its end.
 *
 * @param share a number, or a tensor of shape [].
 */
function movedTowards(old: Tensor, fresh: Tensor, share: number | Tensor): Tensor {
  const k = kernels();
  const change = k.subtract(fresh, old);
  return k.add(old, typeof share === 'number' ? k.affine(change, share, 0) : k.multiply(change, share));
}

/**
 * Exponential moving average: `average * decay + value * (1 - decay)` (reference: util.py, accumulate).
 *
 * @param share one minus the decay: a number, or a tensor of shape [].
 */
export function emaUpdate(average: Tensor, value: Tensor, share: number | Tensor): Tensor {
  return movedTowards(average, value, share);
}
