// Places a model's weights in the shards of a web bundle.
import { buildGenerator } from '../model/generator.js';
import type { NetworkValues } from '../model/parameters.js';
import {
  BUNDLE_FORMAT,
  BUNDLE_VERSION,
  BYTES_OF,
  type WebBundle,
  type WebBundleTensor,
} from './web-bundle-manifest.js';

/** Every tensor starts at a multiple of this, so that a Float32Array can view it. */
const ALIGNMENT_BYTES = 4;

/** A tensor with its place in a shard; `data` is the model's own memory. */
export interface PackedTensor extends WebBundleTensor {
  data: Float32Array;
}

/** The tensors of one file, in order. */
export interface PackedShard {
  tensors: PackedTensor[];
  /** Size of the file. */
  bytes: number;
}

export interface PackedBundle {
  shards: PackedShard[];
  /** The content of bundle.json. @param files names and hashes of the shards, in their order. */
  manifest(files: WebBundle['shards']): WebBundle;
}

export interface PackOptions {
  /** The type of the stored weights. */
  dtype: WebBundleTensor['dtype'];
  /** A shard is closed before it grows beyond this; a larger tensor gets a shard of its own. */
  maxShardBytes: number;
}

/** Places both generators in shards, whole tensors in the order of the networks' parameters. Copies nothing. */
export function packBundle(
  { architecture, values }: { architecture: WebBundle['architecture']; values: NetworkValues },
  { dtype, maxShardBytes }: PackOptions,
): PackedBundle {
  const { specs } = buildGenerator(architecture);
  const shards: PackedShard[] = [];
  for (const network of ['G_A2B', 'G_B2A'])
    for (const [path, { shape }] of Object.entries(specs)) {
      const data = values[network]![path]!;
      const bytes = data.length * BYTES_OF[dtype];
      let shard = shards.at(-1);
      let offset = Math.ceil((shard?.bytes ?? 0) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      if (shard === undefined || offset + bytes > maxShardBytes) {
        shard = { tensors: [], bytes: 0 };
        shards.push(shard);
        offset = 0;
      }
      const place = { shard: shards.length - 1, offset, bytes };
      shard.tensors.push({ name: `${network}/${path}`, shape: [...shape], dtype, ...place, data });
      shard.bytes = offset + bytes;
    }
  return {
    shards,
    manifest: (files) => ({
      format: BUNDLE_FORMAT,
      version: BUNDLE_VERSION,
      architecture,
      tensors: shards.flatMap(({ tensors }) => tensors.map(({ data: _, ...tensor }) => tensor)),
      shards: files,
    }),
  };
}
