// Evaluation during training.
import { InputError } from '../base/errors.js';
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { dataRoot } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { inStep } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';
import type { Translator } from '../translate/translator.js';
import type { FeatureOptions } from './features/feature-cache.js';
import { evaluateMethods } from './measure-methods.js';
import { fileImage, type MeasuredImage } from './measured-image.js';
import { modelMethod, styleSourceOf } from './methods/model-method.js';
import { type OpenMetricResources, openMetricResources, prepareResources } from './metric-resources.js';
import { chosenMetrics } from './metrics/chosen.js';
import type { MetricResources } from './metrics/metric.js';
import type { Protocol } from './protocol.js';
import { loadProtocol } from './protocols.js';
import { listSources } from './sources.js';

const PREFIX = 'evaluation/';

/** @throws InputError if `checkpoint.keepBest` names a figure that these evaluations cannot give, or its worse end. */
async function checkBest(
  { checkpoint: { keepBest }, evaluation, model }: Config,
  { direction, metrics, styles }: Protocol,
  {
    inputs,
    real,
    resources,
  }: { inputs: string[]; real: readonly MeasuredImage[]; resources: MetricResources },
): Promise<void> {
  if (keepBest?.metric.startsWith(PREFIX) !== true) return;
  const key = keepBest.metric.slice(PREFIX.length);
  const chosen = chosenMetrics(metrics);
  const metric = chosen.find(({ headings }) => key in headings);
  const of = `the protocol ${evaluation.protocol}`;
  if (metric === undefined)
    throw new InputError({
      expected: `checkpoint.keepBest.metric to be a figure of ${of}: ${chosen.flatMap(({ headings }) => Object.keys(headings).map((name) => PREFIX + name)).join(', ')}`,
      found: keepBest.metric,
      remedy: 'name one of these, or another evaluation.protocol',
    });
  // Whether a metric can be measured depends on counts and kinds alone, not on the weights.
  const translator = { architecture: model } as unknown as Translator;
  const noStyles = { stylesOf: () => new Float32Array() };
  const { perInput } = styles;
  const method = modelMethod({ name: 'model', translator, direction, inputs, styles: noStyles, perInput });
  const problem = await metric.problem({ method, real, resources });
  if (problem !== undefined)
    throw new InputError({
      expected: `${of} to measure ${keepBest.metric}, which checkpoint.keepBest names`,
      found: `that it cannot: ${problem}`,
      remedy: 'name another metric or dataset, or set checkpoint.keepBest to null',
    });
  const { better } = metric.headings[key]!;
  const order = better === 'higher' ? 'highest' : 'lowest';
  if (better !== 'neither' && order !== keepBest.order)
    throw new InputError({
      expected: `checkpoint.keepBest.order ${order}, since ${better} ${keepBest.metric} is better`,
      found: keepBest.order,
      remedy: `add --set checkpoint.keepBest.order=${order}`,
    });
}

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
    private readonly world: World,
  ) {}

  /**
   * Lists the images of `evaluation.protocol` and loads the networks, so that missing files are reported before
   * training begins.
   *
   * @param options.world ranks that share the work: all open the evaluation, and measure together.
   * @returns undefined if the config has no evaluation.
   * @throws InputError for an unknown protocol, missing images or weights, or if `checkpoint.keepBest` names a figure that
   *   the protocol does not give.
   */
  static async open(config: Config, options: FeatureOptions = {}): Promise<TrainingEvaluation | undefined> {
    const { evaluation, model } = config;
    if (evaluation.everySteps === null) return undefined;
    const { world = SOLO, signal } = options;
    const data = dataRoot(config);
    const found = await inStep(world, signal, async () => {
      if (!world.isFirst) return undefined;
      const protocol = loadProtocol(evaluation.protocol);
      return { protocol, sources: await listSources(protocol, { data, fakes: [] }) };
    });
    const { protocol, sources } = await world.broadcastValue(found!);
    const { inputs, real, references } = sources;
    const images = real.files.map(fileImage);
    const requirements = chosenMetrics(protocol.metrics).map(({ requires }) => requires);
    const openResources = async (modelPx: number): Promise<OpenMetricResources> => {
      let resources: OpenMetricResources | undefined;
      try {
        await inStep(world, signal, async () => {
          resources = await openMetricResources({ data, inputs: inputs.files, modelPx, requirements });
          await checkBest(config, protocol, { inputs: inputs.files, real: images, resources });
        });
        await prepareResources(resources!, requirements, images, options);
        return resources!;
      } catch (error) {
        await resources?.close();
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
      world,
    );
  }

  /** Returns the figures of the first seed, as `evaluation/fid`. */
  async measure(translator: Translator): Promise<Record<string, number>> {
    const { protocol, inputs, references, real, world } = this;
    const resources = await this.resourcesFor(translator.architecture.size);
    const styles = await inStep(world, undefined, () => styleSourceOf(protocol, translator, references));
    const method = modelMethod({
      name: 'model',
      translator,
      direction: protocol.direction,
      inputs,
      styles,
      perInput: protocol.styles.perInput,
    });
    const once = { ...protocol, seeds: protocol.seeds.slice(0, 1) };
    const [evaluation] = await evaluateMethods({ protocol: once, methods: [method], real, resources, world });
    freeUnusedMemory();
    const figures = evaluation!.result.figures.map(({ key, value }) => [`${PREFIX}${key}`, value]);
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
