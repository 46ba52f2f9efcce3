// Inception v3, whose features FID and its relatives compare.

import type { Tensor } from '@tensorflow/tfjs-core';
import { type ParameterSpec, type ParameterSpecs, type Params, parameter } from '../model/parameters.js';
import { addBias, averagePool, maxPool, relu } from '../ops/activation.js';
import { mean, reshape } from '../ops/arithmetic.js';
import { conv2d } from '../ops/convolution.js';
import { concat, pad } from '../ops/shape.js';
import type { ConvGeometry } from '../runtime/kernels.js';
import {
  INCEPTION_STEM,
  type InceptionBlock,
  type InceptionBranch,
  type InceptionConvolution,
  inceptionBlocks,
} from './inception-blocks.js';

/**
 * - `fid`: TensorFlow's network of 2015, for which pytorch-fid 0.3.0 patches torchvision's (inception.py, FIDInceptionA to
 *   E_2): average pooling ignores the padding, and the last block uses max pooling.
 * - `imagenet`: torchvision's `inception_v3`: average pooling counts the padding as zeros, in the last block too.
 */
export type InceptionVariant = 'fid' | 'imagenet';

/** Side of the images that the network was trained on, px. */
export const INCEPTION_PX = 299;
/** Number of features of an image. */
export const INCEPTION_DIMS = 2048;

/** Inception v3 (Szegedy et al. 2015) up to its pooled features, with batch norms folded into the convolutions. */
export interface Inception {
  variant: InceptionVariant;
  /** `PATH.weight` and `PATH.bias` for each `BasicConv2d` at PATH in torchvision's `state_dict`. */
  specs: ParameterSpecs;
  /** Features `[n, 2048]` of images `[n, h, w, 3]`, h and w at least 75, in the range that the weights were trained with. */
  features(params: Params, images: Tensor): Tensor;
}

/** Paths of all convolutions; in the original weights each has a batch norm beside it. */
export function inceptionPaths({ specs }: Inception): string[] {
  return Object.keys(specs).flatMap((path) => (path.endsWith('.weight') ? [path.slice(0, -7)] : []));
}

/** Builds the network; its function is pure: every call passes the parameters. */
export function buildInception(variant: InceptionVariant): Inception {
  const blocks = inceptionBlocks(variant === 'fid' ? 'max' : 'average');
  const specs: Record<string, ParameterSpec> = {};
  for (const step of INCEPTION_STEM.flat()) Object.assign(specs, convolutionSpecs(step.name, step));
  for (const { path, branches } of blocks)
    for (const { chain, fork = [] } of branches)
      for (const step of [...chain, ...fork])
        Object.assign(specs, convolutionSpecs(`${path}.${step.name}`, step));
  return {
    variant,
    specs,
    features(params, images) {
      let x = images;
      for (const part of INCEPTION_STEM) {
        for (const step of part) x = convolve(params, step.name, step, x);
        x = maxPool(x, 3, 2);
      } // [n, 35, 35, 192] for 299 px
      for (const block of blocks) x = runBlock(variant, params, block, x); // [n, 8, 8, 2048]
      return reshape(mean(x, [1, 2]), [x.shape[0]!, INCEPTION_DIMS]);
    },
  };
}

function convolutionSpecs(
  path: string,
  { size, inChannels, outChannels }: InceptionConvolution,
): Record<string, ParameterSpec> {
  return {
    [`${path}.weight`]: {
      shape: [...size, inChannels, outChannels],
      init: { value: 0 },
      gain: 1,
      torch: { kind: 'convolution' },
    },
    [`${path}.bias`]: { shape: [outChannels], init: { value: 0 }, gain: 1, torch: { kind: 'vector' } },
  };
}

function geometryOf({ size, stride, isPadded }: InceptionConvolution): ConvGeometry {
  if (!isPadded) return { stride, padding: [0, 0] };
  const [rows, columns] = [(size[0] - 1) / 2, (size[1] - 1) / 2];
  return { stride, padding: [rows, rows], sidePadding: [columns, columns] };
}

function convolve(params: Params, path: string, step: InceptionConvolution, x: Tensor): Tensor {
  const y = conv2d(x, parameter(params, `${path}.weight`), geometryOf(step));
  return relu(addBias(y, parameter(params, `${path}.bias`)));
}

// The branches run one by one. Neither joining their first convolutions into one nor pooling after the 1x1 convolution, on
// fewer channels, was faster (bench/README.md).
function runBlock(
  variant: InceptionVariant,
  params: Params,
  { path, branches }: InceptionBlock,
  x: Tensor,
): Tensor {
  const results = branches.flatMap(({ pool, chain, fork }) => {
    let value = pool === undefined ? x : pooled(variant, pool, x);
    for (const step of chain) value = convolve(params, `${path}.${step.name}`, step, value);
    return fork?.map((step) => convolve(params, `${path}.${step.name}`, step, value)) ?? [value];
  });
  return concat(results, 3);
}

function pooled(variant: InceptionVariant, pool: NonNullable<InceptionBranch['pool']>, x: Tensor): Tensor {
  if (pool === 'reduce') return maxPool(x, 3, 2);
  // Inputs come out of a ReLU, so they are not negative and the zeros around them never win.
  if (pool === 'max') return maxPool(withBorder(x), 3, 1);
  return variant === 'fid' ? averagePool(x, 3, 1, 'same') : averagePool(withBorder(x), 3, 1);
}

/** One px of zeros on each side. */
function withBorder(x: Tensor): Tensor {
  return pad(x, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
}
