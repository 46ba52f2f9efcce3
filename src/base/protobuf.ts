/**
 * Protocol Buffers on the wire, as far as ONNX and TensorBoard files need them: https://protobuf.dev/programming-guides/encoding. A
 * message is kept as the pieces that it is written from, so that large weights are never copied into larger and larger buffers.
 */
export interface Pieces {
  bytes: number;
  parts: readonly Uint8Array[];
}

const WIRE = { varint: 0, bits64: 1, bytes: 2, bits32: 5 } as const;
/** A varint of 64 bits. */
const VARINT_BYTES = 10;

/** A whole number as 64 bits, two's complement where it is negative. */
function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number`);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

const key = (field: number, wire: number): Uint8Array => varint(field * 8 + wire);

function piecesOf(parts: readonly Uint8Array[]): Pieces {
  return { parts, bytes: parts.reduce((total, part) => total + part.byteLength, 0) };
}

/** A field with a whole number: int32, int64, enum. */
export function intField(field: number, value: number): Pieces {
  return piecesOf([key(field, WIRE.varint), varint(value)]);
}

export function floatField(field: number, value: number): Pieces {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return piecesOf([key(field, WIRE.bits32), bytes]);
}

function doublesOf(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return bytes;
}

export function doubleField(field: number, value: number): Pieces {
  return piecesOf([key(field, WIRE.bits64), doublesOf([value])]);
}

/** A repeated field of doubles, packed. */
export function doublesField(field: number, values: readonly number[]): Pieces {
  return bytesField(field, doublesOf(values));
}

/** A field with bytes, or with a text. */
export function bytesField(field: number, value: string | Uint8Array): Pieces {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return piecesOf([key(field, WIRE.bytes), varint(bytes.byteLength), bytes]);
}

/** Fields one after another: a message. */
export function message(fields: readonly Pieces[]): Pieces {
  return {
    parts: fields.flatMap(({ parts }) => parts),
    bytes: fields.reduce((total, { bytes }) => total + bytes, 0),
  };
}

/** A field with a message in it. */
export function messageField(field: number, fields: readonly Pieces[]): Pieces {
  const inner = message(fields);
  const head = [key(field, WIRE.bytes), varint(inner.bytes)];
  return { parts: [...head, ...inner.parts], bytes: piecesOf(head).bytes + inner.bytes };
}

/** One field as it stands in a message: a number, or the bytes of a text, a message or packed numbers. */
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

/** The fields of a message in their order; 32 and 64 bits are taken for floats. @throws RangeError where it is damaged. */
export function readFields(bytes: Uint8Array): WireField[] {
  const reader = new WireReader(bytes);
  const fields: WireField[] = [];
  while (!reader.isAtEnd) fields.push(reader.field());
  return fields;
}

/** Varints without keys between them, as proto3 packs repeated numbers. */
export function readPacked(bytes: Uint8Array): number[] {
  const reader = new WireReader(bytes);
  const values: number[] = [];
  while (!reader.isAtEnd) values.push(reader.varint());
  return values;
}

/** Pieces that are as long as this are written on their own. */
const LARGE_BYTES = 64 * 1024;

/** The bytes of a message in few blocks: its small pieces joined, its large ones as they are. */
export function* blocksOf({ parts }: Pieces): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  for (const part of parts) {
    if (part.byteLength < LARGE_BYTES) {
      small.push(part);
      continue;
    }
    yield joined(small);
    small = [];
    yield part;
  }
  yield joined(small);
}

/** All bytes of a message. */
export function bytesOf({ parts }: Pieces): Uint8Array {
  return joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(piecesOf(parts).bytes);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}
