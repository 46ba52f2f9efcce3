// What exports take and give: types that need nothing of the engine, for programs that import the library.

/** The name of a format: a model folder, ONNX, a bundle for the browser, or a PyTorch file. */
export type ExportFormat = 'safetensors' | 'onnx' | 'tfjs' | 'pt';

/** Options that only some formats have. */
export interface FormatOptions {
  /** How weights are stored. Default: float32; for ONNX both, beside each other. */
  precision?: 'float32' | 'float16' | undefined;
  /** For ONNX: the direction of translation. Default: A2B, photo to anime. */
  direction?: 'A2B' | 'B2A' | undefined;
  /**
   * For a model folder: the mean of the EMA weights over the run's checkpoints from this step on, instead of the EMA
   * weights of one checkpoint.
   */
  average?: number | undefined;
  /** Path of a receipt of `gnr evaluate` on this checkpoint; its figures go onto the model card. */
  receipt?: string | undefined;
  /** Licence of the weights for the model card, an SPDX identifier such as mit. */
  license?: string | undefined;
  /** What the model was trained on, for the model card. */
  data?: string | undefined;
}

/** The difference between an export, read back, and its source. */
export interface Comparison {
  /** What was compared: `translations A2B`, or the name of a file. */
  what: string;
  /** The largest difference: over the image range for images, over the largest number for codes. */
  difference: number;
  /** The largest difference that is allowed. */
  bound: number;
}

/** What was exported. */
export interface Exported {
  /** The differences between translations by the export, read back, and by the checkpoint. */
  comparisons: Comparison[];
  /** Folder of the checkpoint or model that was exported. */
  dir: string;
  /** Training steps of that checkpoint, if it records them. */
  step: number | undefined;
  /** The number of checkpoints of which the weights are the mean; absent for those of one. */
  averagedCheckpoints?: number | undefined;
  /** For a PyTorch file: the keys of its dictionary. */
  keys?: string[];
}
