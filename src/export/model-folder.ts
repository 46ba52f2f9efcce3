import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceDirectory, writeFileAtomic } from '../checkpoint/atomic.js';
import { float16ToFloat32, float32ToFloat16 } from '../checkpoint/half.js';
import { CONFIG, MODEL } from '../checkpoint/layout.js';
import { toTensors } from '../checkpoint/network-tensors.js';
import { type TensorToStore, writeSafetensors } from '../checkpoint/safetensors.js';
import { RunError } from '../errors.js';
import { buildGenerator } from '../model/generator.js';
import type { Model } from '../translate/model.js';

export interface ModelFolderOptions {
  /** Becomes config.json; its `model` section is the model's architecture. */
  config: object;
  /** The model card, README.md. */
  card: string;
  /** A larger weight file is refused. */
  limitBytes?: number;
}

/** The generators' tensors in float16; other networks are left out. */
function asHalf({
  architecture,
  values,
}: Pick<Model, 'architecture' | 'values'>): Map<string, TensorToStore> {
  const { specs } = buildGenerator(architecture);
  const generators = { G_A2B: specs, G_B2A: specs };
  const own = Object.fromEntries(Object.keys(generators).map((name) => [name, values[name]!]));
  const tensors = toTensors('', own, generators);
  for (const [name, { data }] of tensors) {
    const half = new Uint16Array(data.length);
    float32ToFloat16(data as Float32Array, half);
    const read = new Float32Array(data.length);
    float16ToFloat32(half, read);
    const at = read.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw new RunError(
        `Cannot write ${name} as float16: it holds ${data[at]}, beyond 65504; train with a smaller step size.`,
      );
  }
  return new Map(tensors.map(([name, tensor]) => [name, { ...tensor, dtype: 'F16' }]));
}

/**
 * Writes a model as a folder that `loadModel` reads: model.safetensors with both generators in float16 (rounded to the
 * nearest), config.json and README.md. The folder appears under its name as a whole, in place of what was there.
 *
 * @returns the size of model.safetensors, bytes.
 * @throws RunError where the disk refuses, a weight is beyond float16 or the file is larger than the limit; what was
 *   there before is kept.
 */
export async function writeModelFolder(
  dir: string,
  model: Pick<Model, 'architecture' | 'values'>,
  { config, card, limitBytes = Number.POSITIVE_INFINITY }: ModelFolderOptions,
): Promise<number> {
  const tensors = asHalf(model);
  let bytes = 0;
  await replaceDirectory(dir, async (temporary) => {
    await writeSafetensors(join(temporary, MODEL), tensors);
    bytes = (await stat(join(temporary, MODEL))).size;
    if (bytes > limitBytes)
      throw new RunError(
        `The weights of ${dir} take ${bytes} bytes, more than ${limitBytes}; train with a larger model.channelDivisor.`,
      );
    await writeFileAtomic(join(temporary, CONFIG), `${JSON.stringify(config, null, 2)}\n`);
    await writeFileAtomic(join(temporary, 'README.md'), card);
  });
  return bytes;
}
