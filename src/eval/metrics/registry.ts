// The registry of all metrics.
import { contentConsistency } from './content-consistency.js';
import { cycleError } from './cycle-error.js';
import { densityCoverage } from './density-coverage.js';
import { dfid } from './dfid.js';
import { factors } from './factors.js';
import { fid } from './fid.js';
import { kid } from './kid.js';
import { lpipsDiversity } from './lpips-diversity.js';
import { precisionRecall } from './precision-recall.js';
import { styleConsistency } from './style-consistency.js';

/** All metrics by name, in the order of tables. A new one needs its file and a line here. */
export const metrics = {
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

/** Name of a metric. */
export type MetricName = keyof typeof metrics;
