// Where a run starts: from a checkpoint, from the weights of a model, or from random weights.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { Rng } from '../base/rng.js';
import { latestCheckpoint, readCheckpoint, resolveCheckpoint } from '../checkpoint/checkpoint.js';
import { isTorchFile } from '../checkpoint/layout.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import { importReferenceCheckpoint } from '../checkpoint/reference/import.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { initNetworks, type Networks } from '../gan/networks.js';
import type { TrainStateValues } from '../gan/state.js';
import { specsByNetwork } from '../model/networks.js';
import type { NetworkValues } from '../model/parameters.js';
import { restoreTraining, type TrainProgress } from './checkpoint-state.js';

/** The point where training begins. */
export interface Start {
  /** Steps done. */
  step: number;
  /** The state of a resumed run. */
  host?: TrainStateValues | undefined;
  progress?: TrainProgress;
  /** Weights that replace random ones. */
  weights?: NetworkValues | undefined;
}

export interface StartOptions {
  runDir: string;
  resume?: boolean;
  /** A run, a checkpoint or an exported model. */
  init?: string;
  /** Called with every newer checkpoint that is damaged, and its error. */
  onSkipped: (dir: string, error: InputError) => void;
}

/**
 * Finds the start of a run: its newest complete checkpoint, the weights of another model, or nothing (random weights).
 *
 * @throws InputError if a run to resume has no checkpoint, a new run has one, or the weights do not fit the config.
 */
export async function findStart(options: StartOptions, networks: Networks): Promise<Start> {
  const { runDir, resume = false, init, onSkipped } = options;
  const latest = await latestCheckpoint(runDir, { onSkipped });
  if (resume) {
    if (latest === undefined) throw nothingToResume(runDir);
    const { host, progress } = restoreTraining(networks, await readCheckpoint(latest.dir));
    return { step: latest.step, host, progress };
  }
  if (latest !== undefined)
    throw new InputError({
      expected: `no checkpoints yet in ${runDir}`,
      found: `one of step ${latest.step}`,
      remedy: 'add --resume to continue that run, or give --out another folder',
    });
  if (init === undefined) return { step: 0 };
  return { step: 0, weights: await readWeights(init, networks, onSkipped) };
}

/** The state to start from. `start` drops its reference to it: the state is large, and the device has a copy. */
export function takeHost(start: Start, networks: Networks, seed: number): TrainStateValues {
  const { host, weights } = start;
  start.host = undefined;
  start.weights = undefined;
  return host ?? { values: { ...initNetworks(networks, new Rng(seed, 'init')), ...weights } };
}

/**
 * The config of a run to resume, with overrides.
 *
 * @throws InputError if the run has no checkpoint, or its config or an override is wrong.
 */
export async function resumedConfig(runDir: string, overrides: string[]): Promise<Config> {
  const latest = await latestCheckpoint(runDir);
  if (latest === undefined) throw nothingToResume(runDir);
  return loadConfig({ file: `${latest.dir}/config.json`, overrides });
}

/**
 * The config of a run that starts from a model: that of the model, or that of a file on top of the model's `model` section,
 * with overrides.
 *
 * @throws InputError if the model, its config, the file or an override is wrong.
 */
export async function initialConfig(init: string, overrides: string[], file?: string): Promise<Config> {
  const { configPath } = await resolveCheckpoint(init);
  if (file === undefined) return loadConfig({ file: configPath, overrides });
  const { model } = loadConfig({ file: configPath, overrides: [] });
  return loadConfig({ below: { name: configPath, values: { model } }, file, overrides });
}

/**
 * Runs `use` with a folder that a run can start from: `init` itself, or a temporary import of it if it is a checkpoint of
 * the reference implementation.
 *
 * @throws InputError if the file is not such a checkpoint.
 */
export async function withModelFolder<T>(
  init: string,
  use: (folder: string) => Promise<T>,
  onProgress: (doneBytes: number, totalBytes: number) => void = () => undefined,
): Promise<T> {
  if (!isTorchFile(init)) return use(init);
  const scratch = await mkdtemp(join(tmpdir(), 'gnr-init-'));
  try {
    const folder = join(scratch, 'imported');
    let total = 0;
    await importReferenceCheckpoint(init, folder, {
      onProgress: (doneBytes, totalBytes) => {
        total = totalBytes;
        onProgress(doneBytes, totalBytes);
      },
    });
    // The file has more than tensors, which is not counted.
    onProgress(total, total);
    return await use(folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * The EMA generators of a model, which become both raw and EMA weights, and its discriminators if the folder has them.
 * StyleGAN's training code calls this resuming from a network.
 */
async function readWeights(
  init: string,
  networks: Networks,
  onSkipped: StartOptions['onSkipped'],
): Promise<NetworkValues> {
  const { modelPath, trainingPath } = await resolveCheckpoint(init, { onSkipped });
  const { G_A2B, G_B2A, ...discriminators } = specsByNetwork(networks);
  const remedy = `give the config the model section that ${init} was trained with`;
  const model = await readSafetensors(modelPath);
  const generators = { G_A2B, G_B2A };
  const values = fromTensors(model.tensors, '', generators, { file: modelPath, remedy });
  if (trainingPath === undefined) return values;
  const training = await readSafetensors(trainingPath);
  const discriminatorValues = fromTensors(training.tensors, 'values/', discriminators, {
    file: trainingPath,
    remedy,
  });
  return { ...values, ...discriminatorValues };
}

function nothingToResume(runDir: string): InputError {
  return new InputError({
    expected: `a checkpoint in ${runDir} to resume from`,
    found: 'none',
    remedy: 'give --out the folder of the run, or leave out --resume to start one',
  });
}
