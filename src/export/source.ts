// Reads the model that is exported, and the facts about it for the model card.
import { basename, posix, win32 } from 'node:path';
import { z } from 'zod';
import type { InputError } from '../base/errors.js';
import { sha256OfFile } from '../base/hash.js';
import { type ResolvedCheckpoint, resolveCheckpoint } from '../checkpoint/checkpoint.js';
import { readModelConfig, readState } from '../checkpoint/layout.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import { readSafetensors, readSafetensorsHeader } from '../checkpoint/safetensors.js';
import { configShape, type ModelConfig } from '../config/schema.js';
import type { NetworkValues } from '../model/parameters.js';
import { generatorSpecs } from '../translate/model.js';

/** The networks that an export holds. */
const GENERATORS = ['G_A2B', 'G_B2A'] as const;

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

/** The model that is exported, and the facts for its card. */
export interface ExportSource {
  architecture: ModelConfig;
  /** EMA weights of the generators: both, or with `generators: 'any'` at least one. */
  values: NetworkValues;
  /** The config without paths of the machine that trained it. */
  config: Record<string, unknown>;
  /** The last part of the training folder's path. */
  dataName: string | undefined;
  /** Training steps, if the checkpoint records them. */
  step: number | undefined;
  /** SHA-256 of its model.safetensors, by which a metrics receipt names it. */
  sha256: string;
  /** The folder of the checkpoint. */
  dir: string;
}

/** Whether a path leads out of the working directory. */
function isLocalPath(path: unknown): boolean {
  if (typeof path !== 'string') return false;
  return posix.isAbsolute(path) || win32.isAbsolute(path) || /^~|(^|[\\/])\.\.([\\/]|$)/.test(path);
}

/** The config without local folders: they mean nothing elsewhere, and may reveal the owner's name. */
function portableConfig({ data, losses, evaluation, ...config }: StoredConfig): Record<string, unknown> {
  const { root, ...otherData } = data ?? {};
  const { protocol, ...otherEvaluation } = evaluation ?? {};
  const { weights, ...otherLpips } = losses?.lpips ?? {};
  return {
    ...config,
    ...(data && { data: isLocalPath(root) || root === undefined ? otherData : { ...otherData, root } }),
    ...(losses && {
      losses: losses.lpips
        ? { ...losses, lpips: isLocalPath(weights) ? otherLpips : { ...otherLpips, weights } }
        : losses,
    }),
    ...(evaluation && { evaluation: isLocalPath(protocol) ? otherEvaluation : evaluation }),
  };
}

async function stepOf({ statePath, modelPath }: ResolvedCheckpoint): Promise<number | undefined> {
  if (statePath !== undefined) return (await readState(statePath)).step;
  const { metadata } = await readSafetensorsHeader(modelPath);
  return /^\d{1,15}$/.test(metadata.step ?? '') ? Number(metadata.step) : undefined;
}

export interface ExportSourceOptions {
  /** Whether one generator is enough. Default: `both`. */
  generators?: 'both' | 'any';
  /** Called with every newer checkpoint of a run that is damaged, and the reason. */
  onSkipped?: (dir: string, error: InputError) => void;
}

/**
 * Reads the model of a CKPT argument: a checkpoint, a run (its newest checkpoint), or an exported model.
 *
 * @throws InputError that names the missing, damaged or unfitting file.
 */
export async function readExportSource(
  checkpoint: string,
  { generators = 'both', onSkipped }: ExportSourceOptions = {},
): Promise<ExportSource> {
  const resolved = await resolveCheckpoint(checkpoint, onSkipped ? { onSkipped } : {});
  const { dir, modelPath, configPath } = resolved;
  const config = await readModelConfig(configPath, configSchema);
  const specs = generatorSpecs(config.model, configPath);
  const { entries } = await readSafetensorsHeader(modelPath);
  const names = [...entries.keys()];
  const available = GENERATORS.filter((network) => names.some((name) => name.startsWith(`${network}/`)));
  const wanted = generators === 'any' && available.length > 0 ? available : GENERATORS;
  const wantedNames = names.filter((name) => wanted.some((network) => name.startsWith(`${network}/`)));
  const { tensors } = await readSafetensors(modelPath, { names: wantedNames });
  const values = fromTensors(tensors, '', Object.fromEntries(wanted.map((name) => [name, specs])), {
    file: modelPath,
    remedy: `use the config.json that belongs to these weights in place of ${configPath}`,
  });
  const root = config.data?.root;
  return {
    architecture: config.model,
    values,
    config: portableConfig(config),
    dataName: typeof root === 'string' ? basename(root) : undefined,
    step: await stepOf(resolved),
    sha256: await sha256OfFile(modelPath),
    dir,
  };
}
