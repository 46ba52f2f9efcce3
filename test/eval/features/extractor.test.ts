import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InterruptedError, RunError } from '../../../src/base/errors.js';
import { decodeImage } from '../../../src/data/decode.js';
import {
  type FeatureExtractor,
  type FeatureWeights,
  openFeatureExtractor,
} from '../../../src/eval/features/extractor.js';
import type { FeatureKind } from '../../../src/eval/features/feature-kind.js';
import { foldInception } from '../../../src/eval/features/inception-weights.js';
import { networkInput } from '../../../src/eval/features/network-input.js';
import { fileImage, type MeasuredImage, memoryImage } from '../../../src/eval/measured-image.js';
import { buildInception, INCEPTION_DIMS } from '../../../src/perceptual/inception.js';
import { formulaInception, REFERENCE_DIR, readTensors, relativeError } from '../../support/reference.js';
import { rejectionMessage } from '../../support/rejection.js';

const imagesOf = (folder: string): MeasuredImage[] =>
  readdirSync(folder)
    .sort()
    .map((name) => fileImage(join(folder, name)));

const IMAGES = join(REFERENCE_DIR, 'images');
/** Those that the figures below were printed for, whatever the reference folder. */
const REAL = imagesOf(join(import.meta.dirname, '../../fixtures/reference/images/real')).slice(0, 3);

/**
 * Some features of `REAL` as PyTorch 2.9 gives them with weights by the formula: pytorch-fid 0.3.0's network (module seed
 * 41) on what clean-fid 0.1.35 makes of images, and torchvision 0.24's (module seed 43, the same list of keys) from
 * Conv2d_1a_3x3 to Mixed_7c and average pool, after Resize 256, Resize 299, ToTensor and Normalize. Largest: 33.3 and 70.
 */
const FIGURES = {
  'inception-clean': {
    features: [35, 1453, 1456, 1519, 3, 511],
    values: [
      [25.0705, 29.6845, 23.15866, 23.10163, 0, 0.10013],
      [23.08696, 27.56724, 21.72194, 22.11237, 0, 0.04960439],
      [28.03034, 33.30453, 24.64962, 26.08386, 0, 0.04476311],
    ],
  },
  'inception-imagenet': {
    features: [1043, 1295, 1598, 1716, 3, 511],
    values: [
      [32.57774, 33.92455, 40.4707, 62.00459, 0.6966214, 12.93655],
      [32.34293, 36.55939, 45.39133, 66.50513, 0.7876035, 15.33502],
      [33.80238, 38.02535, 46.93442, 70.03613, 0.8617705, 14.37579],
    ],
  },
} as const;

const weights = new Map<string, FeatureWeights>();
/** Weights of a kind's network by the formula. */
function weightsOf(kind: FeatureKind): FeatureWeights {
  const { variant } = networkInput(kind);
  const moduleSeed = variant === 'fid' ? 41 : 43;
  const made = weights.get(variant) ?? {
    tensors: formulaInception(buildInception(variant), moduleSeed),
    sha256: String(moduleSeed).repeat(32),
  };
  weights.set(variant, made);
  return made;
}

let extractor: FeatureExtractor;
let dir: string;
beforeAll(async () => {
  extractor = await openFeatureExtractor('inception', weightsOf('inception'), { batch: 4 });
  dir = await mkdtemp(join(tmpdir(), 'gnr-features-'));
});
afterAll(async () => {
  extractor.dispose();
  await rm(dir, { recursive: true, force: true });
});

