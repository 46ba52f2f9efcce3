// The FID metric.
import { z } from 'zod';
import { featureStatistics, frechetDistance } from '../statistics/frechet.js';
import { type CollectedPart, collectedRows, collectFeatures, tooFew } from './collected.js';
import { defineMetric } from './metric.js';
import { features } from './options.js';

/**
 * Frechet inception distance (Heusel et al. 2017) of all outputs to all real images: pytorch-fid 0.3.0
 * (`fid_score.py`), clean-fid 0.1.35 or StarGAN v2's `metrics/fid.py`, depending on the kind of features.
 */
export const fid = defineMetric({
  summary:
    "pytorch-fid's; with `features` `inception-clean` clean-fid's, with `inception-imagenet` StarGAN v2's",
  family: 'similarity',
  options: z.strictObject({
    /** Network of the features. */
    features,
  }),
  headings: () => ({ fid: { title: 'FID', better: 'lower' } }),
  covarianceOf: ['outputs', 'real'],
  requires: ({ features }) => ({ features }),
  problem: (context) => tooFew(context, { outputs: 2, real: 2 }),
  start({ features }, context) {
    return {
      measure: (groups) => collectFeatures(features, groups, context),
      async finish(parts: readonly CollectedPart[]) {
        const cache = context.resources.features;
        const rows = collectedRows(parts);
        const statistics = await cache.statisticsOf(features, context.real);
        const value = frechetDistance(featureStatistics(rows), statistics);
        const n = { outputs: rows.count, real: context.real.length };
        const how = `Frechet distance of ${await cache.describe(features)}`;
        return [{ key: 'fid', value, n, how }];
      },
    };
  },
});
