import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { InputError, messageOf } from '../base/errors.js';
import { formatIssues } from '../base/parse-or-throw.js';
import { resolveCheckpoint } from '../checkpoint/checkpoint.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { configShape, type ModelConfig } from '../config/schema.js';
import { buildGenerator } from '../model/generator.js';
import type { NetworkValues, ParameterSpecs } from '../model/parameters.js';

/** A trained model: what translation needs. */
export interface Model {
  architecture: ModelConfig;
  /** Averaged weights of G_A2B and G_B2A. */
  values: NetworkValues;
  /** The folder it came from. */
  dir: string;
  /** The file of its weights. */
  path: string;
}

async function readArchitecture(path: string): Promise<ModelConfig> {
  try {
    const config = JSON.parse(await readFile(path, 'utf8')) as unknown;
    return z.looseObject({ model: configShape.shape.model }).parse(config).model;
  } catch (error) {
    const found = error instanceof z.ZodError ? formatIssues(error) : messageOf(error);
    throw new InputError(
      { expected: `the model's config in ${path}`, found, remedy: 'copy the config.json of the run there' },
      { cause: error },
    );
  }
}

/** The parameters of the generators of a config. @throws InputError naming the file where it makes no network. */
export function generatorSpecs(architecture: ModelConfig, configPath: string): ParameterSpecs {
  try {
    return buildGenerator(architecture).specs;
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

/**
 * Loads the generators behind a CKPT argument: a checkpoint, a run (its newest), or an exported model.
 *
 * @param options.onSkipped is told of every newer checkpoint of a run that is damaged, and why.
 * @throws InputError naming the missing, damaged or unfitting file.
 */
export async function loadModel(
  checkpoint: string,
  options: { onSkipped?: (dir: string, error: InputError) => void } = {},
): Promise<Model> {
  const { modelPath, configPath } = await resolveCheckpoint(checkpoint, options);
  const architecture = await readArchitecture(configPath);
  const { tensors } = await readSafetensors(modelPath);
  const specs = generatorSpecs(architecture, configPath);
  const values = fromTensors(
    tensors,
    '',
    { G_A2B: specs, G_B2A: specs },
    {
      file: modelPath,
      remedy: `use the config.json that belongs to these weights in place of ${configPath}`,
    },
  );
  return { architecture, values, dir: dirname(modelPath), path: modelPath };
}
