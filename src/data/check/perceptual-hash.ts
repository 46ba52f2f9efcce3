// Perceptual hashes of images, from the signs of their lowest DCT frequencies.
/** Side of the grey image that is hashed, px. */
export const HASH_IMAGE_PX = 32;
const FREQUENCIES = 8;

/** A 64-bit hash as two unsigned 32-bit integers. */
export interface Hash64 {
  high: number;
  low: number;
}

/** Rows of the DCT-II for the lowest frequencies: [8, 32]. */
const COSINES = Float64Array.from({ length: FREQUENCIES * HASH_IMAGE_PX }, (_, i) => {
  const frequency = Math.floor(i / HASH_IMAGE_PX);
  const at = i % HASH_IMAGE_PX;
  return Math.cos((Math.PI * frequency * (2 * at + 1)) / (2 * HASH_IMAGE_PX));
});

/** Returns the 8x8 lowest frequencies of a grey image, [vertical, horizontal]. */
function lowFrequencies(grey: Uint8Array): Float64Array {
  const size = HASH_IMAGE_PX;
  const rows = new Float64Array(size * FREQUENCIES); // [32, 8]
  for (let y = 0; y < size; y++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let x = 0; x < size; x++) sum += grey[y * size + x]! * COSINES[u * size + x]!;
      rows[y * FREQUENCIES + u] = sum;
    }
  }
  const out = new Float64Array(FREQUENCIES * FREQUENCIES); // [8, 8]
  for (let v = 0; v < FREQUENCIES; v++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let y = 0; y < size; y++) sum += rows[y * FREQUENCIES + u]! * COSINES[v * size + y]!;
      out[v * FREQUENCIES + u] = sum;
    }
  }
  return out;
}

/**
 * Computes the perceptual hash of a grey image (Zauner, "Implementation and benchmarking of perceptual image hash
 * functions", 2010): a bit for each of its 8x8 lowest DCT frequencies, set if that is above their median. Changes of size,
 * encoding, brightness and contrast flip few bits. The bit of the mean brightness is always 0.
 *
 * @param grey [32, 32], 8-bit.
 */
export function perceptualHash(grey: Uint8Array): Hash64 {
  const values = lowFrequencies(grey);
  const sorted = values.slice(1).sort();
  const median = sorted[Math.floor(sorted.length / 2)]!;
  let high = 0;
  let low = 0;
  for (let bit = 1; bit < values.length; bit++) {
    if (values[bit]! <= median) continue;
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return { high: high >>> 0, low: low >>> 0 };
}

/** Mirrors an image horizontally. @param grey [32, 32]. */
export function mirror(grey: Uint8Array): Uint8Array {
  const size = HASH_IMAGE_PX;
  return Uint8Array.from(grey, (_, i) => grey[i - (i % size) + size - 1 - (i % size)]!);
}

/** Counts the set bits of a 32-bit integer. */
export function countBits(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Counts the bits in which two hashes differ, 0 to 64. */
export function hammingDistance(a: Hash64, b: Hash64): number {
  return countBits(a.high ^ b.high) + countBits(a.low ^ b.low);
}