describe('features of pytorch-fid', () => {
  it.each(['real', 'fake'])('equal the reference (%s) with captured programs', async (folder) => {
    const images = imagesOf(join(IMAGES, folder));
    const { data, shape } = readTensors('metrics.safetensors').get(`inception/${folder}/pool3`)!;
    expect([images.length, extractor.dims]).toEqual(shape);
    const progress: number[] = [];
    const features = await extractor.extract(images, { onProgress: (done) => progress.push(done) });
    expect(relativeError(features, data)).toBeLessThan(1e-4);
    expect(progress.at(-1)).toBe(images.length);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it('equal the reference kernel by kernel', async () => {
    const inception = buildInception('fid');
    const values = foldInception(inception, weightsOf('inception').tensors);
    const image = await decodeImage(join(IMAGES, 'real/00.png'));
    const input = networkInput('inception').prepare(image);
    const features = tf.tidy(() => {
      const params = Object.fromEntries(
        Object.entries(inception.specs).map(([path, { shape }]) => [path, tf.tensor(values[path]!, shape)]),
      );
      return inception.features(params, tf.tensor4d(input, [1, 299, 299, 3])).dataSync();
    });
    const { data } = readTensors('metrics.safetensors').get('inception/real/pool3')!;
    expect(relativeError(features, data.subarray(0, INCEPTION_DIMS))).toBeLessThan(1e-4);
  });
});

describe.each(['inception-clean', 'inception-imagenet'] as const)('features of %s', (kind) => {
  it('equal those of PyTorch', async () => {
    const other = await openFeatureExtractor(kind, weightsOf(kind), { batch: 2 });
    try {
      const all = await other.extract(REAL);
      const { features, values } = FIGURES[kind];
      const some = REAL.flatMap((_, i) => features.map((feature) => all[i * other.dims + feature]!));
      expect(relativeError(some, values.flat())).toBeLessThan(1e-4);
      expect(other.id).not.toBe(extractor.id);
    } finally {
      other.dispose();
    }
  });
});

describe('a feature extractor', () => {
  it('gives an image the same bits anywhere in the list, and nothing for no images', async () => {
    const together = await extractor.extract([...REAL, REAL[0]!, REAL[1]!]);
    const dims = extractor.dims;
    const alone = await extractor.extract([REAL[1]!]);
    expect(together.slice(dims, 2 * dims)).toEqual(alone);
    expect(together.slice(4 * dims)).toEqual(alone);
    expect(await extractor.extract([])).toEqual(new Float32Array(0));
  });

  it('accepts images of any size and shape', async () => {
    const wide = { data: new Uint8Array(40 * 2 * 3).map((_, i) => i), width: 40, height: 2 };
    const dot = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1 };
    const features = await extractor.extract([memoryImage('wide', wide), memoryImage('dot', dot)]);
    expect(features.length).toBe(2 * extractor.dims);
  });

  it('names the first image that cannot be read', async () => {
    const damaged = join(dir, 'damaged.png');
    await writeFile(damaged, 'no image');
    const missing = fileImage(join(dir, 'missing.png'));
    const message = await rejectionMessage(
      extractor.extract([REAL[0]!, fileImage(damaged), missing, REAL[1]!]),
    );
    expect(message).toContain(damaged);
    expect(message).not.toContain('missing.png');
  });

  it('stops on a signal', async () => {
    const controller = new AbortController();
    const dot = memoryImage('dot', { data: Uint8Array.of(1, 2, 3), width: 1, height: 1 });
    setImmediate(() => controller.abort());
    let extracted = 0;
    const stopped = extractor.extract(Array<MeasuredImage>(9).fill(dot), {
      signal: controller.signal,
      onProgress: (done) => {
        extracted = done;
      },
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(extracted).toBeLessThan(9);
  });

  it('has an id that depends on the weights and the size of the model', async () => {
    const { tensors } = weightsOf('inception-imagenet');
    const ids: string[] = [];
    for (const [sha256, modelPx] of [
      ['a', 256],
      ['b', 256],
      ['a', 128],
    ] as const) {
      const other = await openFeatureExtractor('inception-imagenet', { tensors, sha256 }, { modelPx });
      ids.push(other.id);
      other.dispose();
    }
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{64}$/);
  });

  it('has an id that depends on the machine, which may round differently', async () => {
    const idOf = async (): Promise<string> => {
      const other = await openFeatureExtractor('inception', weightsOf('inception'));
      other.dispose();
      return other.id;
    };
    expect(await idOf()).toBe(extractor.id);
    const processors = vi.spyOn(os, 'cpus');
    try {
      processors.mockReturnValue([{ ...os.cpus()[0]!, model: 'another' }]);
      expect(await idOf()).not.toBe(extractor.id);
    } finally {
      processors.mockRestore();
    }
  });

  it('rejects the weights of another network, with the remedy', async () => {
    const { tensors, sha256 } = weightsOf('inception');
    const classifier = { shape: [1000], data: new Float32Array(1000) };
    const other = new Map(tensors).set('fc.bias', classifier);
    expect(await rejectionMessage(openFeatureExtractor('inception', { tensors: other, sha256 }))).toBe(
      "Expected the weights of pytorch-fid's Inception but found 'fc.bias' is [1000], expected [1008]; " +
        'import its file again with gnr weights import.',
    );
  });

  it('reports features that are not finite, and throws after it is disposed', async () => {
    const { tensors, sha256 } = weightsOf('inception');
    const path = 'Mixed_7c.branch_pool.bn.bias';
    const biases = new Float32Array(192).fill(3e38);
    const huge = new Map(tensors).set(path, { shape: [192], data: biases });
    const other = await openFeatureExtractor('inception', { tensors: huge, sha256 }, { batch: 2 });
    await expect(other.extract([REAL[0]!])).rejects.toThrow(RunError);
    other.dispose();
    await expect(other.extract([REAL[0]!])).rejects.toThrow('the feature extractor was disposed');
  });
});
