// Opens a trained model on the engine, ready to translate.
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { loadEngine } from '../runtime/node.js';
import { readModel } from './model.js';
import { openTranslator } from './open-translator.js';
import type { Translator } from './translator.js';

/** A model that is ready to translate, and the SHA-256 of its weights. */
export interface OpenModel {
  translator: Translator;
  /** Hex digits. */
  model: string;
}

/** How `openModel` opens a model. */
export interface OpenModelOptions {
  /** Images that are translated together. */
  batch: number;
  /** Called with each damaged checkpoint that is skipped for an older one of its run, and why it is damaged. */
  onSkipped?: ((dir: string, error: Error) => void) | undefined;
}

async function load(checkpoint: string, { batch, onSkipped }: OpenModelOptions): Promise<OpenModel> {
  const skipped: [dir: string, error: Error][] = [];
  const { architecture, values, sha256 } = await readModel(checkpoint, {
    generators: 'any',
    onSkipped: (dir, error) => skipped.push([dir, error]),
  });
  for (const [dir, error] of skipped) onSkipped?.(dir, error);
  const model = await sha256();
  await loadEngine();
  return { translator: openTranslator(architecture, values, { batch }), model };
}

/**
 * Loads the engine and a model on it. The caller disposes the translator.
 * @param checkpoint a checkpoint, a run (its newest), or an exported model.
 * @throws InputError that names the missing, damaged or unfitting file.
 */
export async function openModel(checkpoint: string, options: OpenModelOptions): Promise<OpenModel> {
  const opened = await load(checkpoint, options);
  // Nothing refers to the weights' copy in host memory any more.
  freeUnusedMemory();
  return opened;
}
