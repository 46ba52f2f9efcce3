// Detection of divergence: errors for losses and weights that are not finite.
import { existsSync } from 'node:fs';
import { messageOf, RunError } from '../base/errors.js';
import { latestLink } from '../checkpoint/layout.js';
import type { StateParameter } from '../gan/state.js';
import type { TermValues } from './trainer.js';

/** The point of a run that an error refers to. */
interface Where {
  /** Steps done. */
  step: number;
  runDir: string;
  /** Factor on the learning rate. */
  rateScale: number;
  /** The rank that it began on, in words; undefined if unknown, or if there is only one. */
  rank?: string | undefined;
}

/** A loss or weight is no longer finite. */
export class DivergedError extends RunError {
  /** The loss term or weights that are not finite. */
  readonly what: string;
  readonly step: number;
  readonly rateScale: number;

  constructor(what: string, { step, runDir, rateScale, rank }: Where) {
    super(
      `${what} after step ${step}${rank ? ` on ${rank}` : ''}: training has diverged. ` +
        'Start again with a smaller training.learningRate' +
        (existsSync(latestLink(runDir))
          ? `, or continue from the newest checkpoint in ${runDir}: --resume --set watch.onNonFinite=rollback.`
          : '.'),
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
 * Passes parameters on and checks the weights. The loss terms of a step are those before its update, so this check alone
 * prevents saving a newest checkpoint that cannot be trained further.
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

/** The error of a run whose last steps could not be saved. @param saved the last saved step. @param cause why saving failed. */
export function unsaved(error: unknown, saved: number, cause: unknown): RunError {
  return new RunError(
    `${messageOf(error)} The steps after ${saved} could not be saved either: ${messageOf(cause)}`,
    { cause: error },
  );
}
