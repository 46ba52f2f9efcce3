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
  /** The step of the checkpoint that is exported, the last of the average. */
  step: number;
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

function addTo(sums: Map<string, Float64Array>, values: NetworkValues, share: number): void {
  for (const [network, tree] of Object.entries(values))
    for (const [path, tensor] of Object.entries(tree)) {
      const name = `${network}/${path}`;
      const sum = sums.get(name) ?? new Float64Array(tensor.length);
      for (let i = 0; i < tensor.length; i++) sum[i]! += share * tensor[i]!;
      sums.set(name, sum);
    }
}

/**
 * The mean of the generators' EMA weights over a run's checkpoints from step `from` to `step`, each counted for the steps
 * around it: the integral over the steps by the trapezoidal rule. It lengthens the EMA after the run (post-hoc EMA, Karras
 * et al. 2024; stochastic weight averaging, Izmailov et al. 2018).
 *
 * @param folder the checkpoint of `step`, in its run's folder.
 * @throws InputError if fewer than two checkpoints are there, one is damaged, or one has another architecture.
 */
export async function averageWeights(
  folder: ModelFolder<{ model: object }>,
  { step, from, onRead }: WeightAverageOptions,
): Promise<{ values: NetworkValues; averaged: AveragedSteps }> {
  const runDir = dirname(dirname(folder.dir));
  const steps = (await stepsOf(runDir)).filter((one) => one >= from && one <= step).reverse();
  if (steps.length < 2)
    throw new InputError({
      expected: `at least two checkpoints in ${runDir} from step ${from} to ${step} for --average`,
      found: steps.length === 0 ? 'none' : `that of step ${steps[0]} alone`,
      remedy: 'name an earlier step, and keep more checkpoints of a run (checkpoint.keepEverySteps)',
    });
  const shares = averageShares(steps);
  const sums = new Map<string, Float64Array>();
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
    addTo(sums, values, shares[i]!);
    onRead?.(i + 1, steps.length);
  }
  const mean = Object.fromEntries(
    Object.entries(values).map(([network, tree]) => [
      network,
      Object.fromEntries(
        Object.keys(tree).map((path) => [path, Float32Array.from(sums.get(`${network}/${path}`)!)]),
      ),
    ]),
  );
  return { values: mean, averaged: { from: steps[0]!, to: step, checkpoints: steps.length } };
}
