// Reads the optimizers of a reference checkpoint.
import { InputError } from '../../base/errors.js';
import type { PartialConfig } from '../../config/schema.js';
import type { NetworkName } from '../../model/networks.js';
import { TorchTensorRef } from '../torch-file/values.js';
import { type OptimizerState, OTHER_FILE, type ReferenceFile } from './reference-file.js';

/** Adam's moments of one parameter in the file. */
export interface MomentRefs {
  first: TorchTensorRef;
  second: TorchTensorRef;
  /** Adam's count of steps; a number in files of old versions of torch. */
  step: TorchTensorRef | number | undefined;
}

/** A parameter in the order of an optimizer. */
export interface CountedParameter {
  network: NetworkName;
  path: string;
  shape: readonly number[];
}

/**
 * The moments of an optimizer's parameters, in their order; undefined for a parameter that never had a gradient.
 *
 * @throws InputError that names a parameter whose state is incomplete or of another shape.
 */
export function momentsOf(
  file: string,
  name: string,
  { ids, state }: OptimizerState,
  parameters: readonly CountedParameter[],
): (MomentRefs | undefined)[] {
  if (ids.length !== parameters.length)
    throw new InputError({
      expected: `${parameters.length} parameters in ${name} of ${file}, those of its networks`,
      found: String(ids.length),
      remedy: OTHER_FILE,
    });
  return parameters.map(({ network, path, shape }, i) => {
    const entry = state.get(ids[i]);
    if (entry === undefined) return undefined;
    const read = (key: string): TorchTensorRef => {
      const tensor: unknown = entry instanceof Map ? entry.get(key) : undefined;
      if (tensor instanceof TorchTensorRef && tensor.shape.join() === shape.join()) return tensor;
      throw new InputError({
        expected: `${key} of shape [${shape}] for ${network}/${path}, parameter ${i} of ${name} in ${file}`,
        found: tensor instanceof TorchTensorRef ? `one of shape [${tensor.shape}]` : 'none',
        remedy: OTHER_FILE,
      });
    };
    const step: unknown = entry instanceof Map ? entry.get('step') : undefined;
    const isCount = typeof step === 'number' || (step instanceof TorchTensorRef && step.elements === 1);
    return { first: read('exp_avg'), second: read('exp_avg_sq'), step: isCount ? step : undefined };
  });
}

function numberOf({ settings }: OptimizerState, key: string): number | undefined {
  const value = settings.get(key);
  return typeof value === 'number' ? value : undefined;
}

function betasOf(optimizer: OptimizerState): [number, number] | undefined {
  const betas = optimizer.settings.get('betas');
  const isRight =
    Array.isArray(betas) && betas.length === 2 && betas.every((beta) => typeof beta === 'number');
  return isRight ? (betas as [number, number]) : undefined;
}

/** The steps between two R1 penalties: the k in the discriminators' decay, `beta ** (k / (k + 1))`. */
function r1EverySteps(generatorBeta: number, discriminatorBeta: number): number | undefined {
  const ratio = Math.log(discriminatorBeta) / Math.log(generatorBeta);
  const steps = Math.round(ratio / (1 - ratio));
  return Number.isSafeInteger(steps) && steps >= 1 && steps < 1e6 ? steps : undefined;
}

/** The reference's StepLR: gamma of 0.5, every 100,000 steps. */
const DECAY_FACTOR = 0.5;
const DECAY_EVERY_STEPS = 100_000;

/** Steps between two decays that lead from one learning rate to the other; those of the reference if they fit. */
function decayEverySteps(initial: number, present: number, step: number): number | undefined {
  const decays = Math.log(present / initial) / Math.log(DECAY_FACTOR);
  if (!Number.isInteger(decays) || decays < 0) return undefined;
  const candidates = [DECAY_EVERY_STEPS, Math.floor(step / decays), step + 1];
  return candidates.find((every) => every >= 1 && Math.floor(step / every) === decays);
}

export interface InferredTraining {
  training: NonNullable<PartialConfig['training']>;
  /** Notes for the user. */
  notes: string[];
}

/** Infers training settings from the optimizers. @param step steps done. */
export function inferTraining({ optimizers }: ReferenceFile, step: number): InferredTraining {
  const [generators, discriminators] = [optimizers.get('G_optim'), optimizers.get('D_optim')];
  if (generators === undefined || discriminators === undefined) return { training: {}, notes: [] };
  const notes: string[] = [];
  const training: InferredTraining['training'] = {};
  const present = numberOf(generators, 'lr');
  const initial = numberOf(generators, 'initial_lr') ?? present;
  if (present !== undefined && initial !== undefined && present > 0 && initial > 0) {
    training.learningRate = initial;
    const every = decayEverySteps(initial, present, step);
    if (every !== undefined) training.decayEverySteps = every;
    else
      notes.push(
        `The learning rate in the file, ${present}, does not result from halving ${initial} at regular steps: set training.learningRate and training.decayEverySteps.`,
      );
    if (every !== undefined && every !== DECAY_EVERY_STEPS)
      notes.push(
        `training.decayEverySteps is ${every}: the file does not record it, but this fits its learning rate.`,
      );
  }
  const betas = betasOf(generators);
  const lazy = betasOf(discriminators);
  if (betas) training.betas = betas;
  const every = betas && lazy && r1EverySteps(betas[1], lazy[1]);
  if (every !== undefined) training.r1EverySteps = every;
  return { training, notes };
}
