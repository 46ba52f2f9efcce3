// Opens a PyTorch or safetensors file with a state_dict.
import { InputError } from '../base/errors.js';
import { readSafetensors, readSafetensorsHeader } from '../checkpoint/safetensors.js';
import { isSafetensorsFile } from '../checkpoint/tensor-file.js';
import { TorchFile } from '../checkpoint/torch-file/torch-file.js';
import { TorchTensorRef } from '../checkpoint/torch-file/values.js';
import type { TorchTensor } from '../checkpoint/torch-layout.js';

export interface TensorEntry {
  shape: readonly number[];
  isFloat: boolean;
}

/** An open file of either kind with a `state_dict`. */
export interface SourceFile {
  path: string;
  /** Its tensors, by name. */
  entries: ReadonlyMap<string, TensorEntry>;
  /** Reads tensors by name as float32, one after another. @throws InputError if they are damaged. */
  read(names: readonly string[]): AsyncGenerator<[name: string, tensor: TorchTensor]>;
  close(): Promise<void>;
}

/** The prefixes that DataParallel and torch.compile put before every name. */
const WRAPPED = /^(?:(?:module|_orig_mod)\.)+/;

/** Names in the file, by the names without such prefixes. */
function unwrapped(names: readonly string[]): Map<string, string> {
  const isWrapped = names.length > 0 && names.every((name) => WRAPPED.test(name));
  return new Map(names.map((name) => [isWrapped ? name.replace(WRAPPED, '') : name, name]));
}

async function openSafetensors(path: string): Promise<SourceFile> {
  const header = await readSafetensorsHeader(path);
  const names = unwrapped([...header.entries.keys()]);
  const entries = [...names].map(([name, stored]): [string, TensorEntry] => {
    const { dtype, shape } = header.entries.get(stored)!;
    return [name, { shape, isFloat: ['F64', 'F32', 'F16', 'BF16'].includes(dtype) }];
  });
  async function* read(wanted: readonly string[]): AsyncGenerator<[string, TorchTensor]> {
    for (const name of wanted) {
      const stored = names.get(name)!;
      const { tensors } = await readSafetensors(path, { names: [stored] });
      const { shape, data } = tensors.get(stored)!;
      yield [name, { shape, data: data instanceof Float32Array ? data : Float32Array.from(data) }];
    }
  }
  return { path, entries: new Map(entries), read, close: () => Promise.resolve() };
}

/** The tensors of a file of torch.save: in its dictionary, or in the one under `state_dict`. */
function tensorsOf(path: string, root: unknown): Map<string, TorchTensorRef> {
  const inner: unknown = root instanceof Map ? (root.get('state_dict') ?? root) : undefined;
  const tensors = new Map<string, TorchTensorRef>();
  if (inner instanceof Map)
    for (const [name, value] of inner as Map<unknown, unknown>)
      if (typeof name === 'string' && value instanceof TorchTensorRef) tensors.set(name, value);
  if (tensors.size > 0) return tensors;
  throw new InputError({
    expected: `a state_dict in ${path}`,
    found: 'no tensors by name',
    remedy: 'use an official file (gnr weights list names them), or save the state_dict with torch.save',
  });
}

async function openTorch(path: string): Promise<SourceFile> {
  const file = await TorchFile.open(path);
  try {
    const tensors = tensorsOf(path, file.root);
    const names = unwrapped([...tensors.keys()]);
    const entries = [...names].map(([name, stored]): [string, TensorEntry] => {
      const { shape, dtype } = tensors.get(stored)!;
      return [name, { shape, isFloat: dtype.includes('float') }];
    });
    async function* read(wanted: readonly string[]): AsyncGenerator<[string, TorchTensor]> {
      for (const name of wanted) {
        const tensor = tensors.get(names.get(name)!)!;
        yield [name, { shape: [...tensor.shape], data: await file.read(tensor) }];
      }
    }
    return { path, entries: new Map(entries), read, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens a file of torch.save (zip or legacy) or a safetensors file; the caller closes it.
 * @throws InputError that names the file and what is wrong with it.
 */
export async function openSource(path: string): Promise<SourceFile> {
  return (await isSafetensorsFile(path)) ? openSafetensors(path) : openTorch(path);
}
