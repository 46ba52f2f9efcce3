// What an evaluation takes and gives: types that need nothing of the engine, for programs that import the library.
import type { BaselineName } from './methods/baselines.js';
import type { Receipt } from './receipt.js';
import type { NamedFolder } from './sources.js';

/** Progress of an evaluation. */
export interface EvaluationEvent {
  /** The only kind of event. */
  type: 'progress';
  /** What is being done: a method and a metric. */
  label: string;
  /** Units that are done. */
  done: number;
  /** All units of this label. */
  total: number;
  /** What is counted. */
  unit: 'inputs' | 'images' | 'steps';
}

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
  /** Called with the number of files in a folder that are no images and left out, by extension (`.heic`). */
  onOtherFiles?: ((folder: string, counts: Record<string, number>) => void) | undefined;
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
