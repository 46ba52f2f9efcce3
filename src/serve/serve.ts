// Serves the page with a model.
import { fileURLToPath } from 'node:url';
import type { InputError } from '../base/errors.js';
import { readModel } from '../translate/model.js';
import { modelBundle } from './model-bundle.js';
import { readPage } from './page.js';
import { type RunningServer, type ServeOptions, startServer } from './server.js';

export { PAGE_FOLDER } from './page.js';

/** The sample model of this project. */
export const SAMPLE_MODEL = fileURLToPath(new URL('../../models/sample', import.meta.url));

/** The folder in which the page looks for its model. */
const MODEL_FOLDER = 'model';

export interface OpenPageOptions extends Omit<ServeOptions, 'files'> {
  /** The built page. */
  pageDir: string;
  /** A checkpoint, a run (its newest checkpoint), or an exported model. */
  checkpoint: string;
  /** Called with every newer checkpoint of a run that is damaged, and the reason. */
  onSkipped?: (dir: string, error: InputError) => void;
}

/**
 * Serves the page with a model.
 * @throws InputError if the page is not built, there is no such model, or the port is not available.
 */
export async function openPage({ pageDir, checkpoint, onSkipped, ...where }: OpenPageOptions): Promise<{
  server: RunningServer;
  /** The folder of the model. */
  dir: string;
}> {
  const page = await readPage(pageDir);
  const model = await readModel(checkpoint, onSkipped && { onSkipped });
  const own = modelBundle(model, MODEL_FOLDER);
  const others = page.filter(({ name }) => !name.startsWith(`${MODEL_FOLDER}/`));
  return { server: await startServer({ files: [...others, ...own], ...where }), dir: model.dir };
}
