// Image warps in plain loops, to compare with.
import type { Augmentation } from '../../src/augment/augment.js';
import { invertAffine } from '../../src/augment/warp.js';

/** The two pixels beside a position along an axis, and their weights. */
function neighbours(position: number, size: number, border: Augmentation['border']): [number, number][] {
  const isEdge = border === 'edge';
  const inside = isEdge ? Math.min(Math.max(position, 0), size - 1) : position;
  const low = isEdge ? Math.min(Math.floor(inside), size - 2) : Math.floor(inside);
  const fraction = inside - low;
  return [
    [low, 1 - fraction],
    [low + 1, fraction],
  ];
}

/** Warps an image `[size, size, 3]` pixel by pixel, by definition; sums are rounded to single precision. */
function plainWarp(image: Float32Array, size: number, { matrix, border }: Augmentation): Float32Array {
  if (matrix === undefined) return image;
  const [a, b, c, d, e, f] = invertAffine(matrix);
  const out = new Float32Array(image.length);
  const isInside = (index: number): boolean => index >= 0 && index < size;
  for (let to = 0; to < out.length; to++) {
    const channel = to % 3;
    const column = Math.floor(to / 3) % size;
    const row = Math.floor(to / 3 / size);
    for (const [y, weightY] of neighbours(d * column + e * row + f, size, border))
      for (const [x, weightX] of neighbours(a * column + b * row + c, size, border))
        if (isInside(x) && isInside(y)) out[to]! += weightY * weightX * image[(y * size + x) * 3 + channel]!;
  }
  return out;
}

/** Does the same as `applyAugmentation` without short cuts: warps the whole image, then enlarges a window of it. */
export function plainAugmentation(image: Float32Array, size: number, drawn: Augmentation): Float32Array {
  const warped = plainWarp(image, size, drawn);
  const { window } = drawn;
  const out = new Float32Array(window.size * window.size * 3);
  const along = (index: number, start: number): { low: number; high: number; fraction: number } => {
    const position = Math.max(0, ((start + index + 0.5) * size) / window.resized - 0.5);
    const low = Math.min(Math.floor(position), size - 1);
    return { low, high: Math.min(low + 1, size - 1), fraction: position - low };
  };
  for (let row = 0; row < window.size; row++)
    for (let column = 0; column < window.size; column++) {
      const y = along(row, window.top);
      const x = along(column, window.left);
      const target = window.flip ? window.size - 1 - column : column;
      for (let channel = 0; channel < 3; channel++) {
        const at = (line: number, place: number): number => warped[(line * size + place) * 3 + channel]!;
        const upper = at(y.low, x.low) + x.fraction * (at(y.low, x.high) - at(y.low, x.low));
        const lower = at(y.high, x.low) + x.fraction * (at(y.high, x.high) - at(y.high, x.low));
        out[(row * window.size + target) * 3 + channel] = upper + y.fraction * (lower - upper);
      }
    }
  return out;
}

/** Whether two lists of numbers have the same bits; 0 is not -0. */
export function hasSameBits(a: Float32Array | Int32Array, b: Float32Array | Int32Array): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
    Buffer.from(buffer, byteOffset, byteLength);
  return bytes(a).equals(bytes(b));
}
