import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { toTensors } from '../checkpoint/network-tensors.js';
import { buildGenerator } from '../model/generator.js';
import { modelCard } from './card.js';
import { type Comparison, compareWeights, type Precision } from './comparison.js';
import { stopIfAborted, writeExportFolder } from './export-folder.js';
import type { FolderExport } from './formats.js';
import { toHalf } from './model-folder.js';
import type { ExportSource } from './source.js';
import {
  parseWebBundle,
  readWebBundle,
  WEB_BUNDLE_FILE,
  type WebBundle,
  type WebBundleTensor,
} from './web-bundle-format.js';

/** Small enough for caches, and for progress that moves. */
export const SHARD_BYTES = 4 * 1024 * 1024;
/** Every tensor starts at a multiple: where float32 may. */
const ALIGNMENT_BYTES = 4;

const FILES = `| file | is |
| --- | --- |
| \`${WEB_BUNDLE_FILE}\` | the architecture, where each tensor is, and size and SHA-256 of the shards |
| \`weights-*.bin\` | both generators (averaged weights), little-endian, in shards of at most 4 MiB |
| \`export.json\` | sizes and SHA-256 of the files, and what the comparison gave |`;

const USAGE = `For the browser page of gans-n-roses: give it the address of this folder, or drop the folder on it. Any server of files will
do. The format is described in src/export/web-bundle-format.ts.`;

/** Cuts tensors, one after another, into shards of `shardBytes`; the last may be shorter. */
class ShardWriter {
  readonly shards: WebBundle['shards'] = [];
  private readonly names: readonly string[];
  private readonly write: (file: string, bytes: Uint8Array) => Promise<void>;
  private readonly current = new Uint8Array(SHARD_BYTES);
  private used = 0;

  constructor(totalBytes: number, write: (file: string, bytes: Uint8Array) => Promise<void>) {
    const count = Math.ceil(totalBytes / SHARD_BYTES);
    const digits = (n: number): string => String(n).padStart(5, '0');
    this.names = Array.from({ length: count }, (_, i) => `weights-${digits(i + 1)}-of-${digits(count)}.bin`);
    this.write = write;
  }

  /** Where the next bytes go. */
  get place(): Pick<WebBundleTensor, 'shard' | 'offset'> {
    return { shard: this.shards.length, offset: this.used };
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const part = bytes.subarray(done, done + SHARD_BYTES - this.used);
      this.current.set(part, this.used);
      this.used += part.byteLength;
      done += part.byteLength;
      if (this.used === SHARD_BYTES) await this.finish();
    }
  }

  /** Writes what is left. */
  async finish(): Promise<void> {
    if (this.used === 0) return;
    const bytes = this.current.subarray(0, this.used);
    const file = this.names[this.shards.length]!;
    await this.write(file, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.shards.push({ file, bytes: this.used, sha256 });
    this.used = 0;
  }
}

/** A tensor's bytes in a bundle, filled up to a multiple of four. */
function bytesOf(name: string, data: Float32Array, precision: Precision): { bytes: Uint8Array; own: number } {
  const values = precision === 'float16' ? toHalf(name, data) : data;
  const own = values.byteLength;
  const bytes = new Uint8Array(Math.ceil(own / ALIGNMENT_BYTES) * ALIGNMENT_BYTES);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, own));
  return { bytes, own };
}

async function writeBundle(
  folder: string,
  { architecture, values }: ExportSource,
  precision: Precision,
  onShard: () => void,
): Promise<void> {
  const { specs } = buildGenerator(architecture);
  const tensors = toTensors('', values, { G_A2B: specs, G_B2A: specs });
  const elementBytes = precision === 'float16' ? 2 : 4;
  const total = tensors.reduce(
    (sum, [, { data }]) => sum + Math.ceil((data.length * elementBytes) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES,
    0,
  );
  const writer = new ShardWriter(total, async (file, bytes) => {
    await writeFileAtomic(join(folder, file), bytes);
    onShard();
  });
  const listed: WebBundleTensor[] = [];
  for (const [name, { shape, data }] of tensors) {
    const { bytes, own } = bytesOf(name, data as Float32Array, precision);
    listed.push({ name, shape: [...shape], dtype: precision, ...writer.place, bytes: own });
    await writer.add(bytes);
  }
  await writer.finish();
  const bundle: WebBundle = {
    format: 'gnr-web-bundle',
    version: 1,
    architecture,
    tensors: listed,
    shards: writer.shards,
  };
  await writeFileAtomic(join(folder, WEB_BUNDLE_FILE), `${JSON.stringify(bundle)}\n`);
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
      await writeBundle(folder, source, precision, () => stopIfAborted(signal));
      onProgress?.(1, 2);
    },
    async compare(folder) {
      const manifest: unknown = JSON.parse(await readFile(join(folder, WEB_BUNDLE_FILE), 'utf8'));
      const bundle = parseWebBundle(manifest);
      const exported = await readWebBundle(bundle, (file) => readFile(join(folder, file)), { signal });
      return compareWeights(bundle.architecture, { exported, source: source.values }, inputs, precision);
    },
    card: (comparisons) =>
      modelCard({ ...card, source, inputs }, { files: FILES, usage: USAGE }, comparisons),
  });
}
