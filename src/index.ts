/**
 * The library in Node: what programs import. The command line is made of the same parts.
 *
 * @module gans-n-roses
 */

export { type ErrorDetails, InputError, InterruptedError, RunError } from './base/errors.js';
export type { Square } from './base/geometry.js';
export type { Variant } from './config/variants/registry.js';
export type { DecodedImage } from './data/decode.js';
export { encodeImage as saveImage } from './data/decode.js';
export type { Description } from './data/description.js';
export { evaluate } from './eval/evaluate.js';
export type { EvaluateOptions, EvaluateResult, EvaluationEvent } from './eval/evaluate-options.js';
export { BASELINES, type BaselineName } from './eval/methods/baselines.js';
export type { Receipt } from './eval/receipt.js';
export type { NamedFolder } from './eval/sources.js';
export { type ExportedModel, type ExportOptions, exportModel } from './export/export-model.js';
export type {
  Comparison as ExportComparison,
  Exported,
  ExportFormat,
  FormatOptions,
} from './export/export-options.js';
export type { FaceMode } from './faces/square.js';
export {
  type LoadOptions,
  loadModel,
  type Model,
  type TranslateOptions,
  type Translation,
  translate,
} from './images/library.js';
export type { StyleOptions } from './images/library-styles.js';
export type { Architecture } from './model/architecture.js';
export type { ContentCodes, Direction, Translator } from './translate/translator.js';
export type { VideoProgress, VideoRequest } from './video/request.js';
export type { TrackFate } from './video/sound.js';
export { translateVideoFile, type VideoFileRequest } from './video/translate-video-file.js';
export type { VideoFileTranslation } from './video/video-file-translation.js';
