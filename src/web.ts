// The entry point of the library in browsers.
/**
 * The library for pages and workers. It needs nothing of Node, and computes with a backend of tfjs: install one or more of the
 * packages `@tensorflow/tfjs-backend-webgpu`, `-webgl` and `-wasm` beside it. Nothing leaves the machine.
 *
 * @module gans-n-roses/web
 */
export { type ErrorDetails, InputError } from './base/errors.js';
export type { Square } from './base/geometry.js';
export type { FaceWeightsPaths } from './browser/face-weights.js';
export type { ImageSource } from './browser/image-source.js';
export type { WasmPaths, WebBackend } from './browser/web.js';
export type { SkippedBackend, WebEngine } from './browser/web-engine.js';
export { type FaceFinder, type FaceFinderOptions, loadFaceFinder } from './browser/web-faces.js';
export {
  type LoadOptions,
  type LoadProgress,
  loadModel,
  type Model,
  type ModelSource,
  type TranslateOptions,
  type Translation,
  translate,
  type WebTranslator,
} from './browser/web-library.js';
export type { Variant } from './config/variants/registry.js';
export type { Face } from './faces/face.js';
export type { FaceMode } from './faces/square.js';
export type { StyleOptions } from './images/library-styles.js';
export type { Architecture } from './model/architecture.js';
export type { ContentCodes, Direction } from './translate/translator.js';
