// The classes and functions that a PyTorch file may name.
import { isForbidden, looksLikeClass } from './forbidden-globals.js';
import { pythonGlobal, setNumpyState } from './python-globals.js';
import {
  type Budget,
  Callable,
  type CallHost,
  ClassRef,
  ForbiddenGlobalError,
  Opaque,
  PickleError,
  type PickleHost,
  Unfilled,
} from './unpickler.js';
import {
  DTYPE_BYTES,
  StorageType,
  type TorchDtype,
  type TorchStorage,
  TorchTensorRef,
  UNREAD_BYTES,
  UnreadableTensor,
} from './values.js';

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
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  QInt8Storage: 'qint8',
  QUInt8Storage: 'quint8',
  QInt32Storage: 'qint32',
  QUInt4x2Storage: 'quint4x2',
  QUInt2x4Storage: 'quint2x4',
};

/** Other names of types. */
const DTYPE_ALIASES: Readonly<Record<string, TorchDtype>> = {
  float: 'float32',
  double: 'float64',
  half: 'float16',
  long: 'int64',
  int: 'int32',
  short: 'int16',
  cfloat: 'complex64',
  cdouble: 'complex128',
};
/** An expanded tensor repeats the numbers of a smaller storage; this bounds what a few bytes can claim. */
const MAX_REPEATED_ELEMENTS = 2 ** 24;

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
  const most = Math.max(storage.elements, MAX_REPEATED_ELEMENTS);
  const fits = shape.includes(0) || (last < storage.elements && tensor.elements <= most);
  if (shape.length !== strides.length || !fits)
    throw new PickleError(`a tensor of shape [${shape}] on a storage of ${storage.elements} elements`);
  return tensor;
}

/** A tensor of a type that has no storage class of its own: its storage counts bytes. */
function rebuildTensor3([storage, offset, size, stride, , , dtype]: readonly unknown[]): TorchTensorRef {
  if (!isStorage(storage) || typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype))
    throw new PickleError('a tensor without a storage or a type');
  const type = dtype as TorchDtype;
  const elements = Math.floor((storage.elements * DTYPE_BYTES[storage.dtype]) / DTYPE_BYTES[type]);
  return rebuildTensor([{ ...storage, dtype: type, elements, begin: 0 }, offset, size, stride]);
}

/** What a function that calls another one makes: `_rebuild_from_type_v2(function, type, args, state)`. */
function rebuildFromType([inner, , args]: readonly unknown[], host: CallHost): unknown {
  if (!(inner instanceof Callable) || !Array.isArray(args))
    throw new PickleError('a tensor made by an unknown function');
  return inner.call(args, host);
}

const isTensor = (value: unknown): boolean =>
  value instanceof TorchTensorRef || value instanceof UnreadableTensor;

/** A tensor of another device: made of a tensor on the processor, or of a NumPy array. */
function rebuildDeviceTensor([tensor]: readonly unknown[]): unknown {
  if (isTensor(tensor)) return tensor;
  throw new PickleError('a tensor of another device without numbers');
}

const unreadable = (what: string, remedy: string): Callable =>
  new Callable(what, () => new UnreadableTensor(what, remedy));

/** Functions that make tensors whose numbers are not weights as they stand. */
const UNREADABLE: Readonly<Record<string, Callable>> = {
  _rebuild_qtensor: unreadable('a quantised tensor', 'dequantize()'),
  _rebuild_sparse_tensor: unreadable('a sparse tensor', 'to_dense()'),
  _rebuild_sparse_csr_tensor: unreadable('a sparse tensor', 'to_dense()'),
  _rebuild_nested_tensor: unreadable('a nested tensor', 'to_padded_tensor(0)'),
  _rebuild_meta_tensor_no_storage: unreadable(
    'a tensor of the device meta, which has no numbers',
    'to_empty()',
  ),
  _rebuild_wrapper_subclass: unreadable(
    'a tensor of a class of its own, such as a sharded one',
    'full_tensor()',
  ),
};

function rebuildParameter([tensor]: readonly unknown[]): unknown {
  if (!isTensor(tensor)) throw new PickleError('a parameter without a tensor');
  return tensor;
}

/**
 * A parameter or tensor in a file of 2017 (some of torchvision's files still are): made from its tensor, or empty with a
 * state that `setState` reads (see `__setstate__` in torch/_tensor.py).
 */
function legacyTensor(args: readonly unknown[]): unknown {
  return args.length === 0 ? new Unfilled() : rebuildParameter(args);
}

/** Lengths of the known states: a variable's flags; a tensor's fields; a variable's tensor and flags. */
const FLAGS = 3;
const TENSOR_FIELDS = 4;
const TENSOR_AND_FLAGS = 5;

function size([axes]: readonly unknown[]): number[] {
  return counts(axes ?? [], 'torch.Size');
}

