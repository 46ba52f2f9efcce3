// Writes a model as a folder with float16 weights that `loadModel` reads.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceDirectory, writeFileAtomic } from '../base/atomic-files.js';
import { RunError } from '../base/errors.js';
import { float32ToFloat16 } from '../base/half-floats.js';
import { writeJson } from '../base/write-json.js';
import { CONFIG, MODEL } from '../checkpoint/layout.js';
import { toTensors } from '../checkpoint/network-tensors.js';
import { type TensorToStore, writeSafetensors } from '../checkpoint/safetensors.js';
import { generatorSpecs } from '../model/networks.js';
import type { StoredModel } from '../translate/model.js';

/** All exponent bits: infinity or NaN. */
const HALF_EXPONENT = 0x7c00;

/**
 * Metadata of an exported model.safetensors. `format` is the key by which transformers and accelerate accept a file; what
 * it is to this program has a key of its own. Nothing here reads either, so that earlier exports are read, too.
 */
export const MODEL_METADATA = { format: 'pt', gnr: 'model' } as const;

export interface ModelFolderOptions {
  /** Becomes config.json; its `model` section is the model's architecture. */
  config: object;
  /** The model card, README.md. */
  card: string;
  /** The largest allowed weight file. */
  limitBytes?: number;
}

/**
 * float32 rounded to the nearest float16.
 *
 * @param name the tensor's name, for the message. @throws RunError if a number is beyond float16 or not finite.
 */
export function toFloat16(name: string, data: Float32Array): Uint16Array<ArrayBuffer> {
  const half = new Uint16Array(data.length);
  float32ToFloat16(data, half);
  const at = half.findIndex((bits) => (bits & HALF_EXPONENT) === HALF_EXPONENT);
  if (at >= 0)
    throw new RunError(
      `Cannot write ${name} as float16: it holds ${data[at]}, beyond 65504; train with a smaller step size.`,
    );
  return half;
}

/** The generators' tensors by name, without other networks. @throws RunError if a number is beyond float16. */
export function generatorTensors(
  { architecture, values }: Pick<StoredModel, 'architecture' | 'values'>,
  precision: 'float32' | 'float16',
): Map<string, TensorToStore> {
  const generators = generatorSpecs(architecture);
  const own = Object.fromEntries(Object.keys(generators).map((name) => [name, values[name]!]));
  const tensors = toTensors('', own, generators);
  if (precision === 'float32') return new Map(tensors);
  for (const [name, { data }] of tensors) toFloat16(name, data as Float32Array);
  return new Map(tensors.map(([name, tensor]) => [name, { ...tensor, dtype: 'F16' }]));
}

/**
 * Writes a model as a folder that `readModel` reads: model.safetensors with both generators in float16 (rounded to the
 * nearest), config.json and README.md. The folder appears under its name as a whole, in place of what was there.
 *
 * @returns the size of model.safetensors, bytes.
 * @throws RunError if a file cannot be written, a weight is beyond float16 or the file is larger than the limit; what
 *   was there before is kept.
 */
export async function writeModelFolder(
  dir: string,
  model: Pick<StoredModel, 'architecture' | 'values'>,
  { config, card, limitBytes = Number.POSITIVE_INFINITY }: ModelFolderOptions,
): Promise<number> {
  const tensors = generatorTensors(model, 'float16');
  let bytes = 0;
  await replaceDirectory(dir, async (temporary) => {
    await writeSafetensors(join(temporary, MODEL), tensors, MODEL_METADATA);
    bytes = (await stat(join(temporary, MODEL))).size;
    if (bytes > limitBytes)
      throw new RunError(
        `The weights of ${dir} take ${bytes} bytes, more than ${limitBytes}; train with a larger model.channelDivisor.`,
      );
    await writeJson(join(temporary, CONFIG), config);
    await writeFileAtomic(join(temporary, 'README.md'), card);
  });
  return bytes;
}
