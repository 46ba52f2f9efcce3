// Weight averaging: the mean of the EMA weights over the checkpoints of a run.
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../base/errors.js';
import { checkpointFolder, stepsOf } from '../checkpoint/layout.js';
import type { NetworkValues } from '../model/parameters.js';
import { type ModelFolder, modelConfigSchema, openModelFolder } from '../translate/model.js';

/** Which checkpoints an average is of. */
export interface AveragedSteps {
  /** The first and the last step. */
  from: number;
  to: number;
  /** The number of checkpoints. */
  checkpoints: number;
}

export interface WeightAverageOptions {
  /** The step of the checkpoint that is exported, the last of the average; undefined if it records none. */
  step: number | undefined;
  /** The first step that counts. */
  from: number;
  /** Called after each checkpoint. May throw to stop. */
  onRead?: ((done: number, total: number) => void) | undefined;
}

/** How many steps each of some checkpoints stands for, as a share of all: half of the way to each neighbour. */
export function averageShares(steps: readonly number[]): number[] {
  const last = steps.length - 1;
  const whole = steps[last]! - steps[0]!;
  return steps.map((_, i) => (steps[Math.min(i + 1, last)]! - steps[Math.max(i - 1, 0)]!) / (2 * whole));
}

/** The tensors of networks; in one order for all checkpoints of an architecture. */
function tensorsOf(values: NetworkValues): Float32Array[] {
  return Object.values(values).flatMap((tree) => Object.values(tree));
}

/**
 * The mean of the generators' EMA weights over a run's checkpoints from step `from` to `step`, each counted for the steps
 * around it: the integral over the steps by the trapezoidal rule. It lengthens the EMA after the run (post-hoc EMA, Karras
 * et al. 2024; stochastic weight averaging, Izmailov et al. 2018).
 *
 * @param folder the checkpoint of `step`, in its run's folder.
 * @throws InputError if the folder is no checkpoint, fewer than two are there, one is damaged, or one has another architecture.
 */
export async function averageWeights(
  folder: ModelFolder<{ model: object }>,
  { step, from, onRead }: WeightAverageOptions,
): Promise<{ values: NetworkValues; averaged: AveragedSteps }> {
  if (folder.statePath === undefined || step === undefined)
    throw new InputError({
      expected: 'a run or one of its checkpoints for --average',
      found: `the exported model ${folder.dir}`,
      remedy: 'name the run that it was exported from, or leave out --average',
    });
  const runDir = dirname(dirname(folder.dir));
  const steps = (await stepsOf(runDir)).filter((one) => one >= from && one <= step).reverse();
  if (steps.length < 2)
    throw new InputError({
      expected: `at least two checkpoints in ${runDir} from step ${from} to ${step} for --average`,
      found: steps.length === 0 ? 'none' : `that of step ${steps[0]} alone`,
      remedy: 'name an earlier step, and keep more checkpoints of a run (checkpoint.keepEverySteps)',
    });
  const shares = averageShares(steps);
  const sums: Float64Array[] = [];
  let values: NetworkValues = {};
  for (const [i, one] of steps.entries()) {
    const dir = checkpointFolder(runDir, one);
    const { config, readGenerators } = await openModelFolder(dir, modelConfigSchema);
    if (!isDeepStrictEqual(config.model, folder.config.model))
      throw new InputError({
        expected: `checkpoints of one architecture in ${runDir} from step ${from} to ${step} for --average`,
        found: `another in ${dir}`,
        remedy: `name a step after ${one} with --average`,
      });
    values = await readGenerators();
    for (const [t, tensor] of tensorsOf(values).entries()) {
      sums[t] ??= new Float64Array(tensor.length);
      const sum = sums[t];
      for (let j = 0; j < tensor.length; j++) sum[j]! += shares[i]! * tensor[j]!;
    }
    onRead?.(i + 1, steps.length);
  }
  for (const [t, tensor] of tensorsOf(values).entries()) tensor.set(sums[t]!);
  return { values, averaged: { from: steps[0]!, to: step, checkpoints: steps.length } };
}
