import { basename } from 'node:path';
import {
  BUNDLE_FILE,
  BUNDLE_FORMAT,
  BUNDLE_VERSION,
  type WebBundle,
} from '../browser/web-bundle-manifest.js';
import { buildGenerator } from '../model/generator.js';
import { GENERATOR_NAMES } from '../model/networks.js';
import type { StoredModel } from '../translate/model.js';
import { ServedFile } from './served-file.js';

/** A shard is closed when it has grown to this; a larger tensor has one of its own. */
const SHARD_BYTES = 32 * 1024 * 1024;

/** A model as a web bundle in float32, in a folder, over the model's own memory: nothing is copied. */
export function modelBundle(
  { architecture, values }: Pick<StoredModel, 'architecture' | 'values'>,
  folder: string,
): ServedFile[] {
  const { specs } = buildGenerator(architecture);
  const tensors: WebBundle['tensors'] = [];
  const shards: { parts: Uint8Array[]; bytes: number }[] = [];
  for (const network of GENERATOR_NAMES)
    for (const [path, { shape }] of Object.entries(specs)) {
      const { buffer, byteOffset, byteLength } = values[network]![path]!;
      let shard = shards.at(-1);
      if (shard === undefined || (shard.bytes > 0 && shard.bytes + byteLength > SHARD_BYTES)) {
        shard = { parts: [], bytes: 0 };
        shards.push(shard);
      }
      tensors.push({
        name: `${network}/${path}`,
        shape,
        dtype: 'float32',
        shard: shards.length - 1,
        offset: shard.bytes,
        bytes: byteLength,
      });
      shard.parts.push(new Uint8Array(buffer, byteOffset, byteLength));
      shard.bytes += byteLength;
    }
  const files = shards.map(({ parts }, i) => new ServedFile(`${folder}/weights-${i}.bin`, parts));
  const bundle: WebBundle = {
    format: BUNDLE_FORMAT,
    version: BUNDLE_VERSION,
    architecture,
    tensors,
    shards: files.map(({ name, bytes, sha256 }) => ({ file: basename(name), bytes, sha256 })),
  };
  return [new ServedFile(`${folder}/${BUNDLE_FILE}`, [Buffer.from(JSON.stringify(bundle))]), ...files];
}
