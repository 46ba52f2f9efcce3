// Bilinear sampling by plain sums.

/** A pixel index mirrored at the first and the last pixel as often as needed. */
export function mirroredIndex(index: number, size: number): number {
  let at = index;
  while (at < 0 || at >= size) at = at < 0 ? -at : 2 * (size - 1) - at;
  return at;
}

/** The value of a channel of an image `[size, size, 3]` at a position between pixels; the image goes on mirrored. */
export function sampled(
  image: ArrayLike<number>,
  size: number,
  [x, y]: readonly [number, number],
  channel: number,
): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const value = (down: number, right: number): number => {
    const row = mirroredIndex(top + down, size);
    const column = mirroredIndex(left + right, size);
    return image[(row * size + column) * 3 + channel]!;
  };
  const along = (down: number): number => {
    const first = value(down, 0);
    return first + (x - left) * (value(down, 1) - first);
  };
  return along(0) + (y - top) * (along(1) - along(0));
}
