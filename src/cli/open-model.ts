import type { Translator } from '../translate/translator.js';
import { printError } from './output.js';

/** A model that is ready to translate, and the SHA-256 of its weights. */
export interface OpenModel {
  translator: Translator;
  model: string;
}

async function load(checkpoint: string, batch: number): Promise<OpenModel> {
  const { sha256OfFile } = await import('../base/hash.js');
  const { loadModel } = await import('../translate/model.js');
  const skipped: string[] = [];
  const { architecture, values, path } = await loadModel(checkpoint, {
    onSkipped: (dir, error) => skipped.push(`${dir}: ${error.message}`),
  });
  for (const text of skipped) printError(`gnr: skipped the damaged checkpoint ${text}`);
  const model = await sha256OfFile(path);
  const { loadEngine } = await import('../runtime/node.js');
  await loadEngine();
  const { openTranslator } = await import('../translate/open-translator.js');
  return { translator: openTranslator(architecture, values, { batch }), model };
}

/**
 * Loads the engine and a model on it. The caller disposes the translator.
 * @param batch pictures that are translated together.
 */
export async function openModel(checkpoint: string, batch: number): Promise<OpenModel> {
  const opened = await load(checkpoint, batch);
  // The host's copy of the weights can go, now that nothing here refers to it.
  const { freeUnusedMemory } = await import('../base/malloc-trim.js');
  freeUnusedMemory();
  return opened;
}
