import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { sum } from '../../src/ops/arithmetic.js';
import { Tape } from '../../src/ops/autodiff.js';
import { ParameterGroup } from '../../src/optim/parameter-groups.js';
import { buildLpips } from '../../src/perceptual/lpips.js';
import { loadEngine } from '../../src/runtime/node.js';
import { formulaLpips, REFERENCE_DIR, readTensors, relativeError } from '../support/reference.js';

const PAIRS = [0, 1, 2, 3];

/** Images 00 to 03 of a folder of the reference's figures, `[4, h, w, 3]` in [-1, 1]. */
async function readImages(folder: string): Promise<tf.Tensor4D> {
  const decoded = await Promise.all(
    PAIRS.map((i) =>
      sharp(join(REFERENCE_DIR, 'images', folder, `0${i}.png`))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true }),
    ),
  );
  const { width, height } = decoded[0]!.info;
  const values = Float32Array.from(
    decoded.flatMap(({ data }) => [...data]),
    (byte) => byte / 127.5 - 1,
  );
  return tf.tensor4d(values, [PAIRS.length, height, width, 3]);
}

describe.each(['vgg', 'alex'] as const)('LPIPS %s', (net) => {
  beforeAll(async () => {
    await loadEngine();
  });

  it('gives the distances and gradients of lpips 0.1.4 on the same weights', async () => {
    const lpips = buildLpips(net);
    const group = new ParameterGroup({ lpips: lpips.specs });
    const flat = group.pack({ lpips: formulaLpips(net, lpips.specs) }).map((values) => tf.tensor1d(values));
    const params = group.parameters(flat).lpips!;
    const expected = readTensors('metrics.safetensors');
    const real = await readImages('real');
    const fake = await readImages('fake');
    const tape = new Tape([real]);
    tape.record(() => {
      const distance = lpips.distance(params, lpips.features(params, real), lpips.features(params, fake));
      const figures = expected.get(`lpips/${net}/distance`)!.data;
      distance.dataSync().forEach((value, i) => {
        expect(Math.abs(value / figures[i]! - 1), `pair ${i}`).toBeLessThan(1e-4);
      });
      const [gradient] = tape.gradients(sum(distance), [real]);
      const nchw = tf.transpose(gradient!, [0, 3, 1, 2]).dataSync();
      expect(relativeError(nchw, expected.get(`lpips/${net}/grad`)!.data)).toBeLessThan(1e-3);
    });
  });
});