/** torch's classes and functions of a checkpoint of weights and optimizers. */
const TORCH: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['torch._utils._rebuild_tensor', new Callable('_rebuild_tensor', rebuildTensor)],
  ['torch._utils._rebuild_tensor_v2', new Callable('_rebuild_tensor_v2', rebuildTensor)],
  ['torch._utils._rebuild_tensor_v3', new Callable('_rebuild_tensor_v3', rebuildTensor3)],
  ...['_rebuild_parameter', '_rebuild_parameter_with_state'].map((name): [string, unknown] => [
    `torch._utils.${name}`,
    new Callable(name, rebuildParameter),
  ]),
  ['torch._tensor._rebuild_from_type_v2', new Callable('_rebuild_from_type_v2', rebuildFromType)],
  ['torch._tensor._rebuild_from_type', new Callable('_rebuild_from_type', rebuildFromType)],
  ...[
    '_rebuild_device_tensor_from_numpy',
    '_rebuild_device_tensor_from_cpu_tensor',
    '_rebuild_xla_tensor',
  ].map((name): [string, unknown] => [`torch._utils.${name}`, new Callable(name, rebuildDeviceTensor)]),
  ...Object.entries(UNREADABLE).map(([name, value]): [string, unknown] => [`torch._utils.${name}`, value]),
  ...['Parameter', 'Buffer', 'UninitializedParameter'].map((name): [string, unknown] => [
    `torch.nn.parameter.${name}`,
    new Callable(name, legacyTensor),
  ]),
  // Files of 2017 name the classes of the GPU's tensors.
  ...['torch', 'torch.cuda'].flatMap((module) =>
    Object.entries(STORAGES).flatMap(([name, dtype]): [string, unknown][] => {
      const tensor = name.replace('Storage', 'Tensor');
      return [
        [`${module}.${tensor}`, new Callable(tensor, legacyTensor)],
        [`${module}.${name}`, new StorageType(dtype)],
      ];
    }),
  ),
  ...['torch.UntypedStorage', 'torch.storage.UntypedStorage', 'torch.storage._UntypedStorage'].map(
    (name): [string, unknown] => [name, new StorageType('uint8')],
  ),
  ['torch.serialization._get_layout', new Callable('_get_layout', ([name]) => name)],
  ['torch.Size', new Callable('torch.Size', size)],
  ['torch.device', new Callable('torch.device', ([type]) => (typeof type === 'string' ? type : 'cpu'))],
  ...[...Object.values(STORAGES), ...Object.keys(UNREAD_BYTES)].map((name): [string, unknown] => [
    `torch.${name}`,
    name,
  ]),
  ...Object.entries(DTYPE_ALIASES).map(([name, dtype]): [string, unknown] => [`torch.${name}`, dtype]),
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

/** The names that a checkpoint may have, and the storages that its pickle named. */
export class TorchHost implements PickleHost {
  readonly storages = new Map<string, TorchStorage>();
  readonly budget: Budget;

  constructor(budget: Budget) {
    this.budget = budget;
  }

  /**
   * The value or function of a name; a `ClassRef` for one without a meaning here, such as a class of the user's own.
   *
   * @throws ForbiddenGlobalError for one that could run a program.
   */
  global(name: string): unknown {
    const value = TORCH.get(name) ?? pythonGlobal(name);
    if (value !== undefined) return value;
    if (isForbidden(name)) throw new ForbiddenGlobalError(name);
    return new ClassRef(name);
  }

  /** A call of a class gives an opaque object, as those of enumerations; one of a function is rejected. */
  callUnknown(name: string): unknown {
    if (!looksLikeClass(name)) throw new ForbiddenGlobalError(name);
    return new Opaque(name);
  }

  /**
   * The storage of a persistent id: `('storage', class, key, location, elements)`, in legacy files with
   * `(key, begin, elements)` at the end if the storage is a part of another one; or the class of a module,
   * `('module', class, file, source)`.
   */
  persistent(id: unknown): unknown {
    if (Array.isArray(id) && id[0] === 'module' && id[1] instanceof ClassRef) return id[1];
    const storage = torchStorage(id);
    const known = this.storages.get(storage.key);
    if (known && (known.elements !== storage.elements || known.dtype !== storage.dtype))
      throw new PickleError('a storage of two sizes');
    this.storages.set(storage.key, storage);
    return storage;
  }

  /** Sets the state of an array or of a tensor of 2017; fields that are not about its numbers are ignored. */
  setState(object: unknown, state: unknown): unknown {
    const array = setNumpyState(object, state, this);
    if (array !== undefined) return array;
    // Attributes that somebody gave to a tensor, or the flags of 2017.
    const isFlags = Array.isArray(state) && state.length === FLAGS;
    if (isTensor(object) && (state instanceof Map || isFlags)) return object;
    if (!Array.isArray(state)) throw new PickleError('a pickle that sets attributes of an object');
    if (object instanceof Unfilled && object.content === undefined) {
      if (state.length === TENSOR_FIELDS) object.content = rebuildTensor(state);
      else if (state.length === TENSOR_AND_FLAGS) object.content = rebuildParameter(state);
    }
    if (!(object instanceof Unfilled && object.content))
      throw new PickleError('a tensor of an unknown state');
    return object.content;
  }
}
