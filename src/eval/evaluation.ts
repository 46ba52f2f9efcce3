// Runs an evaluation: lists and hashes the images, opens the model, measures every method, makes the receipt.
import { relative } from 'node:path';
import { InputError } from '../base/errors.js';
import { readState } from '../checkpoint/layout.js';
import { checkSameModel, inStep } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';
import type { EngineInfo } from '../runtime/node.js';
import { modelConfigSchema, openModelFolder } from '../translate/model.js';
import { openTranslator } from '../translate/open-translator.js';
import type { Translator } from '../translate/translator.js';
import type { EvaluationEvent } from './evaluate-options.js';
import { hashImages, type ImageList, imageListFacts } from './image-list.js';
import { evaluateMethods, type MethodEvaluation } from './measure-methods.js';
import { fileImage } from './measured-image.js';
import { type BaselineName, baselineMethod, baselineProblem } from './methods/baselines.js';
import { folderMethod } from './methods/folder-method.js';
import type { Method } from './methods/method.js';
import { modelMethod, styleSourceOf } from './methods/model-method.js';
import {
  type MetricResourceOptions,
  type OpenMetricResources,
  openMetricResources,
} from './metric-resources.js';
import { chosenMetrics } from './metrics/chosen.js';
import type { Protocol } from './protocol.js';
import type { MethodResult, Receipt } from './receipt.js';
import { softwareFacts } from './software.js';
import { listSources, type SourcePaths, type Sources } from './sources.js';

export interface EvaluationRequest extends SourcePaths {
  protocol: Protocol;
  /** A checkpoint, a run, or an exported model; undefined to measure folders alone. */
  checkpoint?: string | undefined;
  baselines: readonly BaselineName[];
  engine: EngineInfo;
  onEvent?: (event: EvaluationEvent) => void;
  /** Called with a newer checkpoint of a run that is damaged and therefore skipped. */
  onSkipped?: (dir: string, error: InputError) => void;
  signal?: AbortSignal | undefined;
  /** Resources of an earlier evaluation, which its caller closes; opened by default. */
  resources?: OpenMetricResources | undefined;
  /** Ranks that share the work, all with the same request; one by default. Rank 0 lists the images for all. */
  world?: World | undefined;
}

/** Everything that an evaluation gives. */
export interface Evaluation {
  receipt: Receipt;
  methods: MethodEvaluation[];
  lists: ImageList[];
  sources: Sources;
  /** Still open, for the nearest images; the caller closes them. */
  resources: OpenMetricResources;
}

/** Side of the baselines' images if there is no model, px. */
const BASELINE_PX = 256;

interface OpenModel {
  translator: Translator;
  facts: NonNullable<Receipt['model']>;
}

async function openModel(checkpoint: string, onSkipped: EvaluationRequest['onSkipped']): Promise<OpenModel> {
  const { dir, config, statePath, readGenerators, sha256 } = await openModelFolder(
    checkpoint,
    modelConfigSchema,
    { onSkipped },
  );
  const architecture = config.model;
  const localPath = relative('.', dir);
  return {
    translator: openTranslator(architecture, await readGenerators()),
    facts: {
      path: localPath === '' || localPath.startsWith('..') ? dir : localPath,
      sha256: await sha256(),
      size: architecture.size,
      step: statePath === undefined ? null : (await readState(statePath)).step,
    },
  };
}

async function makeMethods(
  { protocol, baselines }: EvaluationRequest,
  sources: Sources,
  model: OpenModel | undefined,
): Promise<{ methods: Method[]; unmeasured: MethodResult[] }> {
  const { direction, styles } = protocol;
  const methods: Method[] = [];
  if (model !== undefined) {
    const { translator } = model;
    methods.push(
      modelMethod({
        name: 'model',
        translator,
        direction,
        inputs: sources.inputs.files,
        perInput: styles.perInput,
        styles: await styleSourceOf(protocol, translator, sources.references.files),
      }),
    );
  }
  for (const { name, folder, files } of sources.fakes)
    methods.push(
      folderMethod({
        name,
        dir: folder,
        files,
        inputs: { dir: sources.allInputs.folder, files: sources.allInputs.files },
        chosenInputs: sources.inputs.files.length,
      }),
    );
  const options = {
    inputs: sources.inputs.files,
    real: sources.real.files,
    otherReal: sources.otherReal.files,
    perInput: styles.perInput,
    size: model?.facts.size ?? BASELINE_PX,
  };
  const unmeasured: MethodResult[] = [];
  for (const name of baselines) {
    const why = baselineProblem(name, options);
    if (why === undefined) methods.push(baselineMethod(name, options));
    else unmeasured.push({ name, kind: 'baseline', figures: [], left: [{ metric: 'every metric', why }] });
  }
  return { methods, unmeasured };
}

