// Reads what is exported: a model, its config as others may see it, and its checksum.
import { basename, posix, win32 } from 'node:path';
import { z } from 'zod';
import type { InputError } from '../base/errors.js';
import type { ResolvedCheckpoint } from '../checkpoint/checkpoint.js';
import { readState } from '../checkpoint/layout.js';
import { readSafetensorsHeader } from '../checkpoint/safetensors.js';
import { configShape, type ModelConfig } from '../config/schema.js';
import type { NetworkValues } from '../model/parameters.js';
import { openModelFolder } from '../translate/model.js';
import { type AveragedSteps, averageWeights } from './weight-average.js';

const text = z.looseObject({}).catch({});
const configSchema = z.looseObject({
  model: configShape.shape.model,
  data: z.looseObject({ root: z.unknown() }).optional().catch(undefined),
  training: text.optional(),
  losses: z
    .looseObject({ lpips: z.looseObject({ weights: z.unknown() }).optional().catch(undefined) })
    .optional(),
  evaluation: z.looseObject({ protocol: z.unknown() }).optional().catch(undefined),
});
type StoredConfig = z.infer<typeof configSchema>;

/** A model to export, with what its card says about it. */
export interface ExportSource {
  architecture: ModelConfig;
  /** Averaged weights of the generators, both unless the caller asked for any. */
  values: NetworkValues;
  /** The config without paths of this machine. */
  config: Record<string, unknown>;
  /** Last part of the name of the folder that it was trained on. */
  dataName: string | undefined;
  /** Steps done; undefined if the checkpoint does not record them. */
  step: number | undefined;
  /** The checkpoints of which the weights are the mean; undefined if they are those of one. */
  averaged?: AveragedSteps | undefined;
  /** Of its model.safetensors: what a metrics receipt names. */
  sha256: string;
  /** The folder that it was read from. */
  dir: string;
}

/** Whether a path leads out of the working directory. */
function isOfMachine(path: unknown): boolean {
  if (typeof path !== 'string') return false;
  return posix.isAbsolute(path) || win32.isAbsolute(path) || /^~|(^|[\\/])\.\.([\\/]|$)/.test(path);
}

/** Folders of this machine say nothing elsewhere, and may tell who owns it. */
function portableConfig({ data, losses, evaluation, ...config }: StoredConfig): Record<string, unknown> {
  const { root, ...otherData } = data ?? {};
  const { protocol, ...otherEvaluation } = evaluation ?? {};
  const { weights, ...otherLpips } = losses?.lpips ?? {};
  return {
    ...config,
    ...(data && { data: isOfMachine(root) || root === undefined ? otherData : { ...otherData, root } }),
    ...(losses && {
      losses: losses.lpips
        ? { ...losses, lpips: isOfMachine(weights) ? otherLpips : { ...otherLpips, weights } }
        : losses,
    }),
    ...(evaluation && { evaluation: isOfMachine(protocol) ? otherEvaluation : evaluation }),
  };
}

async function stepOf({ statePath, modelPath }: ResolvedCheckpoint): Promise<number | undefined> {
  if (statePath !== undefined) return (await readState(statePath)).step;
  const { metadata } = await readSafetensorsHeader(modelPath);
  return /^\d{1,15}$/.test(metadata.step ?? '') ? Number(metadata.step) : undefined;
}

export interface ExportSourceOptions {
  /** Whether one generator is enough; by default both are needed. */
  generators?: 'both' | 'any';
  /** Called with every newer checkpoint of a run that is damaged, and the reason. */
  onSkipped?: (dir: string, error: InputError) => void;
  /** The first step of a mean over the run's checkpoints; by default the weights of one. */
  average?: number | undefined;
  /** Called after each checkpoint of that mean. */
  onRead?: ((done: number, total: number) => void) | undefined;
}

/**
 * Reads what is behind a CKPT argument: a checkpoint, a run (its newest), or an exported model.
 *
 * @throws InputError naming the missing, damaged or unfitting file, and as `averageWeights`.
 */
export async function readExportSource(
  checkpoint: string,
  { generators = 'both', onSkipped, average, onRead }: ExportSourceOptions = {},
): Promise<ExportSource> {
  const folder = await openModelFolder(checkpoint, configSchema, { onSkipped });
  const { config } = folder;
  const step = await stepOf(folder);
  const { values, averaged }: Pick<ExportSource, 'values' | 'averaged'> =
    average === undefined
      ? { values: await folder.readGenerators(generators) }
      : await averageWeights(folder, { step, from: average, onRead });
  const root = config.data?.root;
  return {
    architecture: config.model,
    values,
    averaged,
    config: portableConfig(config),
    dataName: typeof root === 'string' ? basename(root) : undefined,
    step,
    sha256: await folder.sha256(),
    dir: folder.dir,
  };
}
