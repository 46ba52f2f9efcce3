// The network that finds eyes and mouth: heat maps at half the resolution of its input.
import type { Tensor } from '@tensorflow/tfjs-core';
import { type ParameterSpec, type ParameterSpecs, type Params, parameter } from '../model/parameters.js';
import { addBias, biasLeakyRelu } from '../ops/activation.js';
import { add } from '../ops/arithmetic.js';
import { conv2d, conv2dInputGradient } from '../ops/convolution.js';

/** Side of the network's images, px. */
export const INPUT_PX = 64;
/** Side of its heat maps, cells. */
export const MAP_CELLS = INPUT_PX / 2;

/** The features that it finds, in the order of the heat maps. */
export const FEATURES = ['leftEye', 'rightEye', 'mouth'] as const;
export type Feature = (typeof FEATURES)[number];

interface Step {
  path: string;
  from: number;
  to: number;
  /** 2 halves the resolution. */
  stride: 1 | 2;
}

/** Convolutions of 3 px, each with a leaky ReLU: down to 8 x 8 cells. */
const DOWN: readonly Step[] = [
  { path: 'down32', from: 3, to: 12, stride: 2 },
  { path: 'down16a', from: 12, to: 24, stride: 2 },
  { path: 'down16b', from: 24, to: 24, stride: 1 },
  { path: 'down8a', from: 24, to: 32, stride: 2 },
  { path: 'down8b', from: 32, to: 32, stride: 1 },
  { path: 'down8c', from: 32, to: 32, stride: 1 },
];
/** And up again: each doubles the resolution, adds what the way down had there, and convolves. */
const UP = [
  { path: 'up16', from: 32, to: 24, beside: 'down16b' },
  { path: 'up32', from: 24, to: 12, beside: 'down32' },
] as const;
const MAPS = { path: 'maps', from: 12, to: FEATURES.length } as const;
/** The biases of the maps at the start: the softmax over all cells and "nowhere" begins undecided. */
const MAP_BIAS = -Math.log(MAP_CELLS ** 2);

function spec(shape: number[], init: ParameterSpec['init'], kind: 'convolution' | 'vector'): ParameterSpec {
  return { shape, init, gain: 1, torch: { kind } };
}

function convolutionSpecs(path: string, from: number, to: number, bias = 0): Record<string, ParameterSpec> {
  return {
    [`${path}.weight`]: spec([3, 3, from, to], { deviation: Math.sqrt(2 / (9 * from)) }, 'convolution'),
    [`${path}.bias`]: spec([to], { value: bias }, 'vector'),
  };
}

/** The network's parameters; about 40,000 numbers. */
export const landmarkSpecs: ParameterSpecs = Object.assign(
  {},
  ...DOWN.map(({ path, from, to }) => convolutionSpecs(path, from, to)),
  ...UP.map(({ path, from, to }) => ({
    [`${path}.doubling`]: spec([2, 2, to, from], { deviation: Math.sqrt(1 / from) }, 'convolution'),
    ...convolutionSpecs(path, to, to),
  })),
  convolutionSpecs(MAPS.path, MAPS.from, MAPS.to, MAP_BIAS),
) as ParameterSpecs;

function convolved(params: Params, path: string, x: Tensor, stride: 1 | 2): Tensor {
  const y = conv2d(x, parameter(params, `${path}.weight`), { stride, padding: [1, 1] });
  return biasLeakyRelu(y, parameter(params, `${path}.bias`));
}

/**
 * The heat maps of images: `[n, INPUT_PX, INPUT_PX, 3]` in [-1, 1] -> `[n, MAP_CELLS, MAP_CELLS, FEATURES]`. A map holds
 * logits of one softmax over its cells and "nowhere", whose logit is 0.
 */
export function landmarkMaps(params: Params, images: Tensor): Tensor {
  const seen: Record<string, Tensor> = {};
  let x = images;
  for (const { path, stride } of DOWN) {
    x = convolved(params, path, x, stride);
    seen[path] = x;
  }
  for (const { path, beside } of UP) {
    const other = seen[beside]!;
    const filter = parameter(params, `${path}.doubling`);
    const doubled = conv2dInputGradient(other.shape, filter, x, { stride: 2, padding: [0, 0] });
    x = convolved(params, path, add(doubled, other), 1);
  }
  const maps = conv2d(x, parameter(params, `${MAPS.path}.weight`), { stride: 1, padding: [1, 1] });
  return addBias(maps, parameter(params, `${MAPS.path}.bias`));
}
