// The messages between the page and its worker.

import type { WebEngine } from '../../src/browser/engine-session.js';
import type { ChosenFile } from '../../src/browser/model-files.js';
import type { WebBackend } from '../../src/browser/web.js';
import type { ModelConfig } from '../../src/config/schema.js';
import type { Face } from '../../src/faces/face.js';
import type { ContentCodes, Direction } from '../../src/translate/translator.js';

/** The source of a model: an address, or chosen files. */
export type ModelSource = { url: string } | { files: ChosenFile[] };

/** Facts about a loaded model. */
export interface ModelInfo {
  architecture: ModelConfig;
  parameters: number;
  bytes: number;
}

/** Pixels of a canvas: `[size, size, 4]`, 0 to 255. */
export type Pixels = Uint8ClampedArray<ArrayBuffer>;

/** The tasks of the worker: the argument and the answer of each. */
export interface Tasks {
  /** Starts a backend, or the first that works. */
  engine: { argument: { backend?: WebBackend }; answer: WebEngine };
  /** Loads a model, which replaces the previous one. */
  model: { argument: ModelSource; answer: ModelInfo };
  encode: {
    argument: { direction: Direction; pixels: Pixels };
    answer: { content: ContentCodes; milliseconds: number };
  };
  /** Decodes one image `[size, size, 3]` in [-1, 1]. */
  decode: {
    argument: { content: ContentCodes; style: Float32Array };
    answer: { image: Float32Array; milliseconds: number };
  };
  /** Finds the faces of an image `[height, width, 4]`, the largest first; loads the detector when first needed. */
  faces: {
    argument: { pixels: Pixels; width: number; height: number; paddings?: readonly number[] };
    answer: { faces: Face[]; milliseconds: number };
  };
  /** Encodes the style of an image of the target domain. */
  style: { argument: { direction: Direction; pixels: Pixels }; answer: Float32Array };
}

export type TaskName = keyof Tasks;

/** A message to the worker. */
export type Request = { [K in TaskName]: { id: number; task: K; argument: Tasks[K]['argument'] } }[TaskName];

/** The browser took the GPU away: the engine that goes on, or the error that ends computing. */
export interface EngineMoved {
  engine: WebEngine;
  error?: string;
}

/** A message from the worker: progress of a task, its answer, its error, or the end of the GPU. */
export type Reply =
  | { moved: EngineMoved }
  | { id: number; progress: { text: string; share?: number } }
  | { id: number; answer: Tasks[TaskName]['answer'] }
  | { id: number; error: string };
