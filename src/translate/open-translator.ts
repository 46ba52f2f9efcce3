import type { Architecture } from '../model/architecture.js';
import type { NetworkValues } from '../model/parameters.js';
import { CapturedTranslator, type CapturedTranslatorOptions } from './captured-translator.js';
import { EagerTranslator } from './eager-translator.js';
import type { Translator } from './translator.js';

export interface OpenTranslatorOptions extends CapturedTranslatorOptions {
  /** By captured programs, as is usual, or kernel by kernel, which knows no other options. */
  capture?: boolean;
}

/**
 * A translator on the engine of `loadEngine`, which has to be loaded. The caller disposes it.
 *
 * @param values stored weights of `G_A2B` and `G_B2A`.
 * @throws RangeError where they do not fit the architecture.
 */
export function openTranslator(
  architecture: Architecture,
  values: NetworkValues,
  { capture = true, ...options }: OpenTranslatorOptions = {},
): Translator {
  if (!capture) return EagerTranslator.fromValues(architecture, values);
  return CapturedTranslator.fromValues(architecture, values, options);
}
