// The translator of a model in a browser, which outlasts the GPU.
import type { Architecture } from '../model/architecture.js';
import type { NetworkValues } from '../model/parameters.js';
import { EagerTranslator } from '../translate/eager-translator.js';
import type { ContentCodes, Direction } from '../translate/translator.js';
import type { EngineSession } from './engine-session.js';

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

/** A translator whose weights are on the backend of a session. */
export interface ResidentTranslator extends WebTranslator {
  /** Frees its memory. */
  dispose(): void;
}

/** Puts a model on the backend of a session. @param values weights of `G_A2B` and `G_B2A`, kept if that backend has a GPU. */
export async function residentTranslator(
  session: EngineSession,
  architecture: Architecture,
  values: NetworkValues,
): Promise<ResidentTranslator> {
  const translator = session.resident(() => EagerTranslator.fromValues(architecture, values));
  await session.compute(async () => void translator.get());
  return {
    architecture,
    encode: (direction, images) => session.compute(() => translator.get().encodeAsync(direction, images)),
    decode: (content, styles) => session.compute(() => translator.get().decodeAsync(content, styles)),
    styleOf: (direction, images) => session.compute(() => translator.get().styleOfAsync(direction, images)),
    dispose: () => translator.dispose(),
  };
}
