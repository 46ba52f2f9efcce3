// One step of training on noise, in which every translation is in a drawn style, for tests of losses: what a step reports, and the
// same translations by the networks alone.
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/base/rng.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { type HostBatch, inputSpecs } from '../../src/gan/batch.js';
import { bothDomains, type Domain, GENERATOR_FROM } from '../../src/gan/domains.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import type { StepContext } from '../../src/gan/step.js';
import { sizeOf } from '../../src/model/parameters.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import type { TermValues } from '../../src/train/trainer.js';
import { MIN_LAYERS, tinyConfig } from './config.js';

/** The smallest networks, with these changes to the rest of the config. */
export function smallContext(changes: PartialConfig): StepContext {
  const config = tinyConfig({ ...changes, model: MIN_LAYERS });
  return { config, networks: buildNetworks(config) };
}

/** The weights that a run of the config starts with. */
export const initialOf = ({ config, networks }: StepContext) => ({
  values: initNetworks(networks, new Rng(config.training.seed, 'init')),
});

/** A batch of noise whose translations are in the drawn styles, row by row. */
export function drawnBatch({ config }: StepContext): HostBatch {
  const batch = noiseBatch(config, 1);
  const pick = Int32Array.from({ length: config.training.batch }, (_, row) => row);
  return bothDomains((domain) => ({ ...batch[domain], pick }));
}

/** What a first step on that batch reports, as the step of this number. */
export async function drawnStepTerms(changes: PartialConfig, step = 0): Promise<TermValues> {
  const context = smallContext(changes);
  const trainer = new EagerTrainer(context, initialOf(context));
  const terms = await trainer.step(drawnBatch(context), step);
  trainer.dispose();
  return terms;
}

/** Translates row `image` of a domain in the drawn style of row `style`: `[size, size, 3]`. */
export type TranslateRow = (domain: Domain, image: number, style: number) => Float32Array;

/** Translates rows of a batch one by one, by the initial generators alone. */
export function rowTranslator(context: StepContext, batch: HostBatch): TranslateRow {
  const { generator, generators } = context.networks;
  const specs = inputSpecs(context.config);
  const stored = generators.pack(initialOf(context).values);
  const rowOf = (domain: Domain, name: 'same' | 'drawn', row: number): tf.Tensor => {
    const { shape } = specs[`${domain}/${name}`]!;
    const length = sizeOf(shape) / shape[0]!;
    return tf.tensor(batch[domain][name].slice(row * length, (row + 1) * length), [1, ...shape.slice(1)]);
  };
  return (domain, image, style) =>
    tf.tidy(() => {
      const parameters = generators.parameters(stored.map((bucket) => tf.tensor1d(bucket)));
      const params = generator.derive(parameters[GENERATOR_FROM[domain]]!);
      const { content } = generator.encode(params, rowOf(domain, 'same', image));
      return generator.decode(params, content, rowOf(domain, 'drawn', style)).dataSync<'float32'>();
    });
}
