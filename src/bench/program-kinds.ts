// Lists all kinds of programs: every config in every arithmetic, with each feature that changes a step's graph, and the networks of evaluation.
import { resolveConfig } from '../config/load.js';
import { mergeTrees, type Tree } from '../config/overrides.js';
import type { Config, PartialConfig } from '../config/schema.js';
import type { RecordedPrograms } from '../runtime/capture/record.js';
import {
  ARITHMETIC_VARIANTS,
  recordInception,
  recordLpips,
  recordTraining,
  recordTranslation,
} from './captured-programs.js';

/** The features that change the operations of a training step, with the config keys that enable them. */
const STEP_FEATURES: readonly { name: string; changes: PartialConfig }[] = [
  { name: 'adaptive augmentation', changes: { training: { adaptiveAugment: { enabled: true } } } },
  { name: 'DiffAugment', changes: { training: { diffAugment: { enabled: true, cutout: true } } } },
  {
    name: 'R2 and the relativistic loss',
    changes: { training: { r2Factor: 1, adversarialForm: 'relativistic' } },
  },
  { name: 'LeCam regularisation', changes: { training: { lecam: { weight: 0.1 } } } },
  { name: 'activation checkpointing', changes: { runtime: { recomputeActivations: true } } },
  { name: 'micro-batches', changes: { runtime: { microBatch: 1 } } },
  { name: 'LPIPS', changes: { losses: { lpips: { weight: 10, weights: 'cache' } } } },
  { name: "Adam's first moments", changes: { training: { betas: [0.5, 0.99] } } },
];
/** Batch sizes of `openTranslator`. */
const TRANSLATION_BATCHES = [1, 8];
/** Batch sizes of the feature networks. */
const FEATURE_BATCHES = [2, 16];
const LPIPS_BATCH = 2;

/** A kind of programs, recorded on request: there are too many graphs to hold them all. */
export interface ProgramKind {
  name: string;
  record(): RecordedPrograms;
}

function changed(config: Config, ...changes: readonly PartialConfig[]): Config {
  const trees: Tree[] = [config, ...changes];
  return resolveConfig(trees.reduce((merged, tree) => mergeTrees(merged, tree)) as PartialConfig);
}

/**
 * Lists every config as it is and with all features, its translations, and the networks of evaluation. With the first
 * config, each feature is also listed alone.
 *
 * @param configs by the names to list them under.
 */
export function* programKinds(configs: Readonly<Record<string, Config>>): Generator<ProgramKind> {
  for (const [i, [name, config]] of Object.entries(configs).entries()) {
    for (const { name: variant, runtime } of ARITHMETIC_VARIANTS) {
      const kind = (what: string, ...changes: PartialConfig[]): ProgramKind => ({
        name: `${name}, ${variant}${what}`,
        record: () => recordTraining(changed(config, { runtime }, ...changes)),
      });
      yield kind('');
      if (i === 0) for (const feature of STEP_FEATURES) yield kind(`, ${feature.name}`, feature.changes);
      yield kind(', everything', ...STEP_FEATURES.map(({ changes }) => changes));
      const { model, runtime: computing } = changed(config, { runtime });
      yield {
        name: `${name}, ${variant}, translation`,
        record: () => recordTranslation(model, TRANSLATION_BATCHES, computing),
      };
    }
  }
  yield* evaluationKinds(Object.values(configs));
}

function* evaluationKinds(configs: readonly Config[]): Generator<ProgramKind> {
  for (const variant of ['fid', 'imagenet'] as const)
    yield { name: `Inception (${variant})`, record: () => recordInception(variant, FEATURE_BATCHES) };
  const sizes = new Set(configs.map(({ model }) => model.size));
  for (const net of ['alex', 'vgg'] as const)
    for (const size of sizes)
      for (const [half, index] of [
        ['features', 0],
        ['distances', 1],
      ] as const)
        yield {
          name: `LPIPS (${net}), ${half}, ${size} px`,
          record: () => recordLpips(net, size, LPIPS_BATCH)[index],
        };
}
