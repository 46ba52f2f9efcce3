import { messageOf, RunError } from '../base/errors.js';
import type { StateParameter } from '../gan/state.js';
import type { TermValues } from './trainer.js';

interface Where {
  /** Steps done. */
  step: number;
  runDir: string;
  /** Factor on the learning rate. */
  rateScale: number;
}

/** A loss or weight is not finite any more. */
export class DivergedError extends RunError {
  /** What is not finite. */
  readonly what: string;
  readonly step: number;
  readonly rateScale: number;

  constructor(what: string, { step, runDir, rateScale }: Where) {
    super(
      `${what} after step ${step}: the training has diverged. ` +
        `Earlier checkpoints in ${runDir} are kept; start again with a smaller training.learningRate, ` +
        'or go on with --resume --set watch.onNonFinite=rollback.',
    );
    this.what = what;
    this.step = step;
    this.rateScale = rateScale;
  }
}

/** @throws DivergedError that names the term. */
export function assertFinite(terms: TermValues, where: Where): void {
  const broken = Object.entries(terms).find(([, value]) => !Number.isFinite(value));
  if (broken !== undefined) throw new DivergedError(`The loss term ${broken[0]} is ${broken[1]}`, where);
}

/**
 * The state's parameters as they come, with a look at the weights: the loss terms of a step are those before its update,
 * and a checkpoint that could not go on would be the newest one.
 *
 * @throws DivergedError that names the parameter.
 */
export function* finiteWeights(
  parameters: Iterable<StateParameter>,
  where: Where,
): Generator<StateParameter> {
  for (const parameter of parameters) {
    const { part, network, path, data } = parameter;
    if (part === 'values' && !data.every(Number.isFinite))
      throw new DivergedError(`${network}/${path} has weights that are not finite`, where);
    yield parameter;
  }
}

/** What ended a run, and why nothing could be saved of its last steps. */
export function unsaved(error: unknown, saved: number, cause: unknown): RunError {
  return new RunError(
    `${messageOf(error)} The steps after ${saved} could not be saved either: ${messageOf(cause)}`,
    { cause: error },
  );
}
