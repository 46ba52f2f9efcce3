// The decoder's styled layers: modulated convolutions (StyleGAN2, Karras et al. 2020, section 2.2; the reference's model.py).

import type { Tensor } from '@tensorflow/tfjs-core';
import { addBias, biasLeakyRelu } from '../ops/activation.js';
import {
  add,
  affine,
  matMul,
  reshape,
  rsqrt,
  scale,
  scaleBy,
  square,
  sumOfSquares,
} from '../ops/arithmetic.js';
import { conv2d, conv2dInputGradient, sameGeometry } from '../ops/convolution.js';
import { blur, upsample } from '../ops/resample.js';
import { linearLayer, mergeSpecs } from './layers.js';
import { type ParameterSpec, type ParameterSpecs, type Params, parameter } from './parameters.js';

/** Keeps the demodulation finite when a style switches all inputs off (reference: ModulatedConv2d.eps). */
const DEMODULATION_EPSILON = 1e-8;

/** A part of the decoder: a function of its parameters, features and the mapped style. */
export interface StyledLayer {
  specs: ParameterSpecs;
  /** Computes what follows from the weights alone, by path; `apply` finds it among its parameters or computes it. */
  derive(params: Params): Params;
  /** The paths that `derive` returns. */
  derivedPaths: readonly string[];
  /** @param style `[n, styleDim]`, mapped. */
  apply(params: Params, x: Tensor, style: Tensor): Tensor;
}

export interface ModulatedOptions {
  inChannels: number;
  outChannels: number;
  size: number;
  styleDim: number;
  /** Double the resolution by a transposed convolution and a blur. */
  up?: boolean;
  /** Constant factor on the demodulated output. */
  gain?: number;
}

/**
 * Modulated convolution. The reference scales the weights by the style for every image and convolves in groups. Scaling
 * the input by the style and the output by the demodulation gives the same product (StyleGAN2, section 2.2, equations 1
 * and 3), with one ordinary convolution for the whole batch.
 */
function modulatedConvolution(path: string, options: ModulatedOptions, demodulate: boolean) {
  const { inChannels, outChannels, size, styleDim, up = false, gain = 1 } = options;
  const modulation = linearLayer(`${path}.modulation`, {
    inFeatures: styleDim,
    outFeatures: inChannels,
    biasInit: 1,
  });
  const weight: ParameterSpec = {
    shape: up ? [size, size, outChannels, inChannels] : [size, size, inChannels, outChannels],
    init: { deviation: 1 },
    gain: 1 / Math.sqrt(inChannels * size * size),
    torch: { kind: up ? 'modulated-transposed' : 'modulated' },
  };
  const convolve = (x: Tensor, filter: Tensor): Tensor => {
    if (!up) return conv2d(x, filter, sameGeometry(size));
    const [n, h, w] = x.shape as [number, number, number];
    const upShape = [n, 2 * h + size - 2, 2 * w + size - 2, outChannels];
    const spread = conv2dInputGradient(upShape, filter, x, { stride: 2, padding: [0, 0] });
    return blur(spread, [1, 1], 4); // [n, 2h, 2w, out]
  };
  const powerPath = `${path}.power`;
  /** The filter's squares summed over its area: `[in, out]`, or `[out, in]` with `up`. */
  const powerOf = (params: Params): Tensor => {
    const filter = parameter(params, `${path}.weight`);
    return reshape(sumOfSquares(filter, [0, 1]), filter.shape.slice(2));
  };
  /** `gain / sqrt(sum over the modulated filter)`: `[n, 1, 1, out]`. */
  const demodulation = (style: Tensor, power: Tensor): Tensor => {
    const total = matMul(square(style), power, false, up); // [n, out]
    const inverseSquare = 1 / (gain * gain);
    return reshape(rsqrt(affine(total, inverseSquare, inverseSquare * DEMODULATION_EPSILON)), [
      style.shape[0]!,
      1,
      1,
      outChannels,
    ]);
  };
  return {
    specs: { ...modulation.specs, [`${path}.weight`]: weight },
    derive: (params: Params): Params => (demodulate ? { [powerPath]: powerOf(params) } : {}),
    derivedPaths: demodulate ? [powerPath] : [],
    apply(params: Params, x: Tensor, style: Tensor): Tensor {
      const filter = parameter(params, `${path}.weight`);
      const s = modulation.apply(params, style); // [n, in]
      const y = convolve(scaleBy(x, reshape(s, [s.shape[0]!, 1, 1, inChannels])), filter);
      return demodulate ? scaleBy(y, demodulation(s, params[powerPath] ?? powerOf(params))) : y;
    },
  };
}

/** Modulated convolution, bias, leaky ReLU (the reference's `StyledConv`). */
export function styledConv(path: string, options: ModulatedOptions): StyledLayer {
  const gain = (options.gain ?? 1) * Math.SQRT2;
  const convolution = modulatedConvolution(`${path}.conv`, { ...options, gain }, true);
  const bias = `${path}.activate.bias`;
  const spec: ParameterSpec = {
    shape: [options.outChannels],
    init: { value: 0 },
    gain,
    torch: { kind: 'vector' },
  };
  return {
    specs: { ...convolution.specs, [bias]: spec },
    derive: convolution.derive,
    derivedPaths: convolution.derivedPaths,
    apply: (params, x, style) => biasLeakyRelu(convolution.apply(params, x, style), parameter(params, bias)),
  };
}

/** Two styled convolutions plus the input, divided by sqrt(2) (the reference's `StyledResBlock`). */
export function styledResidualBlock(path: string, channels: number, styleDim: number): StyledLayer {
  const shape = { inChannels: channels, outChannels: channels, size: 3, styleDim };
  const conv1 = styledConv(`${path}.conv1`, shape);
  const conv2 = styledConv(`${path}.conv2`, { ...shape, gain: Math.SQRT1_2 });
  return {
    specs: mergeSpecs([conv1, conv2]),
    derive: (params) => ({ ...conv1.derive(params), ...conv2.derive(params) }),
    derivedPaths: [...conv1.derivedPaths, ...conv2.derivedPaths],
    apply: (params, x, style) =>
      add(conv2.apply(params, conv1.apply(params, x, style), style), scale(x, Math.SQRT1_2)),
  };
}

/** The part of the decoder that turns features into an image and adds the upsampled image of the level below. */
export interface RgbLayer {
  specs: ParameterSpecs;
  /** @param skip the image of the level below, half the size of `x`; the first level has none. @returns `[n, h, w, 3]`. */
  apply(params: Params, x: Tensor, style: Tensor, skip?: Tensor): Tensor;
}

/** Modulated 1x1 convolution to RGB without demodulation (the reference's `ToRGB`). */
export function toRgb(path: string, inChannels: number, styleDim: number): RgbLayer {
  const convolution = modulatedConvolution(
    `${path}.conv`,
    { inChannels, outChannels: 3, size: 1, styleDim },
    false,
  );
  const bias = `${path}.bias`;
  const spec: ParameterSpec = { shape: [3], init: { value: 0 }, gain: 1, torch: { kind: 'channel-vector' } };
  return {
    specs: { ...convolution.specs, [bias]: spec },
    apply(params, x, style, skip) {
      const rgb = addBias(convolution.apply(params, x, style), parameter(params, bias));
      return skip === undefined ? rgb : add(rgb, upsample(skip));
    },
  };
}
