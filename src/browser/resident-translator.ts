// Translators of models in a browser, which outlast the GPU.
import type { Architecture } from '../model/architecture.js';
import type { NetworkValues } from '../model/parameters.js';
import { EagerTranslator } from '../translate/eager-translator.js';
import type { EngineSession } from './engine-session.js';
import type { WebTranslator } from './web-translator.js';

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
