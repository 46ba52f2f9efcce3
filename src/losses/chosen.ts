// What follows from the registry of losses: the config's section on them, and the losses that it chooses.
import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Loss, LossInputs, WrongOption } from './loss.js';
import { type LossName, losses } from './registry.js';

/** Names of all losses, in the order of their sum. */
export const LOSS_NAMES = Object.keys(losses) as LossName[];

type LossSchemas = { [Name in LossName]: (typeof losses)[Name]['config'] };

/** The config's section `losses`. */
export const lossesSchema = z.strictObject(
  Object.fromEntries(Object.entries(losses).map(([name, { config }]) => [name, config])) as LossSchemas,
);

/** A loss with its config; its weight is above 0. */
export interface ChosenLoss extends Pick<Loss, 'inputs' | 'trainsDecoder'> {
  name: LossName;
  weight: number;
  /** Where the weights of LPIPS are, `cache` or a file; null if it needs none, or has none. */
  lpipsWeights: string | null;
  /** Whether it counts in the initialization phase. */
  inInitialization: boolean;
  /** Steps over which its weight falls linearly to 0; null if it stays. */
  decaySteps: number | null;
  problem: WrongOption | undefined;
  /** The term of one domain, without its weight. */
  term(inputs: LossInputs): Tensor;
}

/** The losses whose weight is above 0, in the order of their sum. */
export function chosenLosses(config: z.output<typeof lossesSchema>): ChosenLoss[] {
  return LOSS_NAMES.flatMap((name): ChosenLoss[] => {
    const loss: Loss = losses[name];
    const options = config[name];
    const weight = typeof options === 'number' ? options : options.weight;
    if (weight === 0) return [];
    const { inputs, trainsDecoder, inInitialization = false } = loss;
    return [
      {
        name,
        weight,
        inputs,
        trainsDecoder,
        inInitialization,
        lpipsWeights: loss.lpipsWeights?.(options) ?? null,
        decaySteps: loss.decaySteps?.(options) ?? null,
        problem: loss.problem?.(options),
        term: (values) => loss.term(values, options),
      },
    ];
  });
}

/** Where the weights of LPIPS are, `cache` or a file, if a loss of the config needs them. */
export function lpipsWeights(config: z.output<typeof lossesSchema>): string | undefined {
  return chosenLosses(config).find((loss) => loss.lpipsWeights !== null)?.lpipsWeights ?? undefined;
}
