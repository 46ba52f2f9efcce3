// Where a run starts: from a checkpoint, from the weights of a model, or from random weights.
import { InputError } from '../base/errors.js';
import { Rng } from '../base/rng.js';
import { latestCheckpoint, readCheckpoint, resolveCheckpoint } from '../checkpoint/checkpoint.js';
import { isTorchFile } from '../checkpoint/layout.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import { readReferenceConfig, readReferenceNetworks } from '../checkpoint/reference/import.js';
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
  /** A run, a checkpoint, an exported model, or a file of the reference implementation. */
  init?: string;
  /** Called while such a file is read, which may take a while. */
  onInitProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Called with every newer checkpoint that is damaged, and its error. */
  onSkipped: (dir: string, error: InputError) => void;
}

/**
 * Finds the start of a run: its newest complete checkpoint, the weights of another model, or nothing (random weights).
 *
 * @throws InputError if a run to resume has no checkpoint, a new run has one, or the weights do not fit the config.
 */
export async function findStart(options: StartOptions, networks: Networks): Promise<Start> {
  const { runDir, resume = false, init, onSkipped, onInitProgress } = options;
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
  const weights = isTorchFile(init)
    ? await readReferenceWeights(init, networks, onInitProgress)
    : await readWeights(init, networks, onSkipped);
  return { step: 0, weights };
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
  if (isTorchFile(init)) {
    const values = await readReferenceConfig(init);
    const below = { name: init, values: file === undefined ? values : { model: values.model } };
    return loadConfig({ below, file, overrides });
  }
  const { configPath } = await resolveCheckpoint(init);
  if (file === undefined) return loadConfig({ file: configPath, overrides });
  const { model } = loadConfig({ file: configPath, overrides: [] });
  return loadConfig({ below: { name: configPath, values: { model } }, file, overrides });
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

/** The same of a checkpoint of the reference implementation, read into memory without a copy on the disk. */
async function readReferenceWeights(
  init: string,
  networks: Networks,
  onProgress: StartOptions['onInitProgress'],
): Promise<NetworkValues> {
  const { G_A2B, G_B2A, ...discriminators } = specsByNetwork(networks);
  const { model, training } = await readReferenceNetworks(init, onProgress);
  const place = { file: init, remedy: `give the config the model section of ${init}` };
  const values = fromTensors(model, '', { G_A2B, G_B2A }, place);
  const hasAll = Object.keys(discriminators).every((network) =>
    [...training.keys()].some((name) => name.startsWith(`values/${network}/`)),
  );
  return hasAll ? { ...values, ...fromTensors(training, 'values/', discriminators, place) } : values;
}

function nothingToResume(runDir: string): InputError {
  return new InputError({
    expected: `a checkpoint in ${runDir} to resume from`,
    found: 'none',
    remedy: 'give --out the folder of the run, or leave out --resume to start one',
  });
}
