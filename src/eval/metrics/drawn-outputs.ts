// Collects the landmarks of outputs whose contents are known, for the metrics of the sample dataset.
import type { FoundLandmarks } from '../../landmarks/landmark-finder.js';
import type { Content } from '../../sample/factors.js';
import type { MeasuredImage } from '../measured-image.js';
import type { Method, OutputGroup } from '../methods/method.js';
import type { MetricContext } from './metric.js';

/** Whether a method's outputs are real images themselves, whose own contents count. */
const isReal = ({ kind, name }: Method): boolean => kind === 'baseline' && name === 'real-split';

/** Returns why the landmarks of a method's outputs cannot be compared with contents; undefined if they can. */
export function noContents({
  method,
  resources,
}: Pick<MetricContext, 'method' | 'resources'>): string | undefined {
  if (resources.factors === undefined) return 'only the sample dataset has known factors';
  const { unknown, contents } = resources.factors;
  if (unknown.length === 0 || isReal(method)) return undefined;
  const [which, remedy] =
    unknown.length === 1
      ? [`has no entry in factors.json (${unknown[0]})`, 'remove it']
      : [`have no entry in factors.json (such as ${unknown[0]})`, 'remove them'];
  return `${unknown.length} of ${contents.length} input pictures ${which}: ${remedy}, or draw the dataset again`;
}

/** Landmarks of outputs, and the contents that these should have: those of their inputs, or their own if they are real. */
export interface DrawnOutputs {
  found: FoundLandmarks[];
  contents: Content[];
  /** Names the weights of the landmark network. */
  network: string;
}

/** Finds the landmarks of a batch of outputs whose contents are known. */
export async function drawnOutputs(
  groups: readonly OutputGroup[],
  { method, resources }: Pick<MetricContext, 'method' | 'resources'>,
): Promise<DrawnOutputs> {
  const contentOf = (input: number | undefined, output: MeasuredImage): Content | undefined => {
    if (isReal(method)) return resources.factors!.contentOf(output.name);
    return input === undefined ? undefined : resources.factors!.contents[input];
  };
  const images: MeasuredImage[] = [];
  const contents: Content[] = [];
  for (const { input, outputs } of groups)
    for (const output of new Set(outputs)) {
      const content = contentOf(input, output);
      if (content === undefined) continue;
      images.push(output);
      contents.push(content);
    }
  return { ...(await resources.landmarks(images)), contents };
}

/** All outputs of these batches. */
export function joinDrawn(parts: readonly DrawnOutputs[]): DrawnOutputs {
  return {
    found: parts.flatMap(({ found }) => found),
    contents: parts.flatMap(({ contents }) => contents),
    network: parts[0]?.network ?? '',
  };
}
