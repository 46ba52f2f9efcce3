// Computes the gradients of a step on two ranks with batches of 2, and on rank 0 those of one rank with a batch of 4. Prints
// the largest relative difference for each part, as one line of JSON.
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../src/base/rng.js';
import type { PartialConfig } from '../../../src/config/schema.js';
import { withWorld } from '../../../src/distributed/with-world.js';
import type { HostBatch } from '../../../src/gan/batch.js';
import { bothDomains } from '../../../src/gan/domains.js';
import { buildNetworks, initNetworks, type Networks } from '../../../src/gan/networks.js';
import { noiseBatch } from '../../../src/gan/noise-batch.js';
import { stateLayout, stateVectors, unflattenState } from '../../../src/gan/state.js';
import { hasFirstMoments, namedByPart, trainStep } from '../../../src/gan/step.js';
import { stepScalars } from '../../../src/gan/step-scalars.js';
import { ranksOf } from '../../../src/ops/ranks.js';
import { buildLpips } from '../../../src/perceptual/lpips.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { uploadBatch, uploadScalars } from '../../../src/train/eager-trainer.js';
import { tinyConfig } from '../../support/config.js';

const RANKS = 2;
const BATCH = 2;
/** Sets of images that are transformed in a step. */
const SETS = 3;
type Fields = HostBatch['A'];

/** The batch of one rank with the images of both; picks and orders refer to the same rows. */
function joined(parts: readonly Fields[]): Fields {
  const floats = (name: keyof Fields, blocks = 1): Float32Array => {
    const arrays = parts.map((part) => part[name] as Float32Array);
    const block = arrays[0]!.length / blocks;
    return Float32Array.from(
      Array.from({ length: blocks }, (_, set) =>
        arrays.flatMap((array) => [...array.subarray(set * block, (set + 1) * block)]),
      ).flat(),
    );
  };
  const rows = (name: 'pick' | 'order', place: (row: number, rank: number) => number): Int32Array =>
    Int32Array.from(parts.flatMap((part, rank) => [...part[name]].map((row) => place(row, rank))));
  const transforms = (['warps', 'colours', 'tones', 'shifts', 'frames', 'cutouts'] as const).filter(
    (name) => parts[0]![name] !== undefined,
  );
  return {
    ...parts[0]!,
    same: floats('same'),
    mixed: floats('mixed'),
    drawn: floats('drawn'),
    pick: rows('pick', (row, rank) =>
      row < BATCH ? rank * BATCH + row : RANKS * BATCH + rank * BATCH + row - BATCH,
    ),
    order: rows('order', (row, rank) => rank * BATCH + row),
    ...Object.fromEntries(transforms.map((name) => [name, floats(name, SETS)])),
    ...(parts[0]!.places && { places: floats('places'), overlap: floats('overlap') }),
  };
}

const lpips = buildLpips('vgg');

/** Weights of LPIPS that keep features of one size from layer to layer; those of its linear layers are positive. */
function lpipsParams(): Record<string, tf.Tensor> {
  const rng = new Rng(2, 'lpips');
  const tensors = Object.entries(lpips.specs).map(([name, { shape }]) => {
    const fanIn = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const bound = name.startsWith('lin') ? 0.1 : Math.sqrt(6 / fanIn);
    const values = Float32Array.from({ length: fanIn * shape.at(-1)! }, () => rng.uniform(-bound, bound));
    return [name, tf.tensor(name.startsWith('lin') ? values.map(Math.abs) : values, [...shape])];
  });
  return Object.fromEntries(tensors) as Record<string, tf.Tensor>;
}

/** Terms and gradients of a step that leaves the discriminators as they are: Adam would amplify differences near 0. */
function gradientsOf(networks: Networks, changes: PartialConfig, batch: HostBatch, size: number) {
  const config = configOf(changes, size);
  return tf.tidy(() => {
    const perceptual = config.losses.lpips.weight > 0 ? { lpips, params: lpipsParams() } : undefined;
    const context = { config, networks, ...(perceptual && { perceptual }) };
    const host = { values: initNetworks(networks, new Rng(1, 'init')) };
    const layout = stateLayout(networks, hasFirstMoments(config));
    const state = Object.fromEntries(
      [...stateVectors(layout, host)].map(([name, values]) => [name, tf.tensor1d(values)]),
    );
    const scalars = uploadScalars({ ...stepScalars(context, 0), 'discriminators/stepSize': 0 });
    const result = trainStep(context, unflattenState(state), uploadBatch(batch, context), scalars, true);
    const values = (tensors: readonly tf.Tensor[]) => tensors.map((each) => each.dataSync<'float32'>());
    const terms = Object.entries(namedByPart(result)).map(([name, term]) => [name, term.dataSync()[0]!]);
    return {
      terms: Object.fromEntries(terms) as Record<string, number>,
      generators: values(result.gradients.generators),
      discriminators: values(result.gradients.discriminators),
    };
  });
}

function configOf(changes: PartialConfig, batch: number) {
  return tinyConfig({
    ...changes,
    training: { ...changes.training, batch },
    distributed: { globalStatistics: true, bucketMegabytes: 0.01, ...changes.distributed },
  });
}

function difference(ours: readonly Float32Array[], theirs: readonly Float32Array[]): number {
  const norm = (value: (i: number, k: number) => number): number =>
    Math.sqrt(
      theirs.reduce((sum, each, i) => sum + each.reduce((part, _, k) => part + value(i, k) ** 2, 0), 0),
    );
  return norm((i, k) => ours[i]![k]! - theirs[i]![k]!) / norm((i, k) => theirs[i]![k]!);
}

const cases = JSON.parse(process.argv[2]!) as Record<string, PartialConfig>;

await withWorld(async (world) => {
  await loadEngine({ world });
  for (const [name, changes] of Object.entries(cases)) {
    const config = configOf(changes, BATCH);
    const batches = Array.from({ length: RANKS }, (_, rank) => noiseBatch(config, rank + 1));
    const shared = buildNetworks(config, ranksOf(world.size));
    const ours = gradientsOf(shared, changes, batches[world.rank]!, BATCH);
    const terms = await world.gatherValues(ours.terms);
    shared.generators.dispose();
    shared.discriminators.dispose();
    if (!world.isFirst) continue;
    const batch = bothDomains((domain) => joined(batches.map((each) => each[domain])));
    const single = buildNetworks(configOf(changes, RANKS * BATCH));
    const theirs = gradientsOf(single, changes, batch, RANKS * BATCH);
    const termDifferences = Object.entries(theirs.terms).map(([term, value]) => {
      const average = terms.reduce((sum, one) => sum + one[term]!, 0) / RANKS;
      return [term, Math.abs(average - value) / Math.abs(value || 1)];
    });
    process.stdout.write(
      `${JSON.stringify({
        name,
        generators: difference(ours.generators, theirs.generators),
        discriminators: difference(ours.discriminators, theirs.discriminators),
        terms: Object.fromEntries(termDifferences),
      })}\n`,
    );
  }
});
