// The plain layers of encoder and discriminators (the reference's model.py), with equalized learning rate.

import type { Tensor } from '@tensorflow/tfjs-core';
import { addBias, biasLeakyRelu } from '../ops/activation.js';
import { add, matMul, reshape, scale } from '../ops/arithmetic.js';
import { conv2d, sameGeometry } from '../ops/convolution.js';
import { blur, downsample } from '../ops/resample.js';
import {
  type ParameterSpec,
  type ParameterSpecs,
  type Params,
  parameter,
  type TorchLayout,
} from './parameters.js';

/** A part of a network: its parameters, and its function of them and an input. */
export interface Layer {
  specs: ParameterSpecs;
  apply(params: Params, x: Tensor): Tensor;
}

/** Chains layers into one. */
export function sequence(layers: readonly Layer[]): Layer {
  return {
    specs: mergeSpecs(layers),
    apply: (params, x) => layers.reduce((value, layer) => layer.apply(params, value), x),
  };
}

/** Merges the parameters of several parts. */
export function mergeSpecs(parts: readonly { specs: ParameterSpecs }[]): ParameterSpecs {
  return Object.assign({}, ...parts.map((part) => part.specs)) as ParameterSpecs;
}

const vector = (count: number, value: number, gain: number): ParameterSpec => ({
  shape: [count],
  init: { value },
  gain,
  torch: { kind: 'vector' },
});

export interface ConvOptions {
  inChannels: number;
  outChannels: number;
  /** Filter width, odd, px. */
  size: number;
  /** Blur and halve the resolution. */
  down?: boolean;
  /** Add a bias and apply leaky ReLU. */
  activate?: boolean;
  /** Add a bias without activation. Activated layers always have one. */
  bias?: boolean;
  /** Constant factor on the output, folded into the weights. */
  gain?: number;
}

/**
 * Equalized convolution with optional blur-and-halve and leaky ReLU (the reference's `ConvLayer`, model.py).
 * `[n, h, w, in] -> [n, h, w, out]`, or half of h and w.
 */
export function convLayer(path: string, options: ConvOptions): Layer {
  const {
    inChannels,
    outChannels,
    size,
    down = false,
    activate = true,
    bias = !activate,
    gain = 1,
  } = options;
  // Leaky ReLU's gain of sqrt(2) (op/fused_act.py) goes into weights and bias.
  const factor = gain * (activate ? Math.SQRT2 : 1);
  const index = down ? 1 : 0; // the blur is number 0 of the reference's Sequential
  const weight = `${path}.${index}.weight`;
  const biasPath = activate ? `${path}.${index + 1}.bias` : `${path}.${index}.bias`;
  const specs: Record<string, ParameterSpec> = {
    [weight]: {
      shape: [size, size, inChannels, outChannels],
      init: { deviation: 1 },
      gain: factor / Math.sqrt(inChannels * size * size),
      torch: { kind: 'convolution' },
    },
  };
  if (activate || bias) specs[biasPath] = vector(outChannels, 0, factor);
  const convolve = (params: Params, x: Tensor): Tensor => {
    const filter = parameter(params, weight);
    if (!down) return conv2d(x, filter, sameGeometry(size));
    if (size === 1) return conv2d(downsample(x), filter, sameGeometry(1)); // only the kept pixels are blurred
    return conv2d(blur(x, [2, 2]), filter, { stride: 2, padding: [0, 0] });
  };
  return {
    specs,
    apply(params, x) {
      const y = convolve(params, x);
      if (activate) return biasLeakyRelu(y, parameter(params, biasPath));
      return bias ? addBias(y, parameter(params, biasPath)) : y;
    },
  };
}

export interface LinearOptions {
  inFeatures: number;
  outFeatures: number;
  /** Apply leaky ReLU. */
  activate?: boolean;
  /** Initial bias, as the reference stores it. */
  biasInit?: number;
  /** Multiplier of the learning rate of the equalized weights (the reference's `lr_mul`). */
  lrMultiplier?: number;
  torch?: TorchLayout;
}

/** Equalized linear layer (the reference's `EqualLinear`): `[n, in] -> [n, out]`. */
export function linearLayer(path: string, options: LinearOptions): Layer {
  const { inFeatures, outFeatures, activate = false, biasInit = 0, lrMultiplier = 1 } = options;
  const factor = lrMultiplier * (activate ? Math.SQRT2 : 1);
  const weight = `${path}.weight`;
  const bias = `${path}.bias`;
  return {
    specs: {
      [weight]: {
        shape: [inFeatures, outFeatures],
        init: { deviation: 1 / lrMultiplier },
        gain: factor / Math.sqrt(inFeatures),
        torch: options.torch ?? { kind: 'linear' },
      },
      [bias]: vector(outFeatures, biasInit, factor),
    },
    apply(params, x) {
      const y = matMul(x, parameter(params, weight));
      const offset = parameter(params, bias);
      return activate ? biasLeakyRelu(y, offset) : addBias(y, offset);
    },
  };
}

/** Flattens `[n, px, px, c] -> [n, px * px * c]`. */
export function flatten(): Layer {
  return {
    specs: {},
    apply: (_, x) => reshape(x, [x.shape[0]!, x.shape.slice(1).reduce((a, b) => a * b, 1)]),
  };
}

/**
 * Two convolutions beside a skip branch, added and divided by sqrt(2) (the reference's `ResBlock`):
 * `[n, h, w, in] -> [n, h / 2, w / 2, out]`, or the same resolution.
 */
export function residualBlock(path: string, inChannels: number, outChannels: number, down: boolean): Layer {
  const half = Math.SQRT1_2;
  const conv1 = convLayer(`${path}.conv1`, { inChannels, outChannels: inChannels, size: 3 });
  const conv2 = convLayer(`${path}.conv2`, { inChannels, outChannels, size: 3, down, gain: half });
  const skip =
    down || inChannels !== outChannels
      ? convLayer(`${path}.skip`, {
          inChannels,
          outChannels,
          size: 1,
          down,
          activate: false,
          bias: false,
          gain: half,
        })
      : undefined;
  return {
    specs: mergeSpecs(skip === undefined ? [conv1, conv2] : [conv1, conv2, skip]),
    apply(params, x) {
      const main = conv2.apply(params, conv1.apply(params, x));
      return add(main, skip === undefined ? scale(x, half) : skip.apply(params, x));
    },
  };
}
