// Inputs of a step that are made of noise: benchmarks and tests need no images.
import { drawAugmentation } from '../augment/augment.js';
import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { drawInputs, type HostBatch } from './batch.js';
import { drawTransforms } from './discriminator-augment.js';
import { bothDomains } from './domains.js';
import { anchorInputs } from './lecam-anchors.js';
import { alignmentInputs } from './pairs.js';

/** The inputs of a step from a seed: noise images in [-1, 1], all else as in training. Adaptive transforms have their initial probability. */
export function noiseBatch(config: Config, seed: number): HostBatch {
  const { data, model, training } = config;
  const { initial } = training.adaptiveAugment;
  const rng = new Rng(seed, 'batch');
  const { batch } = training;
  const images = (): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: batch * model.size ** 2 * 3 }, () => rng.uniform(-1, 1));
  const same = bothDomains(images);
  const mixed = bothDomains(images);
  const inputs = drawInputs(config, rng);
  const transforms = drawTransforms(
    config,
    seed,
    bothDomains(() => initial),
  );
  const anchors = anchorInputs(config);
  const alignments = bothDomains(() =>
    alignmentInputs(
      config,
      Array.from({ length: batch }, () => drawAugmentation(data.augment, model.size, rng)),
    ),
  );
  return bothDomains((domain) => ({
    same: same[domain],
    mixed: mixed[domain],
    ...inputs[domain],
    ...transforms[domain],
    ...anchors[domain],
    ...alignments[domain],
  }));
}
