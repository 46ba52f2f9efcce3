// Plain values of Python and NumPy that stand beside weights: numbers, dates, paths, settings, arrays.
import { isForbidden } from './forbidden-globals.js';
import {
  type Budget,
  Callable,
  type CallHost,
  ClassRef,
  ForbiddenGlobalError,
  Opaque,
  PickleError,
  Unfilled,
} from './unpickler.js';
import { InlineStorage, type TorchDtype, TorchTensorRef } from './values.js';

/** A NumPy type such as `<f4`: kind and bytes, and whether its numbers are little-endian. */
class NumpyDtype {
  readonly code: string;
  isLittleEndian = true;
  constructor(code: string) {
    this.code = code;
  }
}

/** A NumPy array before its state is set. */
class UnfilledArray extends Unfilled {}

const NUMPY_DTYPES: Readonly<Record<string, TorchDtype>> = {
  f4: 'float32',
  f8: 'float64',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u1: 'uint8',
  b1: 'bool',
};

/** Fields of an array's state: version, shape, type, whether columns come first, and bytes. */
const ARRAY_FIELDS = 5;
const BITS_OF_A_BYTE = 8;

/** The bytes of a value that Python's pickle protocols 0 to 2 store as text, one character for each byte. */
function bytesOf(value: unknown, budget: Budget): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') return undefined;
  budget.spend(value.length);
  return Buffer.from(value, 'latin1');
}

function numpyDtype([code]: readonly unknown[]): unknown {
  return typeof code === 'string' ? new NumpyDtype(code.replace(/^[<|=]/, '')) : new Opaque('numpy.dtype');
}

/** A NumPy number as a number; one that has no such form (a date, a complex number) as an opaque object. */
function numpyScalar([dtype, value]: readonly unknown[], { budget }: CallHost): unknown {
  const bytes = bytesOf(value, budget);
  if (!(dtype instanceof NumpyDtype) || bytes === undefined || !dtype.isLittleEndian)
    return new Opaque('numpy scalar');
  const [, kind, digits] = /^([a-zA-Z])(\d+)$/.exec(dtype.code) ?? [];
  if (Number(digits) !== bytes.byteLength) return new Opaque('numpy scalar');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = BITS_OF_A_BYTE * bytes.byteLength;
  switch (`${kind}${bits}`) {
    case 'f32':
      return view.getFloat32(0, true);
    case 'f64':
      return view.getFloat64(0, true);
    case 'i64':
      return smallOrBig(view.getBigInt64(0, true));
    case 'u64':
      return smallOrBig(view.getBigUint64(0, true));
    case 'i32':
      return view.getInt32(0, true);
    case 'u32':
      return view.getUint32(0, true);
    case 'i16':
      return view.getInt16(0, true);
    case 'u16':
      return view.getUint16(0, true);
    case 'i8':
      return view.getInt8(0);
    case 'u8':
      return view.getUint8(0);
    case 'b8':
      return view.getUint8(0) !== 0;
    default:
      return new Opaque('numpy scalar');
  }
}

