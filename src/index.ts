/**
 * The library in Node: what programs import. The command line is made of the same parts.
 *
 * @module gans-n-roses
 */
export type { DecodedImage as Picture } from './data/decode.js';
export { encodeImage as savePicture } from './data/decode.js';
export type { Description } from './data/description.js';
export { type Complaint, InputError, InterruptedError, RunError } from './errors.js';
export type { FaceMode } from './faces/square.js';
export type { Square } from './geometry.js';
export type { Architecture, Variant } from './model/architecture.js';
export {
  type Generator,
  type LoadOptions,
  loadGenerator,
  type TranslateOptions,
  type Translation,
  translate,
} from './translate/library.js';
export type { StyleOptions } from './translate/library-styles.js';
export type { ContentCodes, Direction, Translator } from './translate/translator.js';
