// Opens a file of tensors by name, of PyTorch or of safetensors.
import { open, stat } from 'node:fs/promises';
import { InputError } from '../base/errors.js';
import { readSafetensors, readSafetensorsHeader } from './safetensors.js';
import type { SafetensorsDtype, SafetensorsHeader } from './safetensors-header.js';
import { type TensorFile, TorchFile } from './torch-file/torch-file.js';
import { type TorchDtype, TorchTensorRef, UnreadableTensor } from './torch-file/values.js';

/** The length of the header, and the brace with which it begins. */
const START_BYTES = 9;
const MAX_HEADER_BYTES = 2 ** 32;

/** Whether a file is named as a safetensors file, or starts as one: with the length of a JSON object, and that object. */
export async function isSafetensorsFile(path: string): Promise<boolean> {
  if (/\.safetensors$/i.test(path)) return true;
  // Opening a named pipe would wait for its other end.
  if (!(await stat(path).catch(() => undefined))?.isFile()) return false;
  const handle = await open(path, 'r');
  try {
    const start = Buffer.alloc(START_BYTES);
    await handle.read(start, 0, start.length, 0);
    return start[START_BYTES - 1] === '{'.charCodeAt(0) && start.readBigUInt64LE(0) < MAX_HEADER_BYTES;
  } finally {
    await handle.close();
  }
}

const DTYPES: Partial<Record<SafetensorsDtype, TorchDtype>> = {
  F32: 'float32',
  F64: 'float64',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};

/** A safetensors file as a dictionary of tensors. */
class SafetensorsTensors implements TensorFile {
  readonly path: string;
  readonly bytes: number;
  readonly root: ReadonlyMap<string, unknown>;

  constructor(path: string, bytes: number, { entries }: SafetensorsHeader) {
    this.path = path;
    this.bytes = bytes;
    const tensors = [...entries.values()].map(({ name, dtype, shape }): [string, unknown] => {
      const type = DTYPES[dtype];
      if (type === undefined) return [name, new UnreadableTensor(`a tensor of type ${dtype}`, 'float()')];
      const elements = shape.reduce((product, n) => product * n, 1);
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
      return [name, new TorchTensorRef({ dtype: type, key: name, elements, begin: 0 }, 0, shape, strides)];
    });
    this.root = new Map(tensors);
  }

  async read({ storage: { key } }: TorchTensorRef): Promise<Float32Array> {
    const { data } = (await readSafetensors(this.path, { names: [key] })).tensors.get(key)!;
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Opens a file of torch.save (zip, unpacked or legacy) or a safetensors file. The caller closes it.
 *
 * @throws InputError that names the file and what is wrong with it; also for a model of this program, which needs no import.
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  if (!(await isSafetensorsFile(path))) return TorchFile.open(path);
  const header = await readSafetensorsHeader(path);
  // This program writes NETWORK/PATH, in a layout of its own.
  if ([...header.entries.keys()].some((name) => /^(values\/)?(G_A2B|G_B2A)\//.test(name)))
    throw new InputError({
      expected: `weights in PyTorch's layout in ${path}`,
      found: 'a model of this program',
      remedy: 'give its folder, with the config.json in it, to --checkpoint; it needs no import',
    });
  return new SafetensorsTensors(path, (await stat(path)).size, header);
}
