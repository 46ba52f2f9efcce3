import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import { FeatureCache } from '../../../src/eval/features/feature-cache.js';
import { type MeasuredImage, memoryImage } from '../../../src/eval/measured-image.js';
import type { Method } from '../../../src/eval/methods/method.js';
import { kid } from '../../../src/eval/metrics/kid.js';
import type { MetricContext } from '../../../src/eval/metrics/metric.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { figuresOf } from '../../support/measurement.js';

const DIMS = 3;
const rng = new Rng(4, 'features');
const features = new Map<MeasuredImage, Float32Array>();

function images(count: number, shift: number): MeasuredImage[] {
  return Array.from({ length: count }, (_, i) => {
    const image = memoryImage(`${i}`, { data: new Uint8Array(3), width: 1, height: 1 });
    features.set(
      image,
      Float32Array.from({ length: DIMS }, () => rng.normal(shift)),
    );
    return image;
  });
}

function contextOf(real: MeasuredImage[]): MetricContext {
  const rows = (images: readonly MeasuredImage[]) => images.map((image) => features.get(image)!);
  const cache = new FeatureCache(async () => ({
    id: 'test',
    kind: 'inception',
    description: 'drawn features',
    dims: DIMS,
    extract: async (images) => Float32Array.from(rows(images).flatMap((row) => [...row])),
    dispose: () => undefined,
  }));
  return {
    method: { outputs: 2 } as Method,
    real,
    seed: 1,
    resources: {
      features: cache,
      factors: undefined,
      lpips: () => Promise.reject(new Error('not here')),
      landmarks: () => Promise.reject(new Error('not here')),
    },
    outputFeatures: async (_, images) => rows(images),
    onProgress: () => undefined,
    signal: undefined,
  };
}

/** The unbiased squared maximum mean discrepancy, term by term. */
function discrepancy(x: readonly MeasuredImage[], y: readonly MeasuredImage[]): number {
  const kernel = (a: MeasuredImage, b: MeasuredImage): number => {
    const [u, v] = [features.get(a)!, features.get(b)!];
    return (u.reduce((sum, value, i) => sum + value * v[i]!, 0) / DIMS + 1) ** 3;
  };
  const within = (set: readonly MeasuredImage[]): number => {
    let sum = 0;
    for (const a of set) for (const b of set) if (a !== b) sum += kernel(a, b);
    return sum / (set.length * (set.length - 1));
  };
  let across = 0;
  for (const a of x) for (const b of y) across += kernel(a, b);
  return within(x) + within(y) - (2 * across) / (x.length * y.length);
}

const relative = (value: number, expected: number): number => Math.abs(value / expected - 1);

async function measured(outputs: MeasuredImage[], real: MeasuredImage[], options: object) {
  const settings = {
    features: 'inception',
    estimator: 'subsets',
    subsets: 5,
    subsetSize: 4,
    ...options,
  } as const;
  const [figure] = await figuresOf(await kid.start(settings, contextOf(real)), [[{ input: 0, outputs }]]);
  return figure!;
}

beforeAll(() => loadEngine());

describe('kid', () => {
  it('over blocks is the mean over blocks in order, the larger ones last, with its standard error', async () => {
    const [outputs, real] = [images(7, 0), images(9, 1)];
    const figure = await measured(outputs, real, { estimator: 'blocks', subsetSize: 4 });
    // ceil(9 / 4) = 3 blocks: 2, 2 and 3 outputs, 3 real images each.
    const blocks = [
      discrepancy(outputs.slice(0, 2), real.slice(0, 3)),
      discrepancy(outputs.slice(2, 4), real.slice(3, 6)),
      discrepancy(outputs.slice(4, 7), real.slice(6, 9)),
    ];
    const mean = blocks.reduce((a, b) => a + b) / 3;
    const variance = blocks.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2;
    expect(relative(figure.value, 100 * mean)).toBeLessThan(1e-9);
    expect(relative(figure.subsetDeviation!, 100 * Math.sqrt(variance / 3))).toBeLessThan(1e-9);
    expect(figure.n).toEqual({ outputs: 7, real: 9, subsets: 3, subsetSize: 4 });
    expect(figure.how).toContain('3 blocks of at most 4 in the order');
  });

  it('uses fewer blocks if a block would have fewer than 2 images of a side', async () => {
    const [outputs, real] = [images(5, 0), images(24, 1)];
    const figure = await measured(outputs, real, { estimator: 'blocks', subsetSize: 4 });
    // 6 blocks were asked for: 2 have 2 and 3 outputs, and 12 real images each.
    const mean =
      (discrepancy(outputs.slice(0, 2), real.slice(0, 12)) + discrepancy(outputs.slice(2), real.slice(12))) /
      2;
    expect(relative(figure.value, 100 * mean)).toBeLessThan(1e-9);
    expect(figure.n).toEqual({ outputs: 5, real: 24, subsets: 2, subsetSize: 12 });
    expect(figure.how).toContain('2 blocks of at most 12 (for 2 or more of each side, not 4)');
    await expect(measured(images(1, 0), real, { estimator: 'blocks' })).rejects.toThrow(InputError);
  });

  it('over subsets that are the whole sets is one value without a deviation', async () => {
    const [outputs, real] = [images(4, 0), images(4, 1)];
    const figure = await measured(outputs, real, { subsetSize: 100 });
    expect(relative(figure.value, 100 * discrepancy(outputs, real))).toBeLessThan(1e-9);
    expect(figure.subsetDeviation).toBeUndefined();
    expect(figure.n).toMatchObject({ subsets: 1, subsetSize: 4 });
  });

  it('needs at least two real images', () => {
    const { method, real, resources } = contextOf(images(1, 0));
    const settings = { features: 'inception', estimator: 'subsets', subsets: 1, subsetSize: 2 } as const;
    expect(kid.problem!({ method, real, resources }, settings)).toMatch(/needs 2 real images/);
  });
});
