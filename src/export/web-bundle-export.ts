// Exports a model as a folder for the browser page: bundle.json and shards of weights.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { systemCode } from '../base/errors.js';
import { sha256 } from '../base/hash.js';
import type { ModelFiles } from '../browser/model-files.js';
import { type PackedShard, packBundle } from '../browser/pack-bundle.js';
import { loadWebModel } from '../browser/web-bundle.js';
import { BUNDLE_FILE, type WebBundle } from '../browser/web-bundle-manifest.js';
import { modelCard } from './card.js';
import { compareWeights, type Precision } from './comparison.js';
import { writeExportFolder } from './export-folder.js';
import type { Comparison } from './export-options.js';
import { type FolderExport, stopIfAborted } from './export-task.js';
import { toFloat16 } from './model-folder.js';
import type { ExportSource } from './source.js';

/** The most that a shard has: small enough for caches, and for progress that moves. */
export const SHARD_BYTES = 4 * 1024 * 1024;

const FILES = `| file | is |
| --- | --- |
| \`${BUNDLE_FILE}\` | the architecture, the place of each tensor, and size and SHA-256 of the shards |
| \`weights-*.bin\` | both generators (EMA weights), little-endian, in shards of at most 4 MiB; a larger tensor has a shard of its own |
| \`export.json\` | sizes and SHA-256 of the files, and the results of the comparison |`;

const USAGE = `For the browser page of gans-n-roses: give it the address of this folder, or drop the folder on it. Any static file server
will do. For other readers: \`${BUNDLE_FILE}\` lists tensors, by network and path, with their \`shape\` (row-major), \`dtype\`,
\`offset\` and \`bytes\` in the shard that \`shard\` counts from 0; the \`architecture\` is a config's \`model\` section.`;

function shardBytes({ tensors, bytes: byteLength }: PackedShard): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  for (const { name, dtype, data, offset } of tensors) {
    const numbers = dtype === 'float16' ? toFloat16(name, data) : data;
    bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), offset);
  }
  return bytes;
}

async function writeBundle(
  folder: string,
  source: ExportSource,
  precision: Precision,
  onShard: (done: number, total: number) => void,
): Promise<void> {
  const packed = packBundle(source, { dtype: precision, maxShardBytes: SHARD_BYTES });
  const total = packed.shards.length;
  const files: WebBundle['shards'] = [];
  const digits = (n: number): string => String(n).padStart(5, '0');
  for (const shard of packed.shards) {
    const bytes = shardBytes(shard);
    const file = `weights-${digits(files.length + 1)}-of-${digits(total)}.bin`;
    await writeFileAtomic(join(folder, file), bytes);
    files.push({ file, bytes: bytes.byteLength, sha256: sha256(bytes) });
    onShard(files.length, total);
  }
  await writeFileAtomic(join(folder, BUNDLE_FILE), `${JSON.stringify(packed.manifest(files))}\n`);
}

/** A folder on disk as the browser page reads folders. */
function filesIn(folder: string, signal: AbortSignal | undefined): ModelFiles {
  return {
    label: folder,
    async open(name) {
      stopIfAborted(signal);
      try {
        const bytes = await readFile(join(folder, name));
        return new Response(bytes, { headers: { 'content-length': String(bytes.byteLength) } });
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}

/**
 * Exports a model as a folder for the browser: bundle.json and shards of weights.
 *
 * @throws what `writeExportFolder` throws, and RunError if a weight is beyond float16.
 */
export async function exportWebBundle(
  { source, out, inputs, card, onProgress, signal }: FolderExport,
  precision: Precision,
): Promise<Comparison[]> {
  return writeExportFolder(out, {
    kind: 'tfjs',
    signal,
    write: async (folder) => {
      await writeBundle(folder, source, precision, (done, total) => {
        stopIfAborted(signal);
        onProgress?.(done, total + 1);
      });
    },
    async compare(folder) {
      const { architecture, values } = await loadWebModel(filesIn(folder, signal));
      return compareWeights(architecture, { exported: values, source: source.values }, inputs, precision);
    },
    card: (comparisons) =>
      modelCard({ ...card, source, inputs }, { files: FILES, usage: USAGE }, comparisons),
  });
}
