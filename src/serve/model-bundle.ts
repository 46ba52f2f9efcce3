// The served model: a web bundle over the model's own memory.
import { basename } from 'node:path';
import { packBundle } from '../browser/pack-bundle.js';
import { BUNDLE_FILE } from '../browser/web-bundle-manifest.js';
import type { StoredModel } from '../translate/model.js';
import { ServedFile } from './served-file.js';

/** A shard is closed before it grows beyond this. */
const SHARD_BYTES = 32 * 1024 * 1024;

/** A model as a web bundle in float32, in a folder, over the model's own memory: nothing is copied. */
export function modelBundle(
  model: Pick<StoredModel, 'architecture' | 'values'>,
  folder: string,
): ServedFile[] {
  const { shards, manifest } = packBundle(model, { dtype: 'float32', maxShardBytes: SHARD_BYTES });
  const files = shards.map(({ tensors }, i) => {
    // Tensors of float32 follow each other without gaps.
    const chunks = tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return new ServedFile(`${folder}/weights-${i}.bin`, chunks);
  });
  const bundle = manifest(files.map(({ name, bytes, sha256 }) => ({ file: basename(name), bytes, sha256 })));
  return [new ServedFile(`${folder}/${BUNDLE_FILE}`, [Buffer.from(JSON.stringify(bundle))]), ...files];
}
