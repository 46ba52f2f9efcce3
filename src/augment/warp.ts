/** An affine map of pixel positions, `[x', y'] = [[a, b], [d, e]] [x, y] + [c, f]`, as `[a, b, c, d, e, f]`. */
export type AffineMatrix = readonly [number, number, number, number, number, number];

/** A warp about the centre of a square picture. */
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

/** What lies beyond the border of a warped picture: zeros (grey, as pictures run from -1 to 1) or its edge, drawn out. */
export type Border = 'zeros' | 'edge';

/** The source pixels on both sides of a position along one axis, and their weights; -1 for none. */
interface Tap {
  low: number;
  high: number;
  fraction: number;
}

function tapAt(position: number, size: number, border: Border): Tap {
  if (border === 'edge') {
    const inside = Math.min(Math.max(position, 0), size - 1);
    const low = Math.min(Math.floor(inside), size - 2);
    return { low, high: low + 1, fraction: inside - low };
  }
  const low = Math.floor(position);
  const orNone = (index: number): number => (index >= 0 && index < size ? index : -1);
  return { low: orNone(low), high: orNone(low + 1), fraction: position - low };
}

/**
 * Warps a picture `[size, size, 3]` with bilinear sampling (kornia 0.9.0, `warp_affine`, whose border is `zeros`).
 *
 * @param matrix from source to warped pixels.
 */
export function warpAffine(
  image: Float32Array,
  size: number,
  matrix: AffineMatrix,
  border: Border = 'zeros',
): Float32Array {
  const [a, b, c, d, e, f] = invertAffine(matrix);
  const out = new Float32Array(image.length);
  const addPixel = (row: number, column: number, weight: number, to: number): void => {
    if (row < 0 || column < 0) return;
    const from = (row * size + column) * CHANNELS;
    for (let channel = 0; channel < CHANNELS; channel++)
      out[to + channel] = out[to + channel]! + weight * image[from + channel]!;
  };
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const x = tapAt(a * column + b * row + c, size, border);
      const y = tapAt(d * column + e * row + f, size, border);
      const to = (row * size + column) * CHANNELS;
      addPixel(y.low, x.low, (1 - y.fraction) * (1 - x.fraction), to);
      addPixel(y.low, x.high, (1 - y.fraction) * x.fraction, to);
      addPixel(y.high, x.low, y.fraction * (1 - x.fraction), to);
      addPixel(y.high, x.high, y.fraction * x.fraction, to);
    }
  return out;
}

/** A window of a resized picture. */
export interface ResizeWindow {
  /** Side of the whole resized picture, px. */
  resized: number;
  /** Upper left corner of the window, px. */
  left: number;
  top: number;
  /** Side of the window, px. */
  size: number;
  /** Mirrored left to right. */
  flip: boolean;
}

/** Source pixels and weight for each position along one axis (torch's bilinear interpolation, align_corners=False). */
function resizeTaps(from: number, to: number, start: number, count: number) {
  const low = new Int32Array(count);
  const fraction = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.max(0, ((start + i + 0.5) * from) / to - 0.5);
    low[i] = Math.min(Math.floor(position), from - 1);
    fraction[i] = position - low[i]!;
  }
  return { low, fraction };
}

/**
 * Resizes a picture `[size, size, 3]` bilinearly without antialiasing (torch's `interpolate`, `align_corners=False`),
 * computing only a window of the result, which is written to `out` from `offset`.
 */
export function resizeWindow(
  image: Float32Array,
  size: number,
  window: ResizeWindow,
  out: Float32Array,
  offset = 0,
): void {
  const horizontal = resizeTaps(size, window.resized, window.left, window.size);
  const vertical = resizeTaps(size, window.resized, window.top, window.size);
  for (let row = 0; row < window.size; row++) {
    const top = vertical.low[row]!;
    const bottom = Math.min(top + 1, size - 1);
    const v = vertical.fraction[row]!;
    for (let column = 0; column < window.size; column++) {
      const left = horizontal.low[column]!;
      const right = Math.min(left + 1, size - 1);
      const u = horizontal.fraction[column]!;
      const target = window.flip ? window.size - 1 - column : column;
      const to = offset + (row * window.size + target) * CHANNELS;
      for (let channel = 0; channel < CHANNELS; channel++) {
        const topLeft = image[(top * size + left) * CHANNELS + channel]!;
        const topRight = image[(top * size + right) * CHANNELS + channel]!;
        const bottomLeft = image[(bottom * size + left) * CHANNELS + channel]!;
        const bottomRight = image[(bottom * size + right) * CHANNELS + channel]!;
        const upper = topLeft + u * (topRight - topLeft);
        const lower = bottomLeft + u * (bottomRight - bottomLeft);
        out[to + channel] = upper + v * (lower - upper);
      }
    }
  }
}
