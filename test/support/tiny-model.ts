// An exported model that is as small as possible.
import { Rng } from '../../src/base/rng.js';
import type { ModelConfig } from '../../src/config/schema.js';
import { writeModelFolder } from '../../src/export/model-folder.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { tinyConfig } from './config.js';

/** Writes a `TINY` model as a folder. @returns its architecture. */
export async function writeTinyModel(dir: string): Promise<ModelConfig> {
  const config = tinyConfig();
  const { G_A2B, G_B2A } = initNetworks(buildNetworks(config), new Rng(1, 'init'));
  const values = { G_A2B: G_A2B!, G_B2A: G_B2A! };
  await writeModelFolder(dir, { architecture: config.model, values }, { config, card: '# Tiny\n' });
  return config.model;
}
