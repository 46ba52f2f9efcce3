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
  return method.outputs < 2 ? 'needs at least two outputs' : undefined;
}

/** Landmarks of outputs, and the contents that these should have: those of their inputs, or their own if they are real. */
export class DrawnOutputs {
  readonly found: FoundLandmarks[] = [];
  readonly contents: Content[] = [];
  /** Names the weights of the landmark network. */
  network = '';

  constructor(private readonly context: Pick<MetricContext, 'method' | 'resources'>) {}

  async add(groups: readonly OutputGroup[]): Promise<void> {
    const images: MeasuredImage[] = [];
    for (const { input, outputs } of groups)
      for (const output of new Set(outputs)) {
        const content = this.contentOf(input, output);
        if (content === undefined) continue;
        images.push(output);
        this.contents.push(content);
      }
    const { found, network } = await this.context.resources.landmarks(images);
    this.found.push(...found);
    this.network = network;
  }

  private contentOf(input: number | undefined, output: MeasuredImage): Content | undefined {
    const { method, resources } = this.context;
    if (isReal(method)) return resources.factors!.contentOf(output.name);
    return input === undefined ? undefined : resources.factors!.contents[input];
  }
}
