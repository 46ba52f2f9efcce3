// The interface of the translator of a model in a browser; the library's types show it, so it names nothing of tfjs.
import type { Architecture } from '../model/architecture.js';
import type { ContentCodes, Direction } from '../translate/translator.js';

/**
 * The translator of a model in a browser. Images are `[n, size, size, 3]` in [-1, 1], styles `[n, latentDim]`.
 *
 * If the browser takes the GPU away, the work in flight is repeated on the next backend. All methods reject with RangeError
 * for arrays of a wrong length, and after `dispose`; with InputError if no backend is left.
 */
export interface WebTranslator {
  /** The architecture of the networks. */
  readonly architecture: Architecture;
  /** Encodes images to content codes, which can be decoded in the same direction in any number of styles. */
  encode(direction: Direction, images: Float32Array): Promise<ContentCodes>;
  /** Decodes content codes with one style each to images. */
  decode(content: ContentCodes, styles: Float32Array): Promise<Float32Array>;
  /** Encodes images of the target domain of `direction` to style codes. */
  styleOf(direction: Direction, images: Float32Array): Promise<Float32Array>;
}
