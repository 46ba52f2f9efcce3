// Affine warps and resized crops of images on the host, to the bits of one definition (kornia 0.9.0, torch).

/** An affine map of pixel positions, `[x', y'] = [[a, b], [d, e]] [x, y] + [c, f]`, as `[a, b, c, d, e, f]`. */
export type AffineMatrix = readonly [number, number, number, number, number, number];

/** A warp about the centre of a square image. */
export interface AffineParameters {
  rotationDegrees: number;
  scale: number;
  /** Shift, px. */
  translation: readonly [number, number];
  shearDegrees: readonly [number, number];
}

const CHANNELS = 3;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/**
 * The map from source to warped pixels: shear, then rotation and scale about the centre `(size - 1) / 2`, then shift
 * (kornia 0.9.0, get_affine_matrix2d).
 */
export function affineMatrix(parameters: AffineParameters, size: number): AffineMatrix {
  const { rotationDegrees, scale, translation, shearDegrees } = parameters;
  const centre = (size - 1) / 2;
  const cos = scale * Math.cos(radians(rotationDegrees));
  const sin = scale * Math.sin(radians(rotationDegrees));
  const shiftX = centre - cos * centre + sin * centre + translation[0];
  const shiftY = centre - sin * centre - cos * centre + translation[1];
  const shearX = Math.tan(radians(shearDegrees[0]));
  const shearY = Math.tan(radians(shearDegrees[1]));
  const s01 = -shearX;
  const s02 = shearX * centre;
  const s10 = -shearY;
  const s11 = 1 + shearX * shearY;
  const s12 = shearY * (centre - shearX * centre);
  return [
    cos - sin * s10,
    cos * s01 - sin * s11,
    cos * s02 - sin * s12 + shiftX,
    sin + cos * s10,
    sin * s01 + cos * s11,
    sin * s02 + cos * s12 + shiftY,
  ];
}

/** The inverse of an affine map. @throws RangeError for a map that flattens the plane. */
export function invertAffine([a, b, c, d, e, f]: AffineMatrix): AffineMatrix {
  const determinant = a * e - b * d;
  if (Math.abs(determinant) < 1e-12) throw new RangeError('the affine map cannot be inverted');
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)];
}

/** The affine map `p -> outer(inner(p))`. */
export function composeAffine(outer: AffineMatrix, inner: AffineMatrix): AffineMatrix {
  const [a, b, c, d, e, f] = outer;
  const [g, h, i, j, k, l] = inner;
  return [a * g + b * j, a * h + b * k, a * i + b * l + c, d * g + e * j, d * h + e * k, d * i + e * l + f];
}

/** The fill of a warp beyond the border of an image: zeros (grey, since images run from -1 to 1), or the edge repeated. */
export type Border = 'zeros' | 'edge';

/**
 * Writes one pixel near the border or beyond it: neighbours outside the image add nothing. Sums are rounded to single
 * precision after every neighbour, as in `warpRow`.
 */
function warpBorderPixel(
  image: Float32Array,
  size: number,
  left: number,
  top: number,
  u: number,
  v: number,
  out: Float32Array,
  to: number,
): void {
  out.fill(0, to, to + CHANNELS);
  for (let down = 0; down < 2; down++)
    for (let right = 0; right < 2; right++) {
      const row = top + down;
      const column = left + right;
      if (row < 0 || row >= size || column < 0 || column >= size) continue;
      const weight = (down === 0 ? 1 - v : v) * (right === 0 ? 1 - u : u);
      const from = (row * size + column) * CHANNELS;
      for (let channel = 0; channel < CHANNELS; channel++)
        out[to + channel] = out[to + channel]! + weight * image[from + channel]!;
    }
}

/**
 * Writes pixels `from` to `to - 1` of a row of the warped image to their places in a row that begins at `start` in `out`.
 *
 * @param inverse from warped to source pixels.
 */
function warpRow(
  image: Float32Array,
  size: number,
  [a, b, c, d, e, f]: AffineMatrix,
  border: Border,
  row: number,
  from: number,
  to: number,
  out: Float32Array,
  start: number,
): void {
  const { fround } = Math;
  const last = size - 1;
  const isEdge = border === 'edge';
  const rowX = b * row;
  const rowY = e * row;
  for (let column = from; column < to; column++) {
    let x = a * column + rowX + c;
    let y = d * column + rowY + f;
    if (isEdge) {
      x = Math.min(Math.max(x, 0), last);
      y = Math.min(Math.max(y, 0), last);
    }
    let left = Math.floor(x);
    let top = Math.floor(y);
    if (isEdge) {
      left = Math.min(left, last - 1);
      top = Math.min(top, last - 1);
    }
    const u = x - left;
    const v = y - top;
    const at = start + column * CHANNELS;
    if (left >= 0 && top >= 0 && left < last && top < last) {
      const p = ((top | 0) * size + (left | 0)) * CHANNELS;
      const q = p + size * CHANNELS;
      const topLeft = (1 - v) * (1 - u);
      const topRight = (1 - v) * u;
      const bottomLeft = v * (1 - u);
      const bottomRight = v * u;
      for (let i = 0; i < CHANNELS; i++) {
        // The sum starts from zero, which turns a first -0 into 0.
        let sum = fround(0 + topLeft * image[p + i]!);
        sum = fround(sum + topRight * image[p + CHANNELS + i]!);
        sum = fround(sum + bottomLeft * image[q + i]!);
        out[at + i] = sum + bottomRight * image[q + CHANNELS + i]!;
      }
    } else warpBorderPixel(image, size, left, top, u, v, out, at);
  }
}

