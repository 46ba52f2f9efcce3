import type { StateParameter, TrainStateValues } from '../../src/gan/state.js';

/** The whole of a training state, of which trainers give one parameter after another. */
export function collectState(parameters: Iterable<StateParameter>): Required<TrainStateValues> {
  const state: Required<TrainStateValues> = { values: {}, first: {}, second: {}, ema: {} };
  for (const { part, network, path, data } of parameters) {
    state[part][network] ??= {};
    state[part][network][path] = data.slice();
  }
  return state;
}
