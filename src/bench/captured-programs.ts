// Records every kind of program that the project runs in a session, without weights, to count and check their operations.
import type { Config } from '../config/schema.js';
import {
  inceptionPrograms,
  lpipsDistancePrograms,
  lpipsFeaturePrograms,
} from '../eval/features/feature-programs.js';
import { buildNetworks } from '../gan/networks.js';
import { lpipsWeights } from '../losses/chosen.js';
import type { Architecture } from '../model/architecture.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { GENERATOR_NAMES } from '../model/networks.js';
import { buildInception, type InceptionVariant } from '../perceptual/inception.js';
import { buildLpips, type LpipsNet } from '../perceptual/lpips.js';
import type { Precision, TensorSpec } from '../runtime/capture/capture.js';
import { type RecordedPrograms, recordGraph } from '../runtime/capture/record.js';
import { trainingPrograms } from '../train/training-programs.js';
import { parametersByPrefix, translationPrograms } from '../translate/translation-programs.js';

/** The arithmetic variants in which programs are recorded, with the config keys that select them. */
export const ARITHMETIC_VARIANTS: readonly { name: string; runtime: Partial<Config['runtime']> }[] = [
  { name: 'float32', runtime: { arithmetic: 'float32' } },
  { name: 'bfloat16', runtime: { arithmetic: 'bfloat16' } },
  { name: 'bfloat16 activations', runtime: { arithmetic: 'bfloat16', activations: 'bfloat16' } },
];

/**
 * The programs of a run: steps without and with R1, and translations of samples. They include the terms that need LPIPS if
 * the config says where its weights are; the weights are not read. The engine must be loaded.
 */
export function recordTraining(config: Config): RecordedPrograms {
  const networks = buildNetworks(config);
  const hasPerceptual = lpipsWeights(config.losses) !== undefined;
  try {
    const { programs, variables } = trainingPrograms({
      config,
      networks,
      ...(hasPerceptual && { perceptual: { lpips: buildLpips('vgg'), params: {} } }),
    });
    return recordGraph(programs, variables, config.runtime);
  } finally {
    networks.generators.dispose();
    networks.discriminators.dispose();
  }
}

/** The programs of a trained model, for each of `batches`. */
export function recordTranslation(
  architecture: Architecture,
  batches: readonly number[],
  precision: Precision,
): RecordedPrograms {
  const generator = buildGenerator(architecture);
  const variables: Record<string, TensorSpec> = {};
  for (const network of GENERATOR_NAMES)
    for (const [path, spec] of Object.entries(weightSpecs(generator))) variables[`${network}/${path}`] = spec;
  const programs = translationPrograms(architecture, generator, batches, parametersByPrefix);
  return recordGraph(programs, variables, precision);
}

/** A generator's weights and those derived from them. */
function weightSpecs({ specs, derive }: Generator): Record<string, TensorSpec> {
  const variables: Record<string, TensorSpec> = {};
  for (const [path, { shape }] of Object.entries(specs)) variables[path] = { shape, dtype: 'float32' };
  const all = { ...variables };
  const deriving = {
    inputs: {},
    run: (params: Parameters<Generator['derive']>[0]) => {
      const outputs = derive(params);
      for (const [path, { shape }] of Object.entries(outputs)) all[path] = { shape, dtype: 'float32' };
      return { outputs };
    },
  };
  recordGraph({ deriving }, variables);
  return all;
}

/** The Inception network, whose features FID and similar metrics use. */
export function recordInception(variant: InceptionVariant, batches: readonly number[]): RecordedPrograms {
  const { programs, variables } = inceptionPrograms(buildInception(variant), batches);
  return recordGraph(programs, variables);
}

/** The programs of LPIPS in evaluation: features of images of `size` px, and distances between them. */
export function recordLpips(
  net: LpipsNet,
  size: number,
  batch: number,
): [features: RecordedPrograms, distances: RecordedPrograms] {
  const lpips = buildLpips(net);
  const features = lpipsFeaturePrograms(lpips, [batch, size, size]);
  const recorded = recordGraph(features.programs, features.variables);
  const distances = lpipsDistancePrograms(lpips, batch, features.layers);
  return [recorded, recordGraph(distances.programs, distances.variables)];
}
