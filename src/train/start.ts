// Where a run starts: from a checkpoint, from the weights of a model, or from random weights.
import { InputError } from '../base/errors.js';
import { Rng } from '../base/rng.js';
import { latestCheckpoint, readCheckpoint, resolveCheckpoint } from '../checkpoint/checkpoint.js';
import { isTorchFile, readModelConfig } from '../checkpoint/layout.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import { readReferenceConfig, readReferenceNetworks } from '../checkpoint/reference/import.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { MAX_NUM_DOWN } from '../config/growth.js';
import { loadConfig, resolveConfig } from '../config/load.js';
import type { Config, ModelConfig } from '../config/schema.js';
import { growState } from '../gan/growth.js';
import { initNetworks, type Networks } from '../gan/networks.js';
import type { TrainStateValues } from '../gan/state.js';
import { checkGrows } from '../model/growth.js';
import { type NetworkName, networkSpecs, specsByNetwork } from '../model/networks.js';
import type { NetworkValues, ParameterSpecs } from '../model/parameters.js';
import { modelConfigSchema } from '../translate/model.js';
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
  /** Size of the networks before they grew to that of the config, px; only if they did. */
  grownFrom?: number;
}

export interface StartOptions {
  /** The config of the stage that begins. */
  config: Config;
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
 * Finds the start of a run: its newest complete checkpoint, the weights of another model, or nothing (random weights). Networks
 * of half the config's size grow: those of a checkpoint where `training.growth` says so, and those of another model.
 *
 * @throws InputError if a run to resume has no checkpoint, a new run has one, or the weights do not fit the config.
 */
export async function findStart(options: StartOptions, networks: Networks): Promise<Start> {
  const { config, runDir, resume = false, init, onSkipped } = options;
  const latest = await latestCheckpoint(runDir, { onSkipped });
  if (resume) {
    if (latest === undefined) throw nothingToResume(runDir);
    return resumedStart(config, latest, networks);
  }
  if (latest !== undefined)
    throw new InputError({
      expected: `no checkpoints yet in ${runDir}`,
      found: `one of step ${latest.step}`,
      remedy: 'add --resume to continue that run, or give --out another folder',
    });
  checkGrowthAhead(config);
  if (init === undefined) return { step: 0 };
  const from = await modelOf(init, onSkipped);
  const read = isTorchFile(init) ? readReferenceWeights : readWeights;
  if (from.size === config.model.size)
    return { step: 0, weights: await read({ ...options, init }, specsByNetwork(networks)) };
  checkGrows(from, config.model, init);
  const values = await read({ ...options, init }, networkSpecs(from));
  const grown = growState({ values }, networks, from, new Rng(config.training.seed, 'init'));
  return { step: 0, weights: grown.values, grownFrom: from.size };
}

/** The start of a run that continues from a checkpoint, whose networks grow if it is the end of a stage. */
async function resumedStart(
  config: Config,
  { dir, step }: { dir: string; step: number },
  networks: Networks,
): Promise<Start> {
  const { model, training } = config;
  if (training.steps < step)
    throw new InputError({
      expected: `training.steps to be ${step} or more, the steps that ${dir} has done`,
      found: String(training.steps),
      remedy: 'give more steps, or leave --steps out',
    });
  const checkpoint = await readCheckpoint(dir);
  const from = await modelOf(dir);
  checkGrowthDone(training, from, { dir, step });
  if (from.size === model.size) return { step, ...restoreTraining(specsByNetwork(networks), checkpoint) };
  if (!training.growth.some(({ atStep, size }) => atStep === step && size === model.size))
    throw new InputError({
      expected: `a checkpoint of ${model.size} px in ${dir}, as training.growth and model.size have it after ${step} steps`,
      found: `one of ${from.size} px`,
      remedy: `give training.growth a stage of ${2 * from.size} px with atStep ${step} or more, leave out what sets model.size, or grow into a new folder with --init`,
    });
  checkGrows(from, model, dir);
  const { host, progress } = restoreTraining(networkSpecs(from), checkpoint);
  return {
    step,
    host: growState(host, networks, from, new Rng(training.seed, 'init')),
    // Figures of another size are no measure for the best checkpoint.
    progress: { ...progress, best: undefined },
    grownFrom: from.size,
  };
}

/** @throws InputError if a run has grown already to a size that the config has for a later step. */
function checkGrowthDone(
  { growth }: Config['training'],
  { size }: ModelConfig,
  { dir, step }: { dir: string; step: number },
): void {
  const late = growth.findIndex((stage) => stage.size <= size && stage.atStep > step);
  if (late < 0) return;
  throw new InputError({
    expected: `training.growth.${late}.atStep to be the step at which the run grew to ${growth[late]!.size} px, at most ${step}`,
    found: `${growth[late]!.atStep}, and a checkpoint of ${size} px in ${dir}`,
    remedy: 'leave training.growth as the run has it',
  });
}

/** @throws InputError if a new run is to grow to a size that it already has. */
function checkGrowthAhead({ model, training }: Config): void {
  const done = training.growth.findIndex(({ size }) => size <= model.size);
  if (done < 0) return;
  throw new InputError({
    expected: `training.growth.${done}.size to be more than model.size, ${model.size}, in a new run`,
    found: String(training.growth[done]!.size),
    remedy: 'remove that stage, or start with a smaller model.size',
  });
}

/** The model section of a run, a checkpoint, an exported model or a PyTorch file. */
async function modelOf(init: string, onSkipped?: StartOptions['onSkipped']): Promise<ModelConfig> {
  if (isTorchFile(init)) return (await readReferenceConfig(init)).model;
  const { configPath } = await resolveCheckpoint(init, onSkipped && { onSkipped });
  return (await readModelConfig(configPath, modelConfigSchema)).model;
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
 * The config of a run that starts from a model: that of the model without its initialization phase, or that of a file on top of the model's `model` section,
 * with overrides. If they make `model.size` twice that of the model, the networks grow, with one more downsampling.
 *
 * @throws InputError if the model, its config, the file or an override is wrong.
 */
export async function initialConfig(init: string, overrides: string[], file?: string): Promise<Config> {
  const model = await modelOf(init);
  if (isTorchFile(init)) {
    const values = file === undefined ? await readReferenceConfig(init) : { model };
    return fittedToGrow(loadConfig({ below: { name: init, values }, file, overrides }), model);
  }
  const { configPath } = await resolveCheckpoint(init);
  const of = loadConfig({ file: configPath, overrides: [] });
  const values = file === undefined ? initialized(of) : { model: of.model };
  return fittedToGrow(loadConfig({ below: { name: configPath, values }, file, overrides }), model);
}

/** The config of a trained model, which has its initialization phase behind it: another would undo what it has learnt. */
function initialized({ training, ...rest }: Config): Config {
  return { ...rest, training: { ...training, initialization: { ...training.initialization, steps: 0 } } };
}

/** A new run's config without the stages that the model has behind it, and with one more downsampling if it grows. */
function fittedToGrow(config: Config, from: ModelConfig): Config {
  const { model, training } = config;
  const growth = training.growth.filter(({ size }) => size > model.size);
  const grows = model.size === 2 * from.size && model.numDown === from.numDown;
  if (!grows) return { ...config, training: { ...training, growth } };
  if (from.numDown === MAX_NUM_DOWN)
    throw new InputError({
      expected: `a model with fewer than ${MAX_NUM_DOWN} downsamplings (model.numDown), because one that grows gets another`,
      found: `one with ${from.numDown}`,
      remedy: `train on at its size, ${from.size} px`,
    });
  const numDown = from.numDown + 1;
  return resolveConfig({ ...config, model: { ...model, numDown }, training: { ...training, growth } });
}

/**
 * The EMA generators of a model, which become both raw and EMA weights, and its discriminators if the folder has them.
 * StyleGAN's training code calls this resuming from a network.
 */
async function readWeights(
  { init }: StartOptions & { init: string },
  { G_A2B, G_B2A, ...discriminators }: Record<NetworkName, ParameterSpecs>,
): Promise<NetworkValues> {
  // Skipped checkpoints were reported when the model section was read.
  const { modelPath, trainingPath } = await resolveCheckpoint(init);
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
  { init, onInitProgress }: StartOptions & { init: string },
  { G_A2B, G_B2A, ...discriminators }: Record<NetworkName, ParameterSpecs>,
): Promise<NetworkValues> {
  const { model, training } = await readReferenceNetworks(init, onInitProgress);
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
