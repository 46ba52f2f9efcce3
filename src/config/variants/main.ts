// The networks and settings of the paper (the reference's branch `main`).
import type { NetworkVariant } from './variant.js';

export const main: NetworkVariant = {
  summary: "the paper's",
  isReleased: true,
  contentFilter: 1,
  globalBranch: 'map',
  defaults: {},
};
