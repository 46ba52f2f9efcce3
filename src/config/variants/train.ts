// The networks and settings of the reference's released training code (its branch `train`).
import type { NetworkVariant } from './variant.js';

export const train: NetworkVariant = {
  summary: 'that of the released training code',
  isReleased: true,
  contentFilter: 3,
  globalBranch: 'vector',
  defaults: {
    model: { numDown: 4, discriminatorLocalSize: 16, discriminatorGlobalSize: 4 },
    losses: {
      styleConsistency: { form: 'cosine' },
      cycle: { form: 'l1' },
      styleReconstruction: 0,
      identity: 10,
    },
  },
};