/**
 * Warps an image `[size, size, 3]` with bilinear sampling (kornia 0.9.0, `warp_affine`, whose border is `zeros`).
 *
 * @param matrix from source to warped pixels.
 */
export function warpAffine(
  image: Float32Array,
  size: number,
  matrix: AffineMatrix,
  border: Border = 'zeros',
): Float32Array {
  const inverse = invertAffine(matrix);
  const out = new Float32Array(image.length);
  for (let row = 0; row < size; row++)
    warpRow(image, size, inverse, border, row, 0, size, out, row * size * CHANNELS);
  return out;
}

/** A window of a resized image. */
export interface ResizeWindow {
  /** Side of the whole resized image, px. */
  resized: number;
  /** Upper left corner of the window, px. */
  left: number;
  top: number;
  /** Side of the window, px. */
  size: number;
  /** Mirrored left to right. */
  flip: boolean;
}

/** The source pixels on both sides of each position along one axis, and the weight of the second. */
interface ResizeTaps {
  low: Int32Array;
  high: Int32Array;
  fraction: Float64Array;
}

/** Taps along one axis (torch's bilinear interpolation, align_corners=False). */
function resizeTaps(from: number, to: number, start: number, count: number): ResizeTaps {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const fraction = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.max(0, ((start + i + 0.5) * from) / to - 0.5);
    low[i] = Math.min(Math.floor(position), from - 1);
    high[i] = Math.min(low[i]! + 1, from - 1);
    fraction[i] = position - low[i]!;
  }
  return { low, high, fraction };
}

/** Blends two source rows, at `top` and `bottom` in `image`, into a row of the window, at `to` in `out`. */
function resizeRow(
  image: Float32Array,
  top: number,
  bottom: number,
  { low, high, fraction }: ResizeTaps,
  v: number,
  out: Float32Array,
  to: number,
  flip: boolean,
): void {
  const count = fraction.length;
  const step = flip ? -CHANNELS : CHANNELS;
  let at = flip ? to + (count - 1) * CHANNELS : to;
  for (let column = 0; column < count; column++) {
    const left = low[column]! * CHANNELS;
    const right = high[column]! * CHANNELS;
    const u = fraction[column]!;
    // One channel after the other: a loop over three costs a quarter more.
    let above = image[top + left]!;
    let below = image[bottom + left]!;
    above += u * (image[top + right]! - above);
    below += u * (image[bottom + right]! - below);
    out[at] = above + v * (below - above);
    above = image[top + left + 1]!;
    below = image[bottom + left + 1]!;
    above += u * (image[top + right + 1]! - above);
    below += u * (image[bottom + right + 1]! - below);
    out[at + 1] = above + v * (below - above);
    above = image[top + left + 2]!;
    below = image[bottom + left + 2]!;
    above += u * (image[top + right + 2]! - above);
    below += u * (image[bottom + right + 2]! - below);
    out[at + 2] = above + v * (below - above);
    at += step;
  }
}

/**
 * Warps an image `[size, size, 3]` as `warpAffine` does, if there is a matrix; then resizes it bilinearly without
 * antialiasing (torch's `interpolate`, `align_corners=False`), and writes a window of the result to `out` from `offset`.
 * Computes only those pixels of the warped image that the window shows, row by row.
 *
 * @param warp.matrix from source to warped pixels.
 * @throws RangeError for a matrix that flattens the plane.
 */
export function warpResized(
  image: Float32Array,
  size: number,
  warp: { matrix?: AffineMatrix; border: Border },
  window: ResizeWindow,
  out: Float32Array,
  offset = 0,
): void {
  const horizontal = resizeTaps(size, window.resized, window.left, window.size);
  const vertical = resizeTaps(size, window.resized, window.top, window.size);
  const inverse = warp.matrix && invertAffine(warp.matrix);
  const from = horizontal.low[0]!;
  const to = horizontal.high[window.size - 1]! + 1;
  const length = size * CHANNELS;
  // Holds two consecutive rows of the warped image: the even one in its first half, the odd one in its second.
  const rows = inverse ? new Float32Array(2 * length) : image;
  const held = [-1, -1];
  const startOf = (row: number): number => {
    if (inverse === undefined) return row * length;
    const half = row % 2;
    if (held[half] !== row) warpRow(image, size, inverse, warp.border, row, from, to, rows, half * length);
    held[half] = row;
    return half * length;
  };
  for (let row = 0; row < window.size; row++) {
    const top = startOf(vertical.low[row]!);
    const bottom = startOf(vertical.high[row]!);
    const at = offset + row * window.size * CHANNELS;
    resizeRow(rows, top, bottom, horizontal, vertical.fraction[row]!, out, at, window.flip);
  }
}
