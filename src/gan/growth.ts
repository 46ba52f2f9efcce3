// Grows a training state: the networks of a run for images of twice the size, with their EMA and moments.

import type { Rng } from '../base/rng.js';
import type { Architecture } from '../model/architecture.js';
import { growMoments, growNetworks } from '../model/growth.js';
import { specsByNetwork } from '../model/networks.js';
import { initNetworks, type Networks } from './networks.js';
import type { TrainStateValues } from './state.js';

/**
 * The state of a run whose networks have grown. New weights are the same in the generators and in their averages (EMA). Moments of
 * old weights are kept, and those of new ones start at zero; `adamStepAt` counts from here.
 *
 * @param networks the grown ones.
 * @param from the architecture of `state`, which `checkGrows` has accepted.
 * @param rng start of the random numbers of new weights.
 */
export function growState(
  { values, ema, first, second }: TrainStateValues,
  networks: Networks,
  from: Architecture,
  rng: Rng,
): TrainStateValues {
  const fresh = initNetworks(networks, rng);
  const specs = specsByNetwork(networks);
  return {
    values: growNetworks(values, fresh, from),
    ...(ema && { ema: growNetworks(ema, fresh, from) }),
    ...(first && { first: growMoments(first, specs) }),
    ...(second && { second: growMoments(second, specs) }),
  };
}
