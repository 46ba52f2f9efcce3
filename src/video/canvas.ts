// Composes mosaics: an original amid eight styles.
/** Cells in each row and column of the mosaic. */
export const MOSAIC_CELLS = 3;
/** Styles around the original, which is in the middle. */
export const MOSAIC_STYLES = MOSAIC_CELLS * MOSAIC_CELLS - 1;
const MIDDLE = MOSAIC_STYLES / 2;

/** Copies frames `[n, size, size, 3]` into one cell of mosaics `[n, 3 size, 3 size, 3]`. */
function place(canvas: Uint8Array, frames: Uint8Array, size: number, cell: number): void {
  const rowBytes = size * 3;
  const canvasRowBytes = rowBytes * MOSAIC_CELLS;
  const top = Math.floor(cell / MOSAIC_CELLS) * size;
  const left = (cell % MOSAIC_CELLS) * rowBytes;
  for (let row = 0; row * rowBytes < frames.length; row++) {
    const [frame, y] = [Math.floor(row / size), row % size];
    const at = (frame * size * MOSAIC_CELLS + top + y) * canvasRowBytes + left;
    canvas.set(frames.subarray(row * rowBytes, (row + 1) * rowBytes), at);
  }
}

/**
 * Composes mosaics of 3 x 3 cells: the originals in the middle, eight styles around them in reading order.
 * @param originals frames `[n, size, size, 3]`.
 * @param styled eight times such frames.
 * @returns `[n, 3 size, 3 size, 3]`.
 */
export function composeMosaic(
  originals: Uint8Array,
  styled: readonly Uint8Array[],
  size: number,
): Uint8Array<ArrayBuffer> {
  const canvas = new Uint8Array(originals.length * MOSAIC_CELLS * MOSAIC_CELLS);
  place(canvas, originals, size, MIDDLE);
  for (const [i, frames] of styled.entries()) place(canvas, frames, size, i < MIDDLE ? i : i + 1);
  return canvas;
}
