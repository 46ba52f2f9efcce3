// Measures on images of the sample dataset: correlations, statistics of colours and edges.
import type { FloatImage } from '../data/diversity.js';

/** Pearson's correlation of two lists; 0 if one of them is constant. */
export function pearson(x: readonly number[], y: readonly number[]): number {
  if (x.length !== y.length || x.length < 2) {
    throw new RangeError(
      `pearson needs two lists of one length, at least 2, but got ${x.length} and ${y.length}`,
    );
  }
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}

/** Upper bounds of the bins of saturation (largest minus smallest channel, in [0, 2]); the last bin is open. */
const SATURATION_BOUNDS = [0.1, 0.25, 0.45, 0.7, 1];
/** Upper bounds of the bins of gradient magnitude (of [-1, 1] per pixel step); the first holds flat pixels,
 * including the slight ripple that a network leaves on a flat colour. */
const GRADIENT_BOUNDS = [0.04, 0.08, 0.15, 0.25, 0.45];

/**
 * A short description of an image's colours and edges: mean and standard deviation of brightness, red-green and
 * yellow-blue (6 numbers), the histogram of saturation (6 shares) and that of gradient magnitude (6 shares, the first
 * being the share of flat pixels). Compare images of one size only, since gradients depend on it.
 */
export function colourEdgeStatistics(image: FloatImage): number[] {
  const { data, width, height } = image;
  const count = width * height;
  const sums = new Float64Array(6);
  const saturation = new Array<number>(SATURATION_BOUNDS.length + 1).fill(0);
  const gradient = new Array<number>(GRADIENT_BOUNDS.length + 1).fill(0);
  for (let i = 0; i < count; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    const opponent = [(r + g + b) / 3, r - g, (r + g) / 2 - b];
    for (let c = 0; c < 3; c++) {
      sums[c]! += opponent[c]! / count;
      sums[3 + c]! += opponent[c]! ** 2 / count;
    }
    saturation[binOf(Math.max(r, g, b) - Math.min(r, g, b), SATURATION_BOUNDS)]! += 1 / count;
    gradient[binOf(gradientAt(image, i % width, Math.floor(i / width)), GRADIENT_BOUNDS)]! += 1 / count;
  }
  const deviations = [0, 1, 2].map((c) => Math.sqrt(Math.max(0, sums[3 + c]! - sums[c]! ** 2)));
  return [...sums.slice(0, 3), ...deviations, ...saturation, ...gradient];
}

function binOf(value: number, bounds: readonly number[]): number {
  let bin = 0;
  while (bin < bounds.length && value >= bounds[bin]!) bin++;
  return bin;
}

/** Root mean square over the channels of the forward difference's length; edges repeat the last pixel. */
function gradientAt({ data, width, height }: FloatImage, x: number, y: number): number {
  const here = 3 * (y * width + x);
  const right = x + 1 < width ? here + 3 : here;
  const below = y + 1 < height ? here + 3 * width : here;
  let sum = 0;
  for (let c = 0; c < 3; c++) {
    sum += (data[right + c]! - data[here + c]!) ** 2 + (data[below + c]! - data[here + c]!) ** 2;
  }
  return Math.sqrt(sum / 3);
}

/** Lower limit of the reference's deviation, so that a feature that hardly ever occurs does not dominate. */
const MIN_DEVIATION = 0.04;

/**
 * Distance of a set's colour and edge statistics from those of a reference set: the Frechet distance of two normal
 * distributions with diagonal covariance, over features standardised by the reference's deviations, per feature. 0 for
 * equal statistics; 1 if a typical feature is one reference deviation off. Not symmetric: the unit is the reference's.
 */
export function statisticsDistance(set: readonly FloatImage[], reference: readonly FloatImage[]): number {
  if (set.length === 0 || reference.length === 0) {
    throw new RangeError('statisticsDistance needs two sets that are not empty');
  }
  const [a, b] = [momentsOf(set), momentsOf(reference)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const unit = Math.max(b[i]!.deviation, MIN_DEVIATION);
    sum += (a[i]!.mean - b[i]!.mean) ** 2 / unit ** 2 + (a[i]!.deviation - b[i]!.deviation) ** 2 / unit ** 2;
  }
  return sum / a.length;
}

function momentsOf(set: readonly FloatImage[]): { mean: number; deviation: number }[] {
  const features = set.map(colourEdgeStatistics);
  return features[0]!.map((_, i) => {
    const values = features.map((feature) => feature[i]!);
    const centre = mean(values);
    return { mean: centre, deviation: Math.sqrt(mean(values.map((value) => (value - centre) ** 2))) };
  });
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
