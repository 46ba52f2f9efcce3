// The classes and functions that a PyTorch file may name.
import { Callable, ForbiddenGlobalError, PickleError, Unfilled } from './unpickler.js';
import { StorageType, type TorchDtype, type TorchStorage, TorchTensorRef } from './values.js';

/** PyTorch itself has no tensors of more axes. */
const MAX_AXES = 64;

const STORAGES: Readonly<Record<string, TorchDtype>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

function isStorage(value: unknown): value is TorchStorage {
  return typeof value === 'object' && value !== null && 'key' in value && 'begin' in value;
}

function counts(value: unknown, what: string): number[] {
  const isRight =
    Array.isArray(value) &&
    value.length <= MAX_AXES &&
    value.every((count: unknown) => Number.isSafeInteger(count) && (count as number) >= 0);
  if (!isRight) throw new PickleError(`a tensor with a ${what} that is no list of counts`);
  return value as number[];
}

/** Rebuilds a tensor from the arguments that torch pickles: storage, offset, shape, strides, and some for gradients. */
function rebuildTensor([storage, offset, size, stride]: readonly unknown[]): TorchTensorRef {
  if (!isStorage(storage)) throw new PickleError('a tensor without a storage');
  const shape = counts(size, 'shape');
  const strides = counts(stride, 'stride');
  const [first] = counts([offset], 'storage offset');
  const tensor = new TorchTensorRef(storage, storage.begin + first!, shape, strides);
  const last = shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, tensor.offset);
  // An expanded tensor could claim any number of elements of a storage with one.
  const fits = shape.includes(0) || (last < storage.elements && tensor.elements <= storage.elements);
  if (shape.length !== strides.length || !fits)
    throw new PickleError(`a tensor of shape [${shape}] on a storage of ${storage.elements} elements`);
  return tensor;
}

function orderedDict([pairs]: readonly unknown[]): Map<unknown, unknown> {
  if (pairs === undefined) return new Map();
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw new PickleError('a dictionary made of something that is no list of pairs');
  return new Map(pairs as [unknown, unknown][]);
}

function rebuildParameter([tensor]: readonly unknown[]): TorchTensorRef {
  if (!(tensor instanceof TorchTensorRef)) throw new PickleError('a parameter without a tensor');
  return tensor;
}

/**
 * A parameter or tensor in a file of 2017 (some of torchvision's files still are): made from its tensor, or empty with a
 * state that `setState` reads (see `__setstate__` in torch/_tensor.py).
 */
function legacyTensor(args: readonly unknown[]): TorchTensorRef | Unfilled {
  return args.length === 0 ? new Unfilled() : rebuildParameter(args);
}

/** Lengths of the known states: a variable's flags; a tensor's fields; a variable's tensor and flags. */
const FLAGS = 3;
const TENSOR_FIELDS = 4;
const TENSOR_AND_FLAGS = 5;

function size([axes]: readonly unknown[]): number[] {
  return counts(axes ?? [], 'torch.Size');
}

/** The classes and functions of a checkpoint of weights and optimizers; all others are rejected. */
const ALLOWED: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['collections.OrderedDict', new Callable('OrderedDict', orderedDict)],
  ['torch._utils._rebuild_tensor', new Callable('_rebuild_tensor', rebuildTensor)],
  ['torch._utils._rebuild_tensor_v2', new Callable('_rebuild_tensor_v2', rebuildTensor)],
  ['torch._utils._rebuild_parameter', new Callable('_rebuild_parameter', rebuildParameter)],
  ['torch.nn.parameter.Parameter', new Callable('Parameter', legacyTensor)],
  ...Object.keys(STORAGES).map((name): [string, unknown] => {
    const tensor = name.replace('Storage', 'Tensor');
    return [`torch.${tensor}`, new Callable(tensor, legacyTensor)];
  }),
  ['torch.Size', new Callable('torch.Size', size)],
  ['torch.device', new Callable('torch.device', ([type]) => (typeof type === 'string' ? type : 'cpu'))],
  ...Object.entries(STORAGES).map(([name, dtype]): [string, unknown] => [
    `torch.${name}`,
    new StorageType(dtype),
  ]),
  ...[...Object.values(STORAGES), 'float', 'double', 'half', 'long', 'int'].map((name): [string, unknown] => [
    `torch.${name}`,
    name,
  ]),
]);

/** The storage of a persistent id, or a part of one (see `TorchHost.persistent`). */
function torchStorage(id: unknown): TorchStorage {
  if (!Array.isArray(id) || id[0] !== 'storage' || !(id[1] instanceof StorageType))
    throw new PickleError('a persistent id that is no storage of numbers');
  const [, { dtype }, key, , elements, part] = id as [
    string,
    StorageType,
    unknown,
    unknown,
    unknown,
    unknown,
  ];
  if (typeof key !== 'string' || !Number.isSafeInteger(elements) || (elements as number) < 0)
    throw new PickleError('a storage without a key or a size');
  const [begin, count] = Array.isArray(part) ? counts(part.slice(1), 'part of a storage') : [0, 0];
  if (!((begin ?? 0) + (count ?? 0) <= (elements as number)))
    throw new PickleError('a storage that is a part of a smaller one');
  return { dtype, key, elements: elements as number, begin: begin ?? 0 };
}

/** The allow-list for unpickling a checkpoint, and the storages that the pickle named. */
export class TorchHost {
  readonly storages = new Map<string, TorchStorage>();

  /** @throws ForbiddenGlobalError for a class or function that is not on the list. */
  global(name: string): unknown {
    const value = ALLOWED.get(name);
    if (value === undefined) throw new ForbiddenGlobalError(name);
    return value;
  }

  /**
   * The storage of a persistent id: `('storage', class, key, location, elements)`, in legacy files with
   * `(key, begin, elements)` at the end if the storage is a part of another one.
   */
  persistent(id: unknown): TorchStorage {
    const storage = torchStorage(id);
    const known = this.storages.get(storage.key);
    if (known && (known.elements !== storage.elements || known.dtype !== storage.dtype))
      throw new PickleError('a storage of two sizes');
    this.storages.set(storage.key, storage);
    return storage;
  }

  /** Sets the state of a tensor or parameter of 2017; fields that are not about its numbers are ignored. */
  setState(object: unknown, state: unknown): unknown {
    if (!Array.isArray(state)) throw new PickleError('a pickle that sets attributes of an object');
    if (object instanceof TorchTensorRef && state.length === FLAGS) return object;
    if (object instanceof Unfilled && object.content === undefined) {
      if (state.length === TENSOR_FIELDS) object.content = rebuildTensor(state);
      else if (state.length === TENSOR_AND_FLAGS) object.content = rebuildParameter(state);
    }
    if (!(object instanceof Unfilled && object.content))
      throw new PickleError('a tensor of an unknown state');
    return object.content;
  }
}
