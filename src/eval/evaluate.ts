// Evaluation as one call: from folders and a protocol's name to a receipt and files. The command line calls it too.
import { loadEngine } from '../runtime/node.js';
import { type EvaluationRequest, runEvaluation } from './evaluation.js';
import type { EvaluationEvent } from './measure-methods.js';
import { BASELINES, type BaselineName } from './methods/baselines.js';
import { loadProtocol } from './protocols.js';
import type { Receipt } from './receipt.js';
import type { NamedFolder } from './sources.js';
import { prepareFolder, writeEvaluation } from './write.js';

/** What `evaluate` measures, and how. */
export interface EvaluateOptions {
  /** A checkpoint, a run (its newest checkpoint), or an exported model; none to measure folders alone. */
  checkpoint?: string | undefined;
  /** A dataset with trainA, trainB, testA and testB. */
  data?: string | undefined;
  /** Images of the source domain, in place of the dataset's. */
  inputs?: string | undefined;
  /** Images of the target domain, in place of the dataset's. */
  real?: string | undefined;
  /** Folders with the outputs of other methods. */
  fakes?: readonly NamedFolder[] | undefined;
  /** Baselines to measure for comparison; all by default. */
  baselines?: readonly BaselineName[] | undefined;
  /** Name of a protocol of the package, or a .json file; `quick` by default. */
  protocol?: string | undefined;
  /** Metrics to measure, in place of the protocol's: `fid`, `kid`, `lpipsDiversity`, ... */
  metrics?: readonly string[] | undefined;
  /** Outputs of each input, in place of the protocol's number. */
  styles?: number | undefined;
  /** One repeat for each seed, in place of the protocol's seeds. */
  seeds?: readonly number[] | undefined;
  /** Direction of the translation, in place of the protocol's. */
  direction?: 'A2B' | 'B2A' | undefined;
  /** Folder for receipt.json, report.html and the hashes of all images; nothing is written by default. */
  out?: string | undefined;
  /** Called with the progress of every part of the work. */
  onEvent?: ((event: EvaluationEvent) => void) | undefined;
  /** Called with the receipt when everything is measured and before anything is written. */
  onMeasured?: ((receipt: Receipt) => Promise<void> | void) | undefined;
  /** Called with each damaged checkpoint of a run that is skipped for an older one. */
  onSkipped?: ((dir: string, error: Error) => void) | undefined;
  /** Stops the evaluation. */
  signal?: AbortSignal | undefined;
}

/** What `evaluate` gives. */
export interface EvaluateResult {
  /** Every figure, with all that is needed to measure it again. */
  receipt: Receipt;
  /** Paths of the report and the receipt; empty without `out`. */
  paths: string[];
  /** Why the report lacks the nearest training images, if they could not be read. */
  problem?: Error;
}

/** The request of these options; loads the engine. @throws InputError for a protocol that does not fit. */
export async function requestOf(options: EvaluateOptions): Promise<EvaluationRequest> {
  const { checkpoint, data, inputs, real, fakes = [], baselines = BASELINES, protocol = 'quick' } = options;
  const { metrics, styles, seeds, direction, onEvent, onSkipped, signal } = options;
  return {
    protocol: loadProtocol(protocol, { metrics, styles, seeds, direction }),
    checkpoint,
    data,
    inputs,
    real,
    fakes,
    baselines,
    engine: await loadEngine(),
    signal,
    ...(onEvent && { onEvent }),
    ...(onSkipped && { onSkipped }),
  };
}

/**
 * Measures a model, folders of images and baselines as a protocol says (FID, KID, LPIPS and others), as `gnr evaluate`
 * does. Metrics that need pretrained weights find them where `gnr weights fetch` put them.
 *
 * @throws InputError for missing folders, images, models and weights, and options that do not fit; RunError if the disk
 *   is full; the signal's reason if it aborts.
 * @example
 * ```ts
 * import { evaluate } from 'gans-n-roses';
 *
 * const { receipt } = await evaluate({ checkpoint: 'runs/first', data: 'data', metrics: ['kid'], out: 'evaluation' });
 * for (const { name, figures } of receipt.methods)
 *   for (const { title, value } of figures) console.log(`${name}: ${title} ${value}`);
 * ```
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluateResult> {
  const { out, onMeasured } = options;
  const request = await requestOf(options);
  // A folder that cannot be written is reported before anything is measured.
  if (out !== undefined) await prepareFolder(out);
  const evaluation = await runEvaluation(request);
  const { receipt } = evaluation;
  try {
    await onMeasured?.(receipt);
    if (out === undefined) return { receipt, paths: [] };
    return { receipt, ...(await writeEvaluation(evaluation, out, request)) };
  } finally {
    await evaluation.resources.close();
  }
}
