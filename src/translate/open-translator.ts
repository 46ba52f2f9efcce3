// Makes the translator for a model in Node.
import type { Architecture } from '../model/architecture.js';
import type { NetworkValues } from '../model/parameters.js';
import { CapturedTranslator, type CapturedTranslatorOptions } from './captured-translator.js';
import { EagerTranslator } from './eager-translator.js';
import type { Translator } from './translator.js';

export interface OpenTranslatorOptions extends CapturedTranslatorOptions {
  /** Captures graphs, by default; `false` runs kernel by kernel and ignores the other options. */
  capture?: boolean;
}

/**
 * Makes a translator on the engine, which `loadEngine` must have loaded. The caller disposes it.
 *
 * @param values stored weights of `G_A2B` and `G_B2A`.
 * @throws RangeError if they do not fit the architecture.
 */
export function openTranslator(
  architecture: Architecture,
  values: NetworkValues,
  { capture = true, ...options }: OpenTranslatorOptions = {},
): Translator {
  if (!capture) return EagerTranslator.fromValues(architecture, values);
  return CapturedTranslator.fromValues(architecture, values, options);
}
