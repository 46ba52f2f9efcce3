// Converts float16 and bfloat16 bit patterns to float32, and float32 to float16.

const EXPONENT_16 = 0x7c00;
const FRACTION_16 = 0x03ff;

let table: Float32Array | undefined;

/** All 65,536 float16 values as float32, indexed by bit pattern; computed at the first use. */
function float16Table(): Float32Array {
  if (table !== undefined) return table;
  table = new Float32Array(0x10000);
  for (let bits = 0; bits < 0x10000; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits & EXPONENT_16) >> 10;
    const fraction = bits & FRACTION_16;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else table[bits] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return table;
}

/** Converts IEEE 754 float16 bit patterns to float32 exactly, into `out` of the same length. */
export function float16ToFloat32(bits: Uint16Array, out: Float32Array): void {
  const values = float16Table();
  for (let i = 0; i < bits.length; i++) out[i] = values[bits[i]!]!;
}

/** Converts bfloat16 bit patterns (the upper half of a float32) to float32 exactly, into `out` of the same length. */
export function bfloat16ToFloat32(bits: Uint16Array, out: Float32Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
}

/** Shifts right and rounds to the nearest, ties to even. */
function shiftRounded(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/**
 * Converts float32 to IEEE 754 float16 bit patterns, rounding to the nearest (ties to even), into `out` of the same
 * length. Overflow beyond 65,504 gives infinity and underflow below 2^-25 gives zero, as in PyTorch and NumPy.
 */
export function float32ToFloat16(values: Float32Array, out: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const exponent = ((word >>> 23) & 0xff) - 112; // float16's exponent, biased by 15
    const fraction = word & 0x7fffff;
    if (exponent === 143) out[i] = sign | EXPONENT_16 | (fraction === 0 ? 0 : 0x200);
    else if (exponent >= 31) out[i] = sign | EXPONENT_16;
    // A carry out of the fraction goes to the next exponent, and from the largest one to infinity, as it should.
    else if (exponent > 0) out[i] = sign | shiftRounded((exponent << 23) | fraction, 13);
    else if (exponent >= -10) out[i] = sign | shiftRounded(0x800000 | fraction, 14 - exponent);
    else out[i] = sign;
  }
}
