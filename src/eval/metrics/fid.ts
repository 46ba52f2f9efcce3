import { joinRows } from '../features/output-features.js';
import { featureStatistics, frechetDistance } from '../statistics/frechet.js';
import type { Metric } from './metric.js';

/**
 * Frechet inception distance (Heusel et al. 2017) of all outputs to all real pictures: pytorch-fid 0.3.0
 * (`fid_score.py`), clean-fid 0.1.35 or StarGAN v2's `metrics/fid.py`, by the kind of features.
 */
export const fid: Metric<'fid'> = {
  name: 'fid',
  start({ features }, { real, outputFeatures, instruments }) {
    const vectors: Float32Array[] = [];
    return {
      async add(groups) {
        vectors.push(
          ...(await outputFeatures(
            features,
            groups.flatMap(({ outputs }) => outputs),
          )),
        );
      },
      async finish() {
        const statistics = await instruments.features.statisticsOf(features, real);
        const value = frechetDistance(featureStatistics(joinRows(vectors)), statistics);
        const n = { outputs: vectors.length, real: real.length };
        const how = `Frechet distance of ${await instruments.features.describe(features)}`;
        return [{ key: 'fid', title: 'FID', better: 'lower', value, n, how }];
      },
    };
  },
};
