// Collects a training state.
import type { StateParameter, TrainStateValues } from '../../src/gan/state.js';

/** Collects a training state, which trainers yield parameter by parameter. */
export function collectState(parameters: Iterable<StateParameter>): Required<TrainStateValues> {
  const state: Required<TrainStateValues> = { values: {}, first: {}, second: {}, ema: {} };
  for (const { part, network, path, data } of parameters) {
    state[part][network] ??= {};
    state[part][network][path] = data.slice();
  }
  return state;
}
