import { z } from 'zod';
import { float16ToFloat32 } from '../checkpoint/half.js';
import { fromTensors } from '../checkpoint/network-tensors.js';
import type { StoredTensor } from '../checkpoint/safetensors.js';
import { configShape } from '../config/schema.js';
import { InputError, InterruptedError } from '../errors.js';
import { buildGenerator } from '../model/generator.js';
import type { NetworkValues } from '../model/parameter-groups.js';

// Nothing of Node in here: the browser page reads bundles by this.

/** The manifest's name in the folder. */
export const WEB_BUNDLE_FILE = 'bundle.json';
const VERSION = 1;

const ELEMENT_BYTES = { float32: 4, float16: 2 } as const;
const size = z.int().nonnegative();

const bundleSchema = z.strictObject({
  format: z.literal('gnr-web-bundle'),
  version: z.literal(VERSION),
  architecture: configShape.shape.model,
  /** The stored weights of G_A2B and G_B2A, in our own layout. */
  tensors: z.array(
    z.strictObject({
      /** `NETWORK/PATH`. */
      name: z.string(),
      shape: z.array(size).max(8),
      dtype: z.enum(['float32', 'float16']),
      /** The shard that all of it is in, by number, and where in it, bytes. */
      shard: size,
      offset: size,
      bytes: size,
    }),
  ),
  shards: z.array(
    z.strictObject({
      file: z.string().regex(/^[\w-]+\.bin$/, 'a file name that ends in .bin'),
      bytes: size,
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal digits'),
    }),
  ),
});

/** bundle.json: numbers are little-endian, row-major. */
export type WebBundle = z.infer<typeof bundleSchema>;
export type WebBundleTensor = WebBundle['tensors'][number];

const REMEDY = 'export the model again with gnr export --format tfjs, and copy the whole folder';

function wrong(found: string, cause?: unknown): InputError {
  return new InputError(
    { expected: `a web bundle of version ${VERSION} (${WEB_BUNDLE_FILE})`, found, remedy: REMEDY },
    { cause },
  );
}

function checkTensors({ tensors, shards }: WebBundle): void {
  const names = new Set<string>();
  const used = shards.map(() => 0);
  for (const { name, shape, dtype, shard, offset, bytes } of tensors) {
    if (names.has(name)) throw wrong(`two tensors named ${name}`);
    names.add(name);
    if (shape.reduce((product, n) => product * n, ELEMENT_BYTES[dtype]) !== bytes)
      throw wrong(`${bytes} bytes for ${name} of shape [${shape}] and dtype ${dtype}`);
    const file = shards[shard];
    if (file === undefined || offset + bytes > file.bytes) throw wrong(`${name} beyond the end of its shard`);
    used[shard]! += bytes;
    // A manifest of a few lines could otherwise ask for all memory, by many names for the same bytes.
    if (used[shard]! > file.bytes) throw wrong(`more tensors in ${file.file} than its ${file.bytes} bytes`);
  }
}

/** @param manifest the parsed JSON of bundle.json. @throws InputError where it is no bundle of this version. */
export function parseWebBundle(manifest: unknown): WebBundle {
  const newer = z.looseObject({ format: z.literal('gnr-web-bundle'), version: z.number().gt(VERSION) });
  if (newer.safeParse(manifest).success) throw wrong('a newer version');
  const parsed = bundleSchema.safeParse(manifest);
  if (!parsed.success) throw wrong(z.prettifyError(parsed.error).replaceAll('\n', ' '), parsed.error);
  checkTensors(parsed.data);
  return parsed.data;
}

export interface ReadWebBundleOptions {
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** SHA-256 in hexadecimal digits, where the platform has it: browsers do on https and localhost alone. */
async function sha256Of(bytes: Uint8Array): Promise<string | undefined> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (subtle === undefined) return undefined;
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function checkShard(
  { file, bytes, sha256 }: WebBundle['shards'][number],
  read: Uint8Array,
): Promise<void> {
  if (read.byteLength !== bytes) throw wrong(`${file} with ${read.byteLength} bytes in place of ${bytes}`);
  const found = await sha256Of(read);
  if (found !== undefined && found !== sha256) throw wrong(`${file} with other content (SHA-256 ${found})`);
}

function tensorValues({ offset, bytes, dtype }: WebBundleTensor, shard: Uint8Array): Float32Array {
  // A copy, which starts where its elements can.
  const { buffer } = new Uint8Array(shard.subarray(offset, offset + bytes));
  if (dtype === 'float32') return new Float32Array(buffer);
  const values = new Float32Array(bytes / ELEMENT_BYTES.float16);
  float16ToFloat32(new Uint16Array(buffer), values);
  return values;
}

/**
 * The stored weights of both generators, as translators take them.
 *
 * @param readShard gives the bytes of a file of the bundle.
 * @throws InputError where a shard is damaged, or the weights do not fit the architecture; InterruptedError after `signal`;
 *   what `readShard` throws.
 */
export async function readWebBundle(
  bundle: WebBundle,
  readShard: (file: string) => Promise<Uint8Array>,
  { onProgress, signal }: ReadWebBundleOptions = {},
): Promise<NetworkValues> {
  const { specs } = buildGenerator(bundle.architecture);
  const total = bundle.shards.reduce((sum, { bytes }) => sum + bytes, 0);
  const tensors = new Map<string, StoredTensor>();
  let done = 0;
  for (const [i, shard] of bundle.shards.entries()) {
    if (signal?.aborted) throw new InterruptedError('reading the web bundle was stopped');
    const read = await readShard(shard.file);
    await checkShard(shard, read);
    for (const tensor of bundle.tensors)
      if (tensor.shard === i)
        tensors.set(tensor.name, { dtype: 'F32', shape: tensor.shape, data: tensorValues(tensor, read) });
    done += shard.bytes;
    onProgress?.(done, total);
  }
  const networks = { G_A2B: specs, G_B2A: specs };
  return fromTensors(tensors, '', networks, { file: WEB_BUNDLE_FILE, remedy: REMEDY });
}
