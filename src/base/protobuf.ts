// Encodes and decodes Protocol Buffers, as far as ONNX, TensorBoard and TensorFlow need them.

/**
 * An encoded field or message (https://protobuf.dev/programming-guides/encoding) as a list of chunks, so that large weights
 * are not copied each time a message goes into a larger one.
 */
export interface Encoded {
  /** Total length. */
  bytes: number;
  chunks: readonly Uint8Array[];
}

const WIRE = { varint: 0, bits64: 1, bytes: 2, bits32: 5 } as const;
/** The longest varint, one of 64 bits. */
const VARINT_BYTES = 10;

/** Appends a whole number of 64 bits, in two's complement if it is negative. */
function appendVarint(bytes: number[], value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number`);
  if (value < 0) {
    let all = BigInt.asUintN(64, BigInt(value));
    for (; all >= 0x80n; all >>= 7n) bytes.push(Number(all & 0x7fn) | 0x80);
    bytes.push(Number(all));
    return;
  }
  // Without BigInt, which is slow: a graph has hundreds of thousands of these.
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}

/** Encodes whole numbers one after another. */
function varints(values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) appendVarint(bytes, value);
  return Uint8Array.from(bytes);
}

const key = (field: number, wire: number): number => field * 8 + wire;

function encoded(chunks: readonly Uint8Array[]): Encoded {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.byteLength;
  return { chunks, bytes };
}

/** Encodes a field that holds a whole number: int32, int64 or enum. */
export function intField(field: number, value: number): Encoded {
  return encoded([varints([key(field, WIRE.varint), value])]);
}

/** Encodes a repeated field of whole numbers, packed. */
export function intsField(field: number, values: readonly number[]): Encoded {
  return bytesField(field, varints(values));
}

/** Encodes a field that holds a float. */
export function floatField(field: number, value: number): Encoded {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return encoded([varints([key(field, WIRE.bits32)]), bytes]);
}

function doublesOf(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return bytes;
}

/** Encodes a field that holds a double. */
export function doubleField(field: number, value: number): Encoded {
  return encoded([varints([key(field, WIRE.bits64)]), doublesOf([value])]);
}

/** Encodes a repeated field of doubles, packed. */
export function doublesField(field: number, values: readonly number[]): Encoded {
  return bytesField(field, doublesOf(values));
}

const utf8 = new TextEncoder();

/** Encodes a field that holds bytes or a string. */
export function bytesField(field: number, value: string | Uint8Array): Encoded {
  const bytes = typeof value === 'string' ? utf8.encode(value) : value;
  return encoded([varints([key(field, WIRE.bytes), bytes.byteLength]), bytes]);
}

/** Joins fields to a message. */
export function message(fields: readonly Encoded[]): Encoded {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (const field of fields) {
    for (const chunk of field.chunks) chunks.push(chunk);
    bytes += field.bytes;
  }
  return { chunks, bytes };
}

/** Encodes a field that holds a message. */
export function messageField(field: number, fields: readonly Encoded[]): Encoded {
  const inner = message(fields);
  return message([encoded([varints([key(field, WIRE.bytes), inner.bytes])]), inner]);
}

/** One field of a message: a number, or the bytes of a string, a message or packed numbers. */
export interface WireField {
  field: number;
  value: number | Uint8Array;
}

/** Reads the fields of a message one after another. */
class WireReader {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.byteLength;
  }

  varint(): number {
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES; i++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('a message that ends within a number');
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new RangeError('a number of more than 64 bits');
  }

  private take(length: number): Uint8Array {
    if (length < 0 || this.at + length > this.bytes.byteLength)
      throw new RangeError('a message that ends within a field');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  field(): WireField {
    const head = this.varint();
    const field = Math.floor(head / 8);
    switch (head % 8) {
      case WIRE.varint:
        return { field, value: this.varint() };
      case WIRE.bytes:
        return { field, value: this.take(this.varint()) };
      case WIRE.bits32: {
        this.take(4);
        return { field, value: this.view.getFloat32(this.at - 4, true) };
      }
      case WIRE.bits64: {
        this.take(8);
        return { field, value: this.view.getFloat64(this.at - 8, true) };
      }
      default:
        throw new RangeError(`a field of wire type ${head % 8}`);
    }
  }
}

/** Reads the fields of a message in order, 32 and 64 bits as floats. @throws RangeError if the message is damaged. */
export function readFields(bytes: Uint8Array): WireField[] {
  const reader = new WireReader(bytes);
  const fields: WireField[] = [];
  while (!reader.isAtEnd) fields.push(reader.field());
  return fields;
}

/** Reads packed varints, as proto3 writes repeated numbers. @throws RangeError if they are damaged. */
export function readPacked(bytes: Uint8Array): number[] {
  const reader = new WireReader(bytes);
  const values: number[] = [];
  while (!reader.isAtEnd) values.push(reader.varint());
  return values;
}

/** Chunks of at least this length are written on their own. */
const LARGE_BYTES = 64 * 1024;

/** The bytes of a message in few blocks: small chunks joined, large ones as they are. */
export function* blocksOf({ chunks }: Encoded): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (chunk.byteLength < LARGE_BYTES) {
      small.push(chunk);
      continue;
    }
    yield joined(small);
    small = [];
    yield chunk;
  }
  yield joined(small);
}

/** All bytes of a message. */
export function bytesOf({ chunks }: Encoded): Uint8Array {
  return joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(encoded(chunks).bytes);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.byteLength;
  }
  return out;
}
