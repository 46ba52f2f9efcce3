// The registry of all metrics.
import type { MetricName } from '../protocol.js';
import { contentConsistency } from './content-consistency.js';
import { cycleError } from './cycle-error.js';
import { densityCoverage } from './density-coverage.js';
import { dfid } from './dfid.js';
import { factors } from './factors.js';
import { fid } from './fid.js';
import { kid } from './kid.js';
import { lpipsDiversity } from './lpips-diversity.js';
import type { Metric } from './metric.js';
import { precisionRecall } from './precision-recall.js';
import { styleConsistency } from './style-consistency.js';

/** All metrics, in the order of tables. A new one needs a file, a key in the protocol's schema, and a line here. */
export const metrics: { readonly [Name in MetricName]: Metric<Name> } = {
  fid,
  kid,
  precisionRecall,
  densityCoverage,
  lpipsDiversity,
  dfid,
  cycleError,
  styleConsistency,
  contentConsistency,
  factors,
};

export const METRIC_NAMES = Object.keys(metrics) as MetricName[];
