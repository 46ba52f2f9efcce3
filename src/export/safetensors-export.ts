// Exports a model as a folder that every command of this program accepts.
import { join } from 'node:path';
import { writeJson } from '../base/write-json.js';
import { CONFIG, MODEL } from '../checkpoint/layout.js';
import { writeSafetensors } from '../checkpoint/safetensors.js';
import { readModel } from '../translate/model.js';
import { modelCard } from './card.js';
import { compareWeights, type Precision } from './comparison.js';
import { writeExportFolder } from './export-folder.js';
import type { Comparison } from './export-options.js';
import type { FolderExport } from './export-task.js';
import { generatorTensors, MODEL_METADATA } from './model-folder.js';

const FILES = `| file | is |
| --- | --- |
| \`model.safetensors\` | both generators (EMA weights), with tensors named NETWORK/PATH, where PATH is that of the reference's \`state_dict\` |
| \`config.json\` | the architecture (\`model\`) and the training settings |
| \`export.json\` | sizes and SHA-256 of the files, and the results of the comparison |`;

const USAGE = `    npx gnr translate IMAGES --checkpoint THIS_FOLDER --out anime --styles 6`;

/**
 * Exports a model as a folder that every command accepts: model.safetensors with both generators, config.json, README.md.
 *
 * @throws what `writeExportFolder` throws, and RunError if a weight is beyond float16.
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
      const averaged =
        source.averaged === undefined ? {} : { averagedCheckpoints: JSON.stringify(source.averaged) };
      const metadata = { ...MODEL_METADATA, licence: card.licence ?? 'unknown', ...step, ...averaged };
      await writeSafetensors(join(folder, MODEL), tensors, metadata);
      await writeJson(join(folder, CONFIG), source.config);
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