async function listHashes(request: EvaluationRequest, sources: Sources): Promise<ImageList[]> {
  const { signal, onEvent, world } = request;
  const roles = [
    { role: 'inputs', ...sources.inputs },
    { role: 'real', ...sources.real },
    ...(request.baselines.length > 0 ? [{ role: 'other real', ...sources.otherReal }] : []),
    { role: 'references', ...sources.references },
    ...sources.fakes.map(({ name, folder, files }) => ({ role: `fake ${name}`, folder, files })),
  ].filter(({ files }) => files.length > 0);
  const total = roles.reduce((sum, { files }) => sum + files.length, 0);
  const lists: ImageList[] = [];
  let hashed = 0;
  for (const { role, folder, files } of roles) {
    const onProgress = (done: number) =>
      onEvent?.({ type: 'progress', label: 'hashing', done: hashed + done, total, unit: 'images' });
    lists.push(await hashImages(role, folder, files, { onProgress, signal, world }));
    hashed += files.length;
  }
  return lists;
}

function assertUsable({ checkpoint, fakes, baselines }: EvaluationRequest, sources: Sources): void {
  if (checkpoint !== undefined && sources.inputs.files.length === 0)
    throw new InputError({
      expected: 'input images for the model',
      found: 'neither --data nor --inputs',
      remedy: 'name a dataset with --data DIR, or a folder with --inputs DIR',
    });
  if (checkpoint === undefined && fakes.length === 0 && baselines.length === 0)
    throw new InputError({
      expected: 'something to evaluate',
      found: 'no checkpoint, no --fake and no baseline',
      remedy: 'name a checkpoint, a folder with --fake NAME=DIR, or both',
    });
  const names = ['model', ...baselines, ...fakes.map(({ name }) => name)];
  const duplicate = names.find((name, i) => names.indexOf(name) < i);
  if (duplicate !== undefined)
    throw new InputError({
      expected: 'every method to have a name of its own',
      found: `two called ${duplicate}`,
      remedy: 'change one of the names in --fake NAME=DIR',
    });
}

function resourceOptions(
  { data, protocol }: EvaluationRequest,
  sources: Sources,
  modelPx: number | undefined,
): MetricResourceOptions {
  const requirements = chosenMetrics(protocol.metrics).map(({ requires }) => requires);
  return { inputs: sources.inputs.files, data, modelPx, requirements };
}

/**
 * Evaluates a model, folders of images and baselines as a protocol says.
 *
 * @throws InputError for missing folders, images, models and weights.
 */
export async function runEvaluation(request: EvaluationRequest): Promise<Evaluation> {
  const { protocol, signal, onEvent, checkpoint, onSkipped, world = SOLO } = request;
  const listed = await inStep(world, signal, async () =>
    world.isFirst ? listSources(protocol, request) : undefined,
  );
  const sources = await world.broadcastValue(listed!);
  assertUsable(request, sources);
  const lists = await listHashes(request, sources);
  const model =
    checkpoint === undefined
      ? undefined
      : await inStep(world, signal, () => openModel(checkpoint, onSkipped));
  let resources: OpenMetricResources | undefined;
  try {
    if (model !== undefined) await checkSameModel(world, model.facts.sha256, checkpoint!);
    const { methods, unmeasured } = await inStep(world, signal, async () => {
      resources =
        request.resources ??
        (await openMetricResources(resourceOptions(request, sources, model?.facts.size)));
      return makeMethods(request, sources, model);
    });
    const evaluations = await evaluateMethods({
      protocol,
      methods,
      real: sources.real.files.map(fileImage),
      resources: resources!,
      signal,
      world,
      ...(onEvent !== undefined && { onEvent }),
    });
    const receipt: Receipt = {
      format: 'gnr-receipt',
      version: 1,
      created: new Date().toISOString(),
      protocol,
      sources: {
        data: request.data ?? null,
        inputs: request.inputs ?? null,
        real: request.real ?? null,
        fakes: request.fakes.map(({ name, folder }) => ({ name, folder })),
        baselines: [...request.baselines],
      },
      model: model?.facts ?? null,
      images: lists.map(imageListFacts),
      ...(resources!.factors && { factors: { sha256: resources!.factors.sha256 } }),
      weights: resources!.weights(),
      software: softwareFacts(request.engine),
      methods: [...evaluations.map(({ result }) => result), ...unmeasured],
    };
    return { receipt, methods: evaluations, lists, sources, resources: resources! };
  } catch (error) {
    if (resources !== request.resources) await resources?.close();
    throw error;
  } finally {
    model?.translator.dispose();
  }
}
