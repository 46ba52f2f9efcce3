// The library: what programs import. The command line and the browser page are made of the same parts.
export type { DecodedImage as Picture } from './data/decode.js';
export { encodeImage as savePicture } from './data/decode.js';
export { InputError, InterruptedError, RunError } from './errors.js';
export {
  type Generator,
  type LoadOptions,
  loadGenerator,
  type TranslateOptions,
  type Translation,
  translate,
} from './translate/library.js';
export type { Direction } from './translate/translator.js';
