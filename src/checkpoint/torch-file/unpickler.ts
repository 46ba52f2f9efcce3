// Reads Python pickles as plain values, without running anything.
/** The pickle asks for something forbidden or meaningless; the message says what was found. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
}

/** The pickle asks for a class or function that is not on the allow-list. */
export class ForbiddenGlobalError extends PickleError {}

/** The bytes end before the pickle does. */
export class TruncatedPickleError extends PickleError {}

/** Bounds what functions copy: each part of a pickle may be named many times, but is meant to be used once. */
export class Budget {
  private left: number;

  constructor(amount: number) {
    this.left = amount;
  }

  /** @throws PickleError if more is spent than the pickle has bytes. */
  spend(amount: number): void {
    this.left -= amount;
    if (this.left < 0) throw new PickleError('a pickle that repeats its parts without limit');
  }
}

/** What a function on the allow-list may use. */
export interface CallHost {
  budget: Budget;
}

/** A function on the allow-list: it builds a plain value. Nothing in the file is ever run. */
export class Callable {
  readonly name: string;
  readonly call: (args: readonly unknown[], host: CallHost) => unknown;
  constructor(name: string, call: (args: readonly unknown[], host: CallHost) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** The name of a class or function that has no meaning here. */
export class ClassRef {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** An object that has no meaning here: the name of its class, and what the pickle puts into it. */
export class Opaque {
  readonly name: string;
  /** Its attributes, or whatever else the pickle sets as its state. */
  state: unknown;
  /** Its entries if it is a kind of dictionary. */
  items: Map<unknown, unknown> | undefined;
  constructor(name: string) {
    this.name = name;
  }
}

/** An object that was created empty; its state, which comes later, fills it. */
export class Unfilled {
  content: unknown;
}

export interface PickleHost extends CallHost {
  /** The value for `module.name`. @throws ForbiddenGlobalError if it could run a program. */
  global(name: string): unknown;
  /** The result of a call of a class or function without a meaning here. @throws ForbiddenGlobalError */
  callUnknown(name: string): unknown;
  /** The value for a persistent id. @throws PickleError */
  persistent(id: unknown): unknown;
  /** The object that replaces `object` when its state is set. @throws PickleError if it can have no state. */
  setState(object: unknown, state: unknown): unknown;
}

const MAX_STACK = 1_000_000;
/** torch's magic number needs 10. */
const MAX_INTEGER_BYTES = 16;
const MAX_NAME_BYTES = 1000;
const MAX_PROTOCOL = 5;
const MARK = Symbol('mark');

class Machine {
  readonly host: PickleHost;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly stack: unknown[] = [];
  readonly memo = new Map<number, unknown>();
  position: number;
  done = false;

  constructor(bytes: Uint8Array, position: number, host: PickleHost) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.host = host;
  }

  /** Skips `length` bytes and returns their position. */
  take(length: number): number {
    const at = this.position;
    if (!(length >= 0) || at + length > this.bytes.byteLength)
      throw new TruncatedPickleError('a pickle that ends too early');
    this.position += length;
    return at;
  }

  text(length: number): string {
    const at = this.take(length);
    return Buffer.from(this.bytes.subarray(at, at + length)).toString('utf8');
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new TruncatedPickleError('a pickle that ends too early');
    if (end - this.position > MAX_NAME_BYTES) throw new PickleError('a pickle with a name that is too long');
    const line = this.text(end - this.position);
    this.take(1);
    return line;
  }

  push(value: unknown): void {
    if (this.stack.length >= MAX_STACK) throw new PickleError('a pickle that nests too deep');
    this.stack.push(value);
  }

  pop(): unknown {
    const value = this.stack.pop();
    if (value === MARK || value === undefined) throw new PickleError('a pickle that takes what is not there');
    return value;
  }

  top(): unknown {
    const value = this.stack.at(-1);
    if (value === MARK || value === undefined) throw new PickleError('a pickle that takes what is not there');
    return value;
  }

  popMarked(): unknown[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) throw new PickleError('a pickle that takes what is not there');
    const values = this.stack.splice(at);
    values.shift();
    return values;
  }

  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) throw new PickleError(`an integer of ${length} bytes`);
    const at = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = value * 256n + BigInt(this.bytes[at + i]!);
    if (length > 0 && this.bytes[at + length - 1]! >= 128) value -= 1n << BigInt(8 * length);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  length64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  recall(index: number): void {
    if (!this.memo.has(index)) throw new PickleError('a pickle that refers to what is not there');
    const value = this.memo.get(index);
    this.push(value instanceof Unfilled ? (value.content ?? value) : value);
  }

