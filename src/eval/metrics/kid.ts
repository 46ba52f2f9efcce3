// The KID metric.
import { z } from 'zod';
import { Rng } from '../../base/rng.js';
import type { FeatureRows } from '../features/feature-cache.js';
import { kernelDistance, wholeKernelDistance } from '../statistics/kid.js';
import { type CollectedPart, collectedRows, collectFeatures, tooFew } from './collected.js';
import { defineMetric, type Measured, type MetricContext } from './metric.js';
import { count, drawnCount, features } from './options.js';

const options = z.strictObject({
  /** Network of the features. */
  features,
  /** Random subsets (torch-fidelity), or disjoint blocks in the order of the files (U-GAT-IT), which use all images. */
  estimator: z.enum(['subsets', 'blocks']).default('subsets'),
  /** Number of random subsets; the number of blocks follows from their size. */
  subsets: drawnCount.default(100),
  /** Maximum number of images of each side in a subset or block. */
  subsetSize: count.default(1000),
});
type Options = z.infer<typeof options>;

/**
 * Kernel inception distance (Binkowski et al. 2018): unbiased squared MMD with the kernel (x . y / d + 1)^3, times 100
 * as U-GAT-IT reports it. Over random subsets like torch-fidelity 0.4.0 (`metric_kid.py`) and clean-fid, or over
 * disjoint blocks like taki0112/GAN_Metrics-Tensorflow (`frechet_kernel_Inception_distance.py`).
 */
export const kid = defineMetric({
  summary:
    "torch-fidelity's random subsets, or the blocks of U-GAT-IT's code (`estimator: blocks`); times 100",
  family: 'similarity',
  options,
  headings: () => ({ kid: { title: 'KID x 100', better: 'lower' } }),
  requires: ({ features }) => ({ features }),
  problem: (context) => tooFew(context, { outputs: 2, real: 2 }),
  start(options, context) {
    const { features } = options;
    return {
      measure: (groups) => collectFeatures(features, groups, context),
      async finish(parts: readonly CollectedPart[]) {
        const real = await context.resources.features.featuresOf(features, context.real);
        const outputs = collectedRows(parts);
        const compute = options.estimator === 'blocks' ? overBlocks : overSubsets;
        return [await compute(outputs, real, options, context)];
      },
    };
  },
});

const KERNEL = '100 times the unbiased squared maximum mean discrepancy, kernel (x . y / d + 1)^3';

async function overSubsets(
  outputs: FeatureRows,
  real: FeatureRows,
  { features, subsets, subsetSize }: Options,
  { seed, resources, onProgress, signal }: MetricContext,
): Promise<Measured<'kid'>> {
  const rng = new Rng(seed, 'kid');
  const options = { subsets, subsetSize, rng, onProgress, ...(signal && { signal }) };
  const result = await kernelDistance(real, outputs, options);
  const size = result.subsetSize;
  const drawn = result.values.length;
  return {
    key: 'kid',
    value: 100 * result.mean,
    // If both sides are used as a whole, there is one subset and no deviation.
    ...(drawn > 1 && { subsetDeviation: 100 * result.deviation }),
    n: { outputs: outputs.count, real: real.count, subsets: drawn, subsetSize: size },
    how: `${KERNEL}, mean over ${drawn} random subsets of ${size}, on ${await resources.features.describe(features)}`,
  };
}

function rowsOf({ values, dims }: FeatureRows, from: number, count: number): FeatureRows {
  return { values: values.subarray(from * dims, (from + count) * dims), count, dims };
}

/** Sizes of `blocks` blocks that differ by at most one, the larger ones last. */
function blockSizes(count: number, blocks: number): number[] {
  const size = Math.floor(count / blocks);
  const larger = count - size * blocks;
  return Array.from({ length: blocks }, (_, i) => (i < blocks - larger ? size : size + 1));
}

/**
 * Mean over pairs of blocks, of outputs and of real images in order. There are as many blocks as the larger side needs
 * for blocks of `subsetSize`. But an unbiased estimate needs 2 images of each side, so a small side reduces their
 * number, and the other side's blocks become larger: the estimate stays unbiased, and every image is used.
 *
 * @throws InputError for fewer than 2 outputs.
 */
async function overBlocks(
  outputs: FeatureRows,
  real: FeatureRows,
  { features, subsetSize }: Options,
  { resources, onProgress, signal }: MetricContext,
): Promise<Measured<'kid'>> {
  const neededBlocks = Math.ceil(Math.max(outputs.count, real.count) / subsetSize);
  const maxBlocks = Math.max(1, Math.floor(Math.min(outputs.count, real.count) / 2));
  const blocks = Math.min(neededBlocks, maxBlocks);
  const [outputSizes, realSizes] = [blockSizes(outputs.count, blocks), blockSizes(real.count, blocks)];
  const estimates: number[] = [];
  let [fromOutput, fromReal] = [0, 0];
  for (const [i, outputSize] of outputSizes.entries()) {
    const outputBlock = rowsOf(outputs, fromOutput, outputSize);
    const realBlock = rowsOf(real, fromReal, realSizes[i]!);
    estimates.push(await wholeKernelDistance(realBlock, outputBlock, signal && { signal }));
    fromOutput += outputSize;
    fromReal += realSizes[i]!;
    onProgress(i + 1, blocks);
  }
  const mean = estimates.reduce((a, b) => a + b, 0) / blocks;
  const variance = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, blocks - 1);
  const largest = Math.max(outputSizes.at(-1)!, realSizes.at(-1)!);
  const size =
    blocks === neededBlocks
      ? `at most ${subsetSize}`
      : `at most ${largest} (for 2 or more of each side, not ${subsetSize})`;
  return {
    key: 'kid',
    value: 100 * mean,
    ...(blocks > 1 && { subsetDeviation: 100 * Math.sqrt(variance / blocks) }),
    n: {
      outputs: outputs.count,
      real: real.count,
      subsets: blocks,
      subsetSize: Math.max(subsetSize, largest),
    },
    how: `${KERNEL}, mean over ${blocks} blocks of ${size} in the order of the files, the deviation being the standard error of that mean, on ${await resources.features.describe(features)}`,
  };
}
