import type { ChosenFile } from '../../src/browser/model-files.js';
import type { WebBackend, WebEngineInfo } from '../../src/browser/web.js';
import type { ModelConfig } from '../../src/config/schema.js';
import type { ContentCodes, Direction } from '../../src/translate/translator.js';

/** Where a model is: at an address, or among files that were chosen. */
export type ModelSource = { url: string } | { files: ChosenFile[] };

/** What a loaded model is like. */
export interface ModelInfo {
  architecture: ModelConfig;
  parameters: number;
  bytes: number;
}

/** Pixels as a canvas gives them: `[size, size, 4]`, 0 to 255. */
export type Pixels = Uint8ClampedArray<ArrayBuffer>;

/** What the worker can do: the argument and the answer of each. */
export interface Tasks {
  /** Starts the first backend that works. */
  engine: { argument: { backends: WebBackend[]; allowSoftware: boolean }; answer: WebEngineInfo };
  /** Loads a model in place of the one before. */
  model: { argument: ModelSource; answer: ModelInfo };
  encode: {
    argument: { direction: Direction; pixels: Pixels };
    answer: { content: ContentCodes; milliseconds: number };
  };
  /** Images are `[size, size, 3]` in [-1, 1]. */
  decode: {
    argument: { content: ContentCodes; style: Float32Array };
    answer: { image: Float32Array; milliseconds: number };
  };
  /** The style of an image of the domain that is translated to. */
  style: { argument: { direction: Direction; pixels: Pixels }; answer: Float32Array };
}

export type TaskName = keyof Tasks;

/** To the worker. */
export type Request = { [K in TaskName]: { id: number; task: K; argument: Tasks[K]['argument'] } }[TaskName];

/** From the worker: progress of a task, its answer, or why it failed. */
export type Reply =
  | { id: number; progress: { text: string; share?: number } }
  | { id: number; answer: Tasks[TaskName]['answer'] }
  | { id: number; error: string };
