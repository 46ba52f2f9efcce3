// The values that each model variant changes from the defaults.
import type { Config, PartialConfig } from './schema.js';

/**
 * The values that each variant changes from the schema's defaults, which are those of `main`. `train` has the settings
 * of the reference's released training code.
 */
export const variantPresets: Record<Config['model']['variant'], PartialConfig> = {
  main: {},
  train: {
    model: { numDown: 4, discriminatorLocalSize: 16, discriminatorGlobalSize: 4 },
    losses: {
      styleConsistency: { form: 'cosine' },
      cycle: { form: 'l1' },
      styleReconstruction: 0,
      identity: 10,
    },
  },
};
