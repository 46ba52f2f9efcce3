import { fileURLToPath } from 'node:url';
import type { InputError } from '../base/errors.js';
import { readModel } from '../translate/model.js';
import { modelBundle } from './model-bundle.js';
import { readPage } from './page.js';
import { type RunningServer, type ServeOptions, startServer } from './server.js';

export { PAGE_FOLDER } from './page.js';
export { isLoopback } from './server.js';

/** The model that is part of this project. */
export const SAMPLE_MODEL = fileURLToPath(new URL('../../models/sample', import.meta.url));

/** Where the page looks for its model. */
const MODEL_FOLDER = 'model';

export interface OpenPageOptions extends Omit<ServeOptions, 'files'> {
  /** The built page. */
  pageDir: string;
  /** A checkpoint, a run (its newest), or an exported model. */
  checkpoint: string;
  /** Told of every newer checkpoint of a run that is damaged, and why. */
  onSkipped?: (dir: string, error: InputError) => void;
}

/**
 * Serves the page with a model.
 * @throws InputError where the page is not built, there is no such model, or the port cannot be had.
 */
export async function openPage({ pageDir, checkpoint, onSkipped, ...where }: OpenPageOptions): Promise<{
  server: RunningServer;
  /** The folder that the model came from. */
  dir: string;
}> {
  const page = await readPage(pageDir);
  const model = await readModel(checkpoint, onSkipped && { onSkipped });
  const own = modelBundle(model, MODEL_FOLDER);
  const others = page.filter(({ name }) => !name.startsWith(`${MODEL_FOLDER}/`));
  return { server: await startServer({ files: [...others, ...own], ...where }), dir: model.dir };
}
