// Cautions for readers who compare the figures with others.
import type { Metric } from '../metrics/metric.js';
import { metrics } from '../metrics/registry.js';
import type { Figure, Receipt } from '../receipt.js';
import { formatCount } from './figure-table.js';

/** Dimensions of Inception's features: the covariance of fewer images is rank deficient. */
const FEATURES = 2048;
/** Number of images below which the Frechet distance is known to be clearly too large. */
const FEW = 10_000;

/** Returns what readers must know before comparing the figures with others, the most serious first. */
export function cautionsOf(receipt: Receipt): string[] {
  return [
    ...unverifiedWeights(receipt),
    ...inputCautions(receipt),
    ...subsetCautions(receipt),
    ...frechetCautions(receipt),
  ];
}

function unverifiedWeights({ weights }: Receipt): string[] {
  const names = weights.filter(({ verified }) => !verified).map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    `Unverified weights: ${names.join(', ')}. They are not from the official file, and their figures cannot be compared with others.`,
  ];
}

function inputCautions({ protocol, model }: Receipt): string[] {
  const cautions: string[] = [];
  if (protocol.inputs.folder === 'trainA' && model !== null)
    cautions.push(
      'The inputs are images that the model was trained on: the figures say nothing about new images.',
    );
  if (protocol.styles.truncation !== 1 && model !== null)
    cautions.push(
      `Styles are truncated to ${protocol.styles.truncation}: this makes outputs more typical and less diverse.`,
    );
  return cautions;
}

function subsetCautions({ protocol, images }: Receipt): string[] {
  // A folder with fewer images than the limit was used as a whole.
  const isReduced = (role: string, limit: number) =>
    images.every((list) => list.role !== role || list.count >= limit);
  const part = (role: string, limit: number | null, name: string) =>
    limit !== null && isReduced(role, limit) ? [`the first ${formatCount(limit)} ${name}`] : [];
  const parts = [
    ...part('inputs', protocol.inputs.count, 'inputs'),
    ...part('real', protocol.real.count, 'real images'),
  ];
  if (parts.length === 0) return [];
  return [`Reduced subset: at most ${parts.join(' and ')} were used. Figures of whole folders differ.`];
}

function frechetCautions({ methods }: Receipt): string[] {
  const cautions: string[] = [];
  const byKey = new Map<string, Figure[]>();
  for (const figure of methods.flatMap(({ figures }) => figures))
    if (covarianceOf(figure) !== undefined) byKey.set(figure.key, [...(byKey.get(figure.key) ?? []), figure]);
  for (const figures of byKey.values()) {
    const { title } = figures[0]!;
    const counts = figures.map(minImages).filter((count) => count !== undefined);
    const [min, max] = [Math.min(...counts), Math.max(...counts)];
    if (min >= FEW) continue;
    const range = min === max ? formatCount(min) : `${formatCount(min)} to ${formatCount(max)}`;
    const fewer =
      min === max ? '' : ' The methods have different numbers of images, which adds to their differences.';
    cautions.push(
      min < FEATURES
        ? `${title} from ${range} images: with fewer than ${formatCount(FEATURES)} the covariance is rank deficient, and the value is too large. Compare it only with figures from the same number of images.${fewer}`
        : `${title} from ${range} images: with fewer than ${formatCount(FEW)} the value is too large. Compare it only with figures from the same number of images.${fewer}`,
    );
  }
  return cautions;
}

/** What the figure's metric says of covariances; undefined too for a metric that this version does not know. */
function covarianceOf({ metric }: Figure): readonly string[] | undefined {
  const known: Readonly<Record<string, Metric | undefined>> = metrics;
  return known[metric]?.covarianceOf;
}

/** Size of the smaller of the two image sets. */
function minImages(figure: Figure): number | undefined {
  const counts = covarianceOf(figure)!.flatMap((name) => figure.n[name] ?? []);
  return counts.length === 0 ? undefined : Math.min(...counts);
}
