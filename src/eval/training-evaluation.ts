// Evaluation during training.
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { dataRoot } from '../config/load.js';
import type { Config } from '../config/schema.js';
import type { Translator } from '../translate/translator.js';
import type { ExtractOptions } from './features/extractor.js';
import { evaluateMethods } from './measure-methods.js';
import { fileImage, type MeasuredImage } from './measured-image.js';
import { modelMethod, styleSourceOf } from './methods/model-method.js';
import { type OpenMetricResources, openMetricResources, prepareResources } from './metric-resources.js';
import { chosenMetrics } from './metrics/chosen.js';
import type { Protocol } from './protocol.js';
import { loadProtocol } from './protocols.js';
import { listSources } from './sources.js';

/** Measures a model during training, always on the same images and styles. */
export class TrainingEvaluation {
  private constructor(
    private readonly protocol: Protocol,
    private readonly inputs: readonly string[],
    private readonly references: readonly string[],
    private readonly real: readonly MeasuredImage[],
    private resources: OpenMetricResources,
    private modelPx: number,
    private readonly openResources: (modelPx: number) => Promise<OpenMetricResources>,
  ) {}

  /**
   * Lists the images of `evaluation.protocol` and loads the networks, so that missing files are reported before
   * training begins.
   *
   * @returns undefined if the config has no evaluation.
   * @throws InputError for an unknown protocol, missing images or weights.
   */
  static async open(config: Config, options: ExtractOptions = {}): Promise<TrainingEvaluation | undefined> {
    const { evaluation, model } = config;
    if (evaluation.everySteps === null) return undefined;
    const protocol = loadProtocol(evaluation.protocol);
    const data = dataRoot(config);
    const { inputs, real, references } = await listSources(protocol, { data, fakes: [] });
    const images = real.files.map(fileImage);
    const target = protocol.direction === 'A2B' ? 'trainB' : 'trainA';
    const openResources = async (modelPx: number): Promise<OpenMetricResources> => {
      const resources = await openMetricResources({ data, inputs: inputs.files, target, modelPx });
      try {
        const requirements = chosenMetrics(protocol.metrics).map(({ requires }) => requires);
        await prepareResources(resources, requirements, images, options);
        return resources;
      } catch (error) {
        await resources.close();
        throw error;
      }
    };
    const resources = await openResources(model.size);
    return new TrainingEvaluation(
      protocol,
      inputs.files,
      references.files,
      images,
      resources,
      model.size,
      openResources,
    );
  }

  /** Returns the figures of the first seed, as `evaluation/fid`. */
  async measure(translator: Translator): Promise<Record<string, number>> {
    const { protocol, inputs, references, real } = this;
    const resources = await this.resourcesFor(translator.architecture.size);
    const method = modelMethod({
      name: 'model',
      translator,
      direction: protocol.direction,
      inputs,
      styles: await styleSourceOf(protocol, translator, references),
      perInput: protocol.styles.perInput,
    });
    const once = { ...protocol, seeds: protocol.seeds.slice(0, 1) };
    const [evaluation] = await evaluateMethods({ protocol: once, methods: [method], real, resources });
    freeUnusedMemory();
    const figures = evaluation!.result.figures.map(({ key, value }) => [`evaluation/${key}`, value]);
    return Object.fromEntries(figures) as Record<string, number>;
  }

  /** The resources for a model of this size; a run that grows changes it. */
  private async resourcesFor(modelPx: number): Promise<OpenMetricResources> {
    if (modelPx === this.modelPx) return this.resources;
    const resources = await this.openResources(modelPx);
    await this.resources.close();
    this.resources = resources;
    this.modelPx = modelPx;
    return resources;
  }

  close(): Promise<void> {
    return this.resources.close();
  }
}