function smallOrBig(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** An array as a tensor whose numbers are in the pickle; one of another type (texts, objects) as an opaque object. */
function arrayOf(
  shape: unknown,
  dtype: unknown,
  columnsFirst: unknown,
  data: unknown,
  budget: Budget,
): unknown {
  const bytes = bytesOf(data, budget);
  const type = dtype instanceof NumpyDtype && dtype.isLittleEndian ? NUMPY_DTYPES[dtype.code] : undefined;
  const isShape =
    Array.isArray(shape) && shape.every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  if (type === undefined || bytes === undefined || !isShape) return new Opaque('numpy.ndarray');
  const sizes = shape as number[];
  const storage = new InlineStorage(type, bytes);
  if (sizes.reduce((product, n) => product * n, 1) !== storage.elements)
    throw new PickleError(`an array of shape [${sizes}] with ${bytes.byteLength} bytes`);
  const before = (axis: number): number[] =>
    columnsFirst === true ? sizes.slice(0, axis) : sizes.slice(axis + 1);
  const strides = sizes.map((_, axis) => before(axis).reduce((product, n) => product * n, 1));
  return new TorchTensorRef(storage, 0, sizes, strides);
}

/** Sets the state of a NumPy type or array. @returns undefined for other objects. */
export function setNumpyState(object: unknown, state: unknown, { budget }: CallHost): unknown {
  if (object instanceof NumpyDtype) {
    // The second field is the byte order.
    if (Array.isArray(state) && state[1] === '>') object.isLittleEndian = false;
    return object;
  }
  if (!(object instanceof UnfilledArray)) return undefined;
  if (!Array.isArray(state) || state.length !== ARRAY_FIELDS || object.content !== undefined)
    throw new PickleError('an array of an unknown state');
  object.content = arrayOf(state[1], state[2], state[3], state[4], budget);
  return object.content;
}

/** A dictionary of pairs. Its entries are counted: a list that is named many times could otherwise take all memory. */
function dictionary([pairs]: readonly unknown[], { budget }: CallHost): Map<unknown, unknown> {
  if (pairs instanceof Map) return pairs;
  if (pairs === undefined) return new Map();
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw new PickleError('a dictionary made of something that is no list of pairs');
  budget.spend(pairs.length);
  return new Map(pairs as [unknown, unknown][]);
}

/** A list, set or tuple: the list that it is made of. */
function list([items]: readonly unknown[]): unknown {
  return items ?? [];
}

function encode([text, encoding]: readonly unknown[], { budget }: CallHost): unknown {
  if (typeof text !== 'string' || encoding !== 'latin1')
    throw new PickleError('bytes of an unknown encoding');
  return bytesOf(text, budget);
}

function first([value]: readonly unknown[]): unknown {
  return value ?? 0;
}

/** `copyreg._reconstructor(class, base, state)` and `copyreg.__newobj__(class, ...)`: an object without a state yet. */
function reconstruct([type]: readonly unknown[], host: CallHost): unknown {
  if (type instanceof Callable) return type.call([], host);
  return new Opaque(type instanceof ClassRef ? type.name : 'object');
}

/** A member of a class: some versions of Python 3.11 pickle those of enumerations like this. */
function member([type, attribute]: readonly unknown[]): ClassRef {
  // Only a text is shown: nested lists that are named many times would make a text of any length.
  const shown = typeof attribute === 'string' ? attribute.slice(0, 100) : 'something that is no name';
  const name = `${type instanceof ClassRef ? type.name : 'builtins.getattr'}.${shown}`;
  if (!(type instanceof ClassRef) || typeof attribute !== 'string' || isForbidden(name))
    throw new ForbiddenGlobalError(name);
  return new ClassRef(name);
}

const opaque = (name: string): Callable => new Callable(name, () => new Opaque(name));

/** Classes of Python whose objects are plain values. A name that ends in a dot means all that is below it. */
const PLAIN_CLASSES = [
  ...['argparse.Namespace', 'types.SimpleNamespace', 'collections.deque', 'collections.ChainMap'],
  ...['collections.UserDict', 'collections.UserList', 'collections.UserString', 'functools.partial'],
  ...[
    'datetime.',
    'pathlib.',
    'decimal.',
    'fractions.',
    'uuid.',
    'enum.',
    'ipaddress.',
    'numbers.',
    'typing.',
  ],
  ...['zoneinfo.', 'dataclasses.', 'time.struct_time', 'array.array', 'array._array_reconstructor'],
  ...['random.Random', 're._compile', 're.compile', 're.RegexFlag', 'string.Template', 'logging.Logger'],
  ...[
    'logging.getLogger',
    'io.BytesIO',
    'io.StringIO',
    '_io.BytesIO',
    '_io.StringIO',
    'abc.ABC',
    'abc.ABCMeta',
  ],
  ...['builtins.object', 'builtins.complex', 'builtins.slice', 'builtins.range', 'builtins.NotImplemented'],
  ...['builtins.Ellipsis', 'builtins.type'],
  // NumPy's generators of random numbers, and the names that its versions give to what makes them.
  ...['numpy.random._pickle.', 'numpy.random.bit_generator.', 'numpy.random.mtrand.', 'numpy.ma.core.'],
  ...['numpy.core.multiarray.', 'numpy.core.records.', 'numpy.core._internal.', 'numpy.dtypes.'],
];
const ERROR_CLASS = /^builtins\.\w+(Error|Exception|Warning|Exit|Interrupt|Iteration)$/;

const VALUES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['collections.OrderedDict', new Callable('OrderedDict', dictionary)],
  ['collections.Counter', new Callable('Counter', dictionary)],
  // Its argument makes missing values.
  ['collections.defaultdict', new Callable('defaultdict', () => new Map())],
  ['builtins.dict', new Callable('dict', dictionary)],
  ...['list', 'tuple', 'set', 'frozenset'].map((name): [string, unknown] => [
    `builtins.${name}`,
    new Callable(name, list),
  ]),
  ...['int', 'float', 'bool', 'str', 'bytes', 'bytearray'].map((name): [string, unknown] => [
    `builtins.${name}`,
    new Callable(name, first),
  ]),
  ['builtins.getattr', new Callable('getattr', member)],
  ['_codecs.encode', new Callable('encode', encode)],
  ['copyreg._reconstructor', new Callable('_reconstructor', reconstruct)],
  ['copyreg.__newobj__', new Callable('__newobj__', reconstruct)],
  ['copyreg.__newobj_ex__', new Callable('__newobj_ex__', reconstruct)],
  ['numpy.dtype', new Callable('numpy.dtype', numpyDtype)],
  ['numpy.core.multiarray.scalar', new Callable('scalar', numpyScalar)],
  ['numpy.core.multiarray._reconstruct', new Callable('_reconstruct', () => new UnfilledArray())],
  [
    'numpy.core.numeric._frombuffer',
    new Callable('_frombuffer', ([data, dtype, shape, order], { budget }) =>
      arrayOf(shape, dtype, order === 'F', data, budget),
    ),
  ],
]);

/** Names that modules had in Python 2 and in earlier or later versions of NumPy. */
function presentName(name: string): string {
  return name
    .replace(/^__builtin__\./, 'builtins.')
    .replace(/^copy_reg\./, 'copyreg.')
    .replace(/^numpy\._core\./, 'numpy.core.');
}

/** The plain value, or what makes one, that Python or NumPy has under a name; undefined for others. */
export function pythonGlobal(givenName: string): unknown {
  const name = presentName(givenName);
  const value = VALUES.get(name);
  if (value !== undefined) return value;
  const isPlain = PLAIN_CLASSES.some((known) =>
    known.endsWith('.') ? name.startsWith(known) : name === known,
  );
  return isPlain || ERROR_CLASS.test(name) ? opaque(name) : undefined;
}
