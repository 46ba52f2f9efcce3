// Writes a PyTorch file in the zip format.
import { writeFileAtomic } from '../../base/atomic-files.js';
import { pickle } from './pickler.js';
import type { PythonValue } from './python-values.js';
import { ZipWriter } from './zip-writer.js';

/** The name of the folder in the archive; torch accepts any. */
const FOLDER = 'archive';
/** The version of files without operators (torch's caffe2/serialize/versions.h). */
const VERSION = '3\n';

export interface WriteTorchFileOptions {
  /** Called with the written bytes of the tensors, and all of them. */
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /** See `ZipWriter`. */
  wideFrom?: number;
}

/**
 * Writes a file like `torch.save` (the zip format), for `torch.load` with and without `weights_only=True`. Tensors are
 * float32; each is asked for its numbers when it is written, so that one at a time is in memory.
 *
 * @throws RunError that names the path, the cause and the remedy if the file cannot be written; an earlier one is kept.
 */
export async function writeTorchFile(
  path: string,
  value: PythonValue,
  { onProgress, wideFrom }: WriteTorchFileOptions = {},
): Promise<void> {
  const { bytes, tensors } = pickle(value);
  const sizes = tensors.map(({ shape }) => shape.reduce((product, n) => product * n, 4));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  await writeFileAtomic(path, async (handle) => {
    const zip = new ZipWriter(handle, wideFrom);
    await zip.add(`${FOLDER}/data.pkl`, bytes);
    await zip.add(`${FOLDER}/byteorder`, Buffer.from('little'));
    let doneBytes = 0;
    for (const [i, tensor] of tensors.entries()) {
      const data = await tensor.data();
      if (data.byteLength !== sizes[i])
        throw new RangeError(`a tensor of shape [${tensor.shape}] with ${data.length} elements`);
      await zip.add(`${FOLDER}/data/${i}`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      doneBytes += data.byteLength;
      onProgress?.(doneBytes, totalBytes);
    }
    await zip.add(`${FOLDER}/version`, Buffer.from(VERSION));
    await zip.finish();
  });
}