  setItems(pairs: readonly unknown[]): void {
    let dict = this.top();
    if (dict instanceof Opaque) dict = dict.items ??= new Map();
    if (!(dict instanceof Map) || pairs.length % 2 !== 0)
      throw new PickleError('a pickle that fills something that is no dictionary');
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    // A kind of list; nothing here needs its items.
    if (list instanceof Opaque) return;
    if (!Array.isArray(list)) throw new PickleError('a pickle that fills something that is no list');
    for (const item of items) list.push(item);
  }

  /** A call of a function, whose effect is unknown if its name is. */
  call(): void {
    const args = this.pop();
    const callable = this.pop();
    if (callable instanceof ClassRef && Array.isArray(args)) this.push(this.host.callUnknown(callable.name));
    else this.push(this.made(callable, args));
  }

  /** A new object of a class; unlike a call, this runs nothing but the class's `__new__`. */
  create(): void {
    const args = this.pop();
    const type = this.pop();
    this.push(type instanceof ClassRef ? new Opaque(type.name) : this.made(type, args));
  }

  private made(callable: unknown, args: unknown): unknown {
    if (!(callable instanceof Callable) || !Array.isArray(args))
      throw new PickleError('a pickle that calls something that is no function');
    return callable.call(args, this.host);
  }

  /** Sets an object's state. Attributes of torch's ordered dictionaries (`_metadata`) are ignored. */
  build(): void {
    const state = this.pop();
    const object = this.pop();
    if (object instanceof Opaque) object.state = state;
    this.push(object instanceof Map || object instanceof Opaque ? object : this.host.setState(object, state));
  }

  /** Python 2's way to make an object. */
  instance(): void {
    const name = `${this.line()}.${this.line()}`;
    const type = this.host.global(name);
    this.popMarked();
    if (!(type instanceof ClassRef)) throw new ForbiddenGlobalError(name);
    this.push(new Opaque(type.name));
  }

