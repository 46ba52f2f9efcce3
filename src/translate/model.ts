// Reads trained models from disk: a model folder's config, its generators' weights and their checksum.
import { z } from 'zod';
import { InputError, messageOf } from '../base/errors.js';
import { sha256OfFile } from '../base/hash.js';
import { type ResolvedCheckpoint, resolveCheckpoint } from '../checkpoint/checkpoint.js';
import { readModelConfig } from '../checkpoint/layout.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import { readSafetensors, readSafetensorsHeader } from '../checkpoint/safetensors.js';
import { configShape, type ModelConfig } from '../config/schema.js';
import { GENERATOR_NAMES, type GeneratorSpecs, generatorSpecs } from '../model/networks.js';
import type { NetworkValues } from '../model/parameters.js';

/** The part of a config that translation needs; other sections pass unchecked. */
export const modelConfigSchema = z.looseObject({ model: configShape.shape.model });

/** The content of a model's folder; the weights are read on demand. */
export interface ModelFolder<Config> extends ResolvedCheckpoint {
  config: Config;
  /**
   * Reads the EMA weights of the generators: `both`, or with `any` those that the file holds.
   *
   * @throws InputError naming the file, and the tensor that is missing or of another shape.
   */
  readGenerators(which?: 'both' | 'any'): Promise<NetworkValues>;
  /** SHA-256 of the weights' file, hex digits. */
  sha256(): Promise<string>;
}

export interface OpenModelFolderOptions {
  /** Called with every newer checkpoint of a run that is damaged, and the reason. */
  onSkipped?: ((dir: string, error: InputError) => void) | undefined;
}

/** A trained model, read for translation. */
export interface StoredModel {
  architecture: ModelConfig;
  /** EMA weights of G_A2B and G_B2A, or of one of them if the caller takes any. */
  values: NetworkValues;
  /** The folder that holds it. */
  dir: string;
  /** SHA-256 of the weights' file, hex digits. */
  sha256(): Promise<string>;
}

/** Returns the generators' parameters. @throws InputError naming the config file if it describes no network. */
function checkedGeneratorSpecs(architecture: ModelConfig, configPath: string): GeneratorSpecs {
  try {
    return generatorSpecs(architecture);
  } catch (error) {
    throw new InputError(
      {
        expected: `a model section in ${configPath} that makes a network`,
        found: messageOf(error),
        remedy: 'use the config.json that belongs to these weights',
      },
      { cause: error },
    );
  }
}

async function readGenerators(
  { modelPath, configPath }: ResolvedCheckpoint,
  specs: GeneratorSpecs,
  which: 'both' | 'any',
): Promise<NetworkValues> {
  const { entries } = await readSafetensorsHeader(modelPath);
  const namesOf = (network: string): string[] =>
    [...entries.keys()].filter((name) => name.startsWith(`${network}/`));
  const stored = GENERATOR_NAMES.filter((network) => namesOf(network).length > 0);
  const wanted = which === 'any' && stored.length > 0 ? stored : GENERATOR_NAMES;
  const { tensors } = await readSafetensors(modelPath, { names: wanted.flatMap(namesOf) });
  return fromTensors(tensors, '', Object.fromEntries(wanted.map((network) => [network, specs[network]])), {
    file: modelPath,
    remedy: `use the config.json that belongs to these weights in place of ${configPath}`,
  });
}

/**
 * Opens the folder behind a CKPT argument: a checkpoint, a run (its newest), or an exported model.
 *
 * @param schema what the caller needs of config.json.
 * @throws InputError naming the file that is missing, damaged or does not fit.
 */
export async function openModelFolder<Config extends { model: ModelConfig }>(
  checkpoint: string,
  schema: z.ZodType<Config>,
  { onSkipped }: OpenModelFolderOptions = {},
): Promise<ModelFolder<Config>> {
  const files = await resolveCheckpoint(checkpoint, onSkipped ? { onSkipped } : {});
  const config = await readModelConfig(files.configPath, schema);
  const specs = checkedGeneratorSpecs(config.model, files.configPath);
  return {
    ...files,
    config,
    readGenerators: (which = 'both') => readGenerators(files, specs, which),
    sha256: () => sha256OfFile(files.modelPath),
  };
}

export interface ReadModelOptions extends OpenModelFolderOptions {
  /** Whether one generator is enough (an imported model may have no other); by default both are needed. */
  generators?: 'both' | 'any';
}

/** Reads a model for translation. @param checkpoint as for `openModelFolder`. @throws InputError as `openModelFolder`. */
export async function readModel(
  checkpoint: string,
  { generators, ...options }: ReadModelOptions = {},
): Promise<StoredModel> {
  const { config, dir, readGenerators, sha256 } = await openModelFolder(
    checkpoint,
    modelConfigSchema,
    options,
  );
  return { architecture: config.model, values: await readGenerators(generators), dir, sha256 };
}
