import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { CONFIG, MODEL } from '../checkpoint/layout.js';
import { writeSafetensors } from '../checkpoint/safetensors.js';
import { readModel } from '../translate/model.js';
import { modelCard } from './card.js';
import { type Comparison, compareWeights, type Precision } from './comparison.js';
import { writeExportFolder } from './export-folder.js';
import type { FolderExport } from './formats.js';
import { generatorTensors } from './model-folder.js';

const FILES = `| file | is |
| --- | --- |
| \`model.safetensors\` | both generators (averaged weights), tensors named NETWORK/PATH, PATH as in the reference's \`state_dict\` |
| \`config.json\` | the architecture (\`model\`) and the settings of the training |
| \`export.json\` | sizes and SHA-256 of the files, and what the comparison gave |`;

const USAGE = `    npx gnr translate PICTURES --checkpoint THIS_FOLDER --out anime --styles 6`;

/**
 * Exports a model as a folder that every command takes: model.safetensors with both generators, config.json, README.md.
 *
 * @throws what `writeExportFolder` throws, and RunError where a weight is beyond float16.
 */
export async function exportSafetensors(
  { source, out, inputs, card, onProgress, signal }: FolderExport,
  precision: Precision,
): Promise<Comparison[]> {
  const tensors = generatorTensors(source, precision);
  return writeExportFolder(out, {
    kind: 'safetensors',
    signal,
    async write(folder) {
      const step = source.step === undefined ? {} : { step: String(source.step) };
      const metadata = { format: 'gnr-model', licence: card.licence ?? 'unknown', ...step };
      await writeSafetensors(join(folder, MODEL), tensors, metadata);
      await writeFileAtomic(join(folder, CONFIG), `${JSON.stringify(source.config, null, 2)}\n`);
      onProgress?.(1, 2);
    },
    async compare(folder) {
      const { architecture, values } = await readModel(folder);
      return compareWeights(architecture, { exported: values, source: source.values }, inputs, precision);
    },
    card: (comparisons) =>
      modelCard({ ...card, source, inputs }, { files: FILES, usage: USAGE }, comparisons),
  });
}