  bytesOf(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** A line as a number: protocols 0 and 1 write numbers as text. */
  number(): number | boolean {
    const line = this.line();
    if (line === '00' || line === '01') return line === '01';
    const value = Number(line.replace(/L$/, ''));
    if (line.trim() === '' || Number.isNaN(value))
      throw new PickleError('a pickle with a number that is none');
    return value;
  }
}

type Operation = (m: Machine) => void;

/** Operations by byte (CPython's pickletools.py describes each). Others are rejected. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  '\x80': (m) => {
    const protocol = m.bytes[m.take(1)]!;
    if (protocol > MAX_PROTOCOL) throw new PickleError(`a pickle of protocol ${protocol}`);
  },
  '\x95': (m) => void m.take(8), // FRAME
  '.': (m) => {
    m.done = true;
  },
  '(': (m) => m.push(MARK),
  '0': (m) => void m.pop(),
  '1': (m) => void m.popMarked(),
  // None
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  // numbers
  K: (m) => m.push(m.bytes[m.take(1)]),
  M: (m) => m.push(m.view.getUint16(m.take(2), true)),
  J: (m) => m.push(m.view.getInt32(m.take(4), true)),
  G: (m) => m.push(m.view.getFloat64(m.take(8), false)),
  '\x8a': (m) => m.push(m.integer(m.bytes[m.take(1)]!)),
  '\x8b': (m) => m.push(m.integer(m.view.getUint32(m.take(4), true))),
  I: (m) => m.push(m.number()),
  L: (m) => m.push(m.number()),
  F: (m) => m.push(m.number()),
  // texts
  X: (m) => m.push(m.text(m.view.getUint32(m.take(4), true))),
  '\x8c': (m) => m.push(m.text(m.bytes[m.take(1)]!)),
  '\x8d': (m) => m.push(m.text(m.length64())),
  U: (m) => m.push(m.text(m.bytes[m.take(1)]!)),
  T: (m) => m.push(m.text(m.view.getUint32(m.take(4), true))),
  V: (m) => m.push(m.line()),
  S: (m) => m.push(m.line().replace(/^(['"])(.*)\1$/, '$2')),
  // bytes
  B: (m) => m.push(m.bytesOf(m.view.getUint32(m.take(4), true))),
  C: (m) => m.push(m.bytesOf(m.bytes[m.take(1)]!)),
  '\x8e': (m) => m.push(m.bytesOf(m.length64())),
  '\x96': (m) => m.push(m.bytesOf(m.length64())),
  // containers
  '}': (m) => m.push(new Map()),
  ']': (m) => m.push([]),
  ')': (m) => m.push([]),
  t: (m) => m.push(m.popMarked()),
  '\x85': (m) => m.push([m.pop()]),
  '\x86': (m) => m.push([m.pop(), m.pop()].reverse()),
  '\x87': (m) => m.push([m.pop(), m.pop(), m.pop()].reverse()),
  l: (m) => m.push(m.popMarked()),
  d: (m) => {
    const pairs = m.popMarked();
    m.push(new Map());
    m.setItems(pairs);
  },
  s: (m) => m.setItems([m.pop(), m.pop()].reverse()),
  u: (m) => m.setItems(m.popMarked()),
  a: (m) => m.append([m.pop()]),
  e: (m) => m.append(m.popMarked()),
  '\x8f': (m) => m.push([]), // a set
  '\x90': (m) => m.append(m.popMarked()),
  '\x91': (m) => m.push(m.popMarked()),
  // memo
  q: (m) => void m.memo.set(m.bytes[m.take(1)]!, m.top()),
  r: (m) => void m.memo.set(m.view.getUint32(m.take(4), true), m.top()),
  '\x94': (m) => void m.memo.set(m.memo.size, m.top()),
  h: (m) => m.recall(m.bytes[m.take(1)]!),
  j: (m) => m.recall(m.view.getUint32(m.take(4), true)),
  p: (m) => void m.memo.set(Number(m.number()), m.top()),
  g: (m) => m.recall(Number(m.number())),
  // names and calls
  c: (m) => m.push(m.host.global(`${m.line()}.${m.line()}`)),
  '\x93': (m) => {
    const [name, module] = [m.pop(), m.pop()];
    // Not converted to text: nested lists could take any amount of memory.
    if (typeof name !== 'string' || typeof module !== 'string')
      throw new PickleError('a pickle with a name that is no text');
    m.push(m.host.global(`${module}.${name}`));
  },
  R: (m) => m.call(),
  '\x81': (m) => m.create(), // NEWOBJ
  '\x92': (m) => {
    m.pop(); // keyword arguments
    m.create();
  },
  b: (m) => m.build(),
  Q: (m) => m.push(m.host.persistent(m.pop())),
  i: (m) => m.instance(),
};

/**
 * Reads one pickle as plain values, without running anything: dictionaries become maps, tuples and lists arrays, long
 * integers bigints, objects without a meaning here `Opaque`. The host decides on names of classes and functions. The
 * pickle's own length bounds the memory.
 *
 * @returns the value, and the position of the pickle's end.
 * @throws PickleError
 */
export function unpickle(
  bytes: Uint8Array,
  position: number,
  host: PickleHost,
): { value: unknown; end: number } {
  const machine = new Machine(bytes, position, host);
  while (!machine.done) {
    const code = bytes[machine.take(1)]!;
    const operation = OPERATIONS[String.fromCharCode(code)];
    if (operation === undefined)
      throw new PickleError(
        `a pickle with an instruction that checkpoints do not need (0x${code.toString(16).padStart(2, '0')})`,
      );
    operation(machine);
  }
  const value = machine.pop();
  return { value, end: machine.position };
}
