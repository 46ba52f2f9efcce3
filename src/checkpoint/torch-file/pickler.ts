// Writes Python values as a pickle that torch.load reads.
import { OrderedDict, PythonFloat, type PythonValue, TensorToPickle, Tuple } from './python-values.js';

const PROTOCOL = 2;
const MAX_INT32 = 2 ** 31 - 1;

/** Collects bytes without copying them at every addition. */
class Bytes {
  private readonly chunks: Uint8Array[] = [];
  add(...chunks: (string | Uint8Array)[]): void {
    for (const chunk of chunks)
      this.chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
  }
  all(): Uint8Array {
    return Buffer.concat(this.chunks);
  }
}

function text(value: string): Uint8Array {
  const utf8 = Buffer.from(value);
  const head = Buffer.alloc(5);
  head.write('X', 'latin1');
  head.writeUInt32LE(utf8.byteLength, 1);
  return Buffer.concat([head, utf8]);
}

function integer(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer; wrap it in PythonFloat`);
  if (Math.abs(value) <= MAX_INT32) {
    const out = Buffer.alloc(5);
    out.write('J', 'latin1');
    out.writeInt32LE(value, 1);
    return out;
  }
  const out = Buffer.alloc(10);
  out.write('\x8a\x08', 'latin1');
  out.writeBigInt64LE(BigInt(value), 2);
  return out;
}

function float(value: number): Uint8Array {
  const out = Buffer.alloc(9);
  out.write('G', 'latin1');
  out.writeDoubleBE(value, 1);
  return out;
}

const global = (module: string, name: string): string => `c${module}\n${name}\n`;

/** Writes values as a pickle that `torch.load` reads, with `weights_only=True` too. */
class Pickler {
  readonly out = new Bytes();
  readonly tensors: TensorToPickle[] = [];

  write(value: PythonValue): void {
    const { out } = this;
    if (value === null) out.add('N');
    else if (typeof value === 'boolean') out.add(value ? '\x88' : '\x89');
    else if (typeof value === 'number') out.add(integer(value));
    else if (typeof value === 'string') out.add(text(value));
    else if (value instanceof PythonFloat) out.add(float(value.value));
    else if (value instanceof TensorToPickle) this.tensor(value);
    else if (value instanceof Map) this.dictionary(value);
    else if (value instanceof Tuple) this.tuple(value.items);
    else {
      out.add('](');
      for (const item of value) this.write(item);
      out.add('e');
    }
  }

  private dictionary(value: ReadonlyMap<string | number, PythonValue>): void {
    const { out } = this;
    out.add(value instanceof OrderedDict ? `${global('collections', 'OrderedDict')})R` : '}', '(');
    for (const [key, item] of value) {
      this.write(key);
      this.write(item);
    }
    out.add('u');
  }

  private tuple(items: readonly PythonValue[]): void {
    this.out.add('(');
    for (const item of items) this.write(item);
    this.out.add('t');
  }

  /** Writes a tensor as torch/_utils.py does: `_rebuild_tensor_v2(storage, offset, size, stride, ...)`. */
  private tensor(tensor: TensorToPickle): void {
    const { shape } = tensor;
    const elements = shape.reduce((product, n) => product * n, 1);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
    this.out.add(global('torch._utils', '_rebuild_tensor_v2'), '((');
    this.out.add(text('storage'), global('torch', 'FloatStorage'), text(String(this.tensors.length)));
    this.out.add(text('cpu'), integer(elements), 'tQ', integer(0));
    this.tuple(shape);
    this.tuple(strides);
    this.out.add(`\x89${global('collections', 'OrderedDict')})RtR`); // no gradient, no hooks
    this.tensors.push(tensor);
  }
}

/** @returns the pickle, and the tensors whose numbers are the records data/0, data/1, ... */
export function pickle(value: PythonValue): { bytes: Uint8Array; tensors: TensorToPickle[] } {
  const pickler = new Pickler();
  pickler.out.add(`\x80${String.fromCharCode(PROTOCOL)}`);
  pickler.write(value);
  pickler.out.add('.');
  return { bytes: pickler.out.all(), tensors: pickler.tensors };
}
