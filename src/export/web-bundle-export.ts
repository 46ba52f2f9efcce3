import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { systemCode } from '../base/errors.js';
import type { ModelFiles } from '../browser/model-files.js';
import { loadWebModel } from '../browser/web-bundle.js';
import {
  BUNDLE_FILE,
  BUNDLE_FORMAT,
  BUNDLE_VERSION,
  type WebBundle,
  type WebBundleTensor,
} from '../browser/web-bundle-manifest.js';
import { toTensors } from '../checkpoint/network-tensors.js';
import { generatorSpecs } from '../model/networks.js';
import { modelCard } from './card.js';
import { type Comparison, compareWeights, type Precision } from './comparison.js';
import { stopIfAborted, writeExportFolder } from './export-folder.js';
import type { FolderExport } from './formats.js';
import { toFloat16 } from './model-folder.js';
import type { ExportSource } from './source.js';

/** A shard is closed before it grows beyond this, small enough for caches and for progress that moves. */
export const SHARD_BYTES = 4 * 1024 * 1024;
/** Every tensor starts at a multiple: where float32 may. */
const ALIGNMENT_BYTES = 4;

const FILES = `| file | is |
| --- | --- |
| \`${BUNDLE_FILE}\` | the architecture, where each tensor is, and size and SHA-256 of the shards |
| \`weights-*.bin\` | both generators (averaged weights), little-endian, in shards of at most 4 MiB, or of one tensor that is larger |
| \`export.json\` | sizes and SHA-256 of the files, and what the comparison gave |`;

const USAGE = `For the browser page of gans-n-roses: give it the address of this folder, or drop the folder on it. Any server of files will
do. For other readers: \`${BUNDLE_FILE}\` lists tensors, by network and path, with their \`shape\` (row-major), \`dtype\`,
\`offset\` and \`bytes\` in the shard that \`shard\` counts from 0; the \`architecture\` is a config's \`model\` section.`;

/** A tensor and its place. */
interface Placed extends WebBundleTensor {
  data: Float32Array;
}

/** Places whole tensors, in their order, in shards; one that is larger than a shard has one of its own. */
function placeTensors({ architecture, values }: ExportSource, precision: Precision): Placed[][] {
  const shards: Placed[][] = [];
  let used = 0;
  for (const [name, { shape, data }] of toTensors('', values, generatorSpecs(architecture))) {
    const bytes = data.length * (precision === 'float16' ? 2 : 4);
    let offset = Math.ceil(used / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    if (shards.length === 0 || offset + bytes > SHARD_BYTES) {
      shards.push([]);
      offset = 0;
    }
    const place = { shard: shards.length - 1, offset, bytes };
    shards.at(-1)!.push({ name, shape: [...shape], dtype: precision, ...place, data: data as Float32Array });
    used = offset + bytes;
  }
  return shards;
}

function shardBytes(tensors: readonly Placed[]): Uint8Array {
  const last = tensors.at(-1)!;
  const bytes = new Uint8Array(last.offset + last.bytes);
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
  const placed = placeTensors(source, precision);
  const shards: WebBundle['shards'] = [];
  const digits = (n: number): string => String(n).padStart(5, '0');
  for (const tensors of placed) {
    const bytes = shardBytes(tensors);
    const file = `weights-${digits(shards.length + 1)}-of-${digits(placed.length)}.bin`;
    await writeFileAtomic(join(folder, file), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    shards.push({ file, bytes: bytes.byteLength, sha256 });
    onShard(shards.length, placed.length);
  }
  const bundle: WebBundle = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    architecture: source.architecture,
    tensors: placed.flat().map(({ data: _, ...tensor }) => tensor),
    shards,
  };
  await writeFileAtomic(join(folder, BUNDLE_FILE), `${JSON.stringify(bundle)}\n`);
}

/** A folder of this machine as the browser page takes folders. */
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
 * @throws what `writeExportFolder` throws, and RunError where a weight is beyond float16.
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
