// The manifest of web bundles, bundle.json, and its checks.
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { formatIssues } from '../base/parse-or-throw.js';
import { configShape } from '../config/schema.js';
import { sizeOf } from '../model/parameters.js';

export const BUNDLE_FILE = 'bundle.json';
export const BUNDLE_FORMAT = 'gnr-web-bundle';
export const BUNDLE_VERSION = 1;
/** The largest buffer that a browser allocates. */
export const SHARD_LIMIT_BYTES = 2 ** 31 - 1;
/** Bytes of a number of each type. */
export const BYTES_OF = { float32: 4, float16: 2 } as const;

const count = z.int().nonnegative();

/** bundle.json: the architecture, and the place of each stored weight of the generators. */
const bundleSchema = z.looseObject({
  format: z.literal(BUNDLE_FORMAT),
  version: z.literal(BUNDLE_VERSION),
  architecture: configShape.shape.model,
  tensors: z.array(
    z.looseObject({
      /** `G_A2B/PATH`. */
      name: z.string(),
      shape: z.array(count).max(8),
      dtype: z.enum(['float32', 'float16']),
      /** Index of the shard that holds the whole tensor; its offset and size there, bytes. Numbers are little-endian, row-major. */
      shard: count,
      offset: count,
      bytes: count,
    }),
  ),
  shards: z.array(
    z.looseObject({
      // A name, not a path: a bundle reads nothing outside its folder.
      file: z.string().regex(/^[\w-][\w.-]*$/),
      bytes: count.max(SHARD_LIMIT_BYTES),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type WebBundle = z.infer<typeof bundleSchema>;
export type WebBundleTensor = WebBundle['tensors'][number];

const bundleError = (found: string, cause?: unknown): InputError =>
  new InputError(
    { expected: `a whole web bundle with its ${BUNDLE_FILE}`, found, remedy: 'export the model again' },
    { cause },
  );

/** @throws InputError if the place and the shape of a tensor do not fit together. */
function assertPlace(
  { shards }: WebBundle,
  { name, shape, dtype, shard, offset, bytes }: WebBundleTensor,
): void {
  const file = shards[shard];
  if (file === undefined) throw bundleError(`the tensor ${name} in shard ${shard} of ${shards.length}`);
  if (bytes !== sizeOf(shape) * BYTES_OF[dtype])
    throw bundleError(`the tensor ${name} of shape [${shape}], ${dtype}, with ${bytes} bytes`);
  if (offset + bytes > file.bytes) throw bundleError(`the tensor ${name} beyond the end of ${file.file}`);
}

/** @throws InputError if a name or a byte is claimed twice; otherwise a small manifest could demand all memory. */
function assertApart({ tensors, shards }: WebBundle): void {
  const twice = (names: readonly string[]) => names.find((name, i) => i > 0 && name === names[i - 1]);
  const name = twice(tensors.map((tensor) => tensor.name).sort());
  if (name !== undefined) throw bundleError(`two tensors named ${name}`);
  const file = twice(shards.map((shard) => shard.file).sort());
  if (file !== undefined) throw bundleError(`two shards named ${file}`);
  const inOrder = [...tensors].sort((a, b) => a.shard - b.shard || a.offset - b.offset || a.bytes - b.bytes);
  for (const [i, { shard, offset, name: later }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before?.shard === shard && before.offset + before.bytes > offset)
      throw bundleError(`the tensors ${before.name} and ${later} in the same place`);
  }
}

/** Validates the parsed JSON of bundle.json. @throws InputError if it is not a bundle of this version. */
export function parseWebBundle(manifest: unknown): WebBundle {
  const newer = z.looseObject({ format: z.literal(BUNDLE_FORMAT), version: z.number().gt(BUNDLE_VERSION) });
  const { success, data } = newer.safeParse(manifest);
  if (success) throw bundleError(`a newer version of the format (${data.version}, not ${BUNDLE_VERSION})`);
  const parsed = bundleSchema.safeParse(manifest);
  if (!parsed.success) throw bundleError(formatIssues(parsed.error).slice(0, 500), parsed.error);
  for (const tensor of parsed.data.tensors) assertPlace(parsed.data, tensor);
  assertApart(parsed.data);
  return parsed.data;
}
