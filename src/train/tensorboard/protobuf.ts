/** Protocol Buffers on the wire, as far as events need them: https://protobuf.dev/programming-guides/encoding. */

const WIRE = { varint: 0, bits64: 1, bytes: 2, bits32: 5 } as const;

function varint(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no count`);
  const bytes: number[] = [];
  let rest = value;
  // Arithmetic, not shifts: those would cut the number to 32 bits.
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const key = (field: number, wire: number): Buffer => varint(field * 8 + wire);

/** A field with a whole number from 0 on: int32, int64, enum. @throws RangeError for another number. */
export function intField(field: number, value: number): Buffer {
  return Buffer.concat([key(field, WIRE.varint), varint(value)]);
}

export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, WIRE.bits64), bytes]);
}

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, WIRE.bits32), bytes]);
}

/** A field with bytes, a text, or the fields of a message within the message. */
export function bytesField(field: number, value: string | Uint8Array | readonly Uint8Array[]): Buffer {
  const parts =
    typeof value === 'string' ? [Buffer.from(value)] : value instanceof Uint8Array ? [value] : value;
  const length = parts.reduce((total, part) => total + part.byteLength, 0);
  return Buffer.concat([key(field, WIRE.bytes), varint(length), ...parts]);
}

/** A repeated field of doubles, packed. */
export function doublesField(field: number, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, i * 8);
  return bytesField(field, bytes);
}
