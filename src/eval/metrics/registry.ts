// The registry of all metrics.
import { contentConsistency } from './content-consistency.js';
import { cycleError } from './cycle-error.js';
import { densityCoverage } from './density-coverage.js';
import { dfid } from './dfid.js';
import { factors } from './factors.js';
import { fid } from './fid.js';
import { kid } from './kid.js';
import { landmarks } from './landmarks.js';
import { lpipsDiversity } from './lpips-diversity.js';
import { precisionRecall } from './precision-recall.js';
import { relativeDiversity } from './relative-diversity.js';
import { spectrum } from './spectrum.js';
import { styleConsistency } from './style-consistency.js';

/** All metrics by name, in the order of tables. A new one needs its file and a line here; the comments are for the library's documentation. */
export const metrics = {
  /** Frechet inception distance. */
  fid,
  /** Kernel inception distance. */
  kid,
  /** Improved precision and recall. */
  precisionRecall,
  /** Density and coverage. */
  densityCoverage,
  /** Distance between radially averaged power spectra. */
  spectrum,
  /** LPIPS between the outputs of one input. */
  lpipsDiversity,
  /** Pixel distance between the outputs of one input, over that between real images. */
  relativeDiversity,
  /** FID of the outputs of one input. */
  dfid,
  /** Error of translating to the target domain and back. */
  cycleError,
  /** Variance of the style code over warps of one image. */
  styleConsistency,
  /** Distance between the content codes of input and output. */
  contentConsistency,
  /** On the sample dataset: eyes and mouth of the outputs, against where the input has them. */
  landmarks,
  /** On the sample dataset: correlation of output and input in the factors that it was drawn from. */
  factors,
};

/** Name of a metric. */
export type MetricName = keyof typeof metrics;
