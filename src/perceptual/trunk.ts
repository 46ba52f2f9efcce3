// A frozen convolutional network that LPIPS taps at several depths, built from a list of steps.

import type { Tensor } from '@tensorflow/tfjs-core';
import { type ParameterSpec, type ParameterSpecs, type Params, parameter } from '../model/parameters.js';
import { addBias, maxPool, relu } from '../ops/activation.js';
import { conv2d } from '../ops/convolution.js';

/** One step of a trunk; `tap` marks a convolution whose activation LPIPS reads. */
export type TrunkStep =
  | {
      kind: 'convolution';
      /** Path within the `state_dict` of the `lpips` package. */
      path: string;
      inChannels: number;
      outChannels: number;
      size: number;
      stride: number;
      padding: number;
      tap: boolean;
    }
  | { kind: 'max-pool'; size: number; stride: number };

/** A frozen network with taps at several depths. */
export interface Trunk {
  specs: ParameterSpecs;
  /** Channels at each tap. */
  tapChannels: number[];
  /** Activations at the taps, from shallow to deep, for images `[n, h, w, 3]`. */
  features(params: Params, x: Tensor): Tensor[];
}

/** Builds a trunk from its steps; every convolution has a bias and a ReLU. */
export function buildTrunk(steps: readonly TrunkStep[]): Trunk {
  const specs: Record<string, ParameterSpec> = {};
  const tapChannels: number[] = [];
  for (const step of steps) {
    if (step.kind !== 'convolution') continue;
    specs[`${step.path}.weight`] = {
      shape: [step.size, step.size, step.inChannels, step.outChannels],
      init: { value: 0 },
      gain: 1,
      torch: { kind: 'convolution' },
    };
    specs[`${step.path}.bias`] = {
      shape: [step.outChannels],
      init: { value: 0 },
      gain: 1,
      torch: { kind: 'vector' },
    };
    if (step.tap) tapChannels.push(step.outChannels);
  }
  return {
    specs,
    tapChannels,
    features(params, x) {
      const taps: Tensor[] = [];
      let value = x;
      for (const step of steps) {
        if (step.kind === 'max-pool') {
          value = maxPool(value, step.size, step.stride);
          continue;
        }
        const { path, stride, padding } = step;
        const y = conv2d(value, parameter(params, `${path}.weight`), { stride, padding: [padding, padding] });
        value = relu(addBias(y, parameter(params, `${path}.bias`)));
        if (step.tap) taps.push(value);
      }
      return taps;
    },
  };
}
