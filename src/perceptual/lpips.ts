// LPIPS, the learned perceptual distance of images (Zhang et al. 2018), as a loss and as a metric.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { CheckpointPolicy } from '../model/checkpointing.js';
import { type ParameterSpec, type ParameterSpecs, type Params, parameter } from '../model/parameters.js';
import { addBias } from '../ops/activation.js';
import {
  addN,
  affine,
  broadcastTo,
  divide,
  mean,
  reshape,
  scaleBy,
  sqrt,
  square,
  subtract,
  sum,
} from '../ops/arithmetic.js';
import { conv2d } from '../ops/convolution.js';
import { alexnet } from './alexnet.js';
import type { Trunk } from './trunk.js';
import { vgg16 } from './vgg.js';

/** ImageNet's mean and deviation for inputs in [-1, 1] (lpips 0.1.4, ScalingLayer). */
const SHIFT = [-0.03, -0.088, -0.188];
const SCALE = [0.458, 0.448, 0.45];

/** Added under the root of a feature vector's norm, so that a vector of zeros has a gradient of zero. */
const NORM_EPSILON = 1e-20;

export type LpipsNet = 'vgg' | 'alex';

/** Learned perceptual image patch similarity (Zhang et al. 2018), version 0.1. */
export interface Lpips {
  /** Parameters of the trunk (`slice1.0.weight`, ...) and of the linear layers (`lin0.weight`, ...). */
  specs: ParameterSpecs;
  /** Normalised features of images `[n, h, w, 3]` in [-1, 1], for `distance`. */
  features(params: Params, images: Tensor): Tensor[];
  /** Distances `[n]` from the features of two lists of images. */
  distance(params: Params, a: readonly Tensor[], b: readonly Tensor[]): Tensor;
}

function unitLength(x: Tensor): Tensor {
  const norm = sqrt(affine(sum(square(x), [3]), 1, NORM_EPSILON)); // [n, h, w, 1]
  return divide(x, broadcastTo(norm, x.shape));
}

function linearSpec(channels: number): ParameterSpec {
  return { shape: [1, 1, channels, 1], init: { value: 0 }, gain: 1, torch: { kind: 'convolution' } };
}

/** Builds LPIPS on VGG-16 (the loss) or AlexNet (evaluation), as the package lpips 0.1.4 computes it. */
export function buildLpips(net: LpipsNet): Lpips {
  const trunk: Trunk = net === 'vgg' ? vgg16() : alexnet();
  const linear = Object.fromEntries(
    trunk.tapChannels.map((channels, i) => [`lin${i}.weight`, linearSpec(channels)]),
  );
  return {
    specs: { ...trunk.specs, ...linear },
    features(params, images) {
      const scale = tf.tensor4d(
        SCALE.map((s) => 1 / s),
        [1, 1, 1, 3],
      );
      const offset = tf.tensor1d(SHIFT.map((shift, i) => -shift / SCALE[i]!));
      return trunk.features(params, addBias(scaleBy(images, scale), offset)).map(unitLength);
    },
    distance(params, a, b) {
      const layers = a.map((features, i) => {
        const squaredDifference = square(subtract(features, b[i]!));
        const weights = parameter(params, `lin${i}.weight`);
        const weightedSum = conv2d(squaredDifference, weights, { stride: 1, padding: [0, 0] }); // [n, h, w, 1]
        return reshape(mean(weightedSum, [1, 2]), [features.shape[0]!]);
      });
      return addN(layers);
    },
  };
}

/**
 * A function of images `[n, h, w, 3]` in [-1, 1] and others that returns their distances `[n]`.
 *
 * @param policy decides what the pass through the network keeps for the gradient.
 */
export function lpipsDistances(
  { specs, features, distance }: Lpips,
  params: Params,
  policy: CheckpointPolicy,
): (a: Tensor, b: Tensor) => Tensor {
  const distances = policy.pass(Object.keys(specs), (weights, [a, b]) => [
    distance(weights, features(weights, a!), features(weights, b!)),
  ]);
  return (a, b) => distances(params, [a, b])[0]!;
}
