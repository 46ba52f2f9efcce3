// The planes in which faces are found: edges, warmth and lightness.
/** A decoded image: `data` holds rows of RGB in [-1, 1], `height * width * 3` numbers. */
export interface FloatImage {
  data: Float32Array;
  width: number;
  height: number;
}

/** Number of planes: strength of edges, warmth (red minus blue) and lightness. */
export const PLANES = 3;

/** Side of the square of `facePlanes`: 64 points across the image, plus half an image on each side. */
export const CANVAS = 128;

/** Standard deviation of the first blur, in 64ths of the image: it evens out the sharpness of images. */
const BLUR_64THS = 1.5;

/**
 * The planes of a blurred image of any size, as `[CANVAS, CANVAS, PLANES]`. The image's border is extended outwards.
 */
export function facePlanes(image: FloatImage): Float32Array {
  const { width, height } = image;
  const channels = [0, 1, 2].map((channel) => blurred(image, channel));
  const [red, green, blue] = channels as [Float64Array, Float64Array, Float64Array];
  const planes = [
    edgesOf(channels, width, height),
    red.map((value, i) => value - blue[i]!),
    red.map((value, i) => value + green[i]! + blue[i]!),
  ];
  const out = new Float32Array(CANVAS * CANVAS * PLANES);
  const place = (i: number, length: number): number => ((i + 0.5) / 64 - 0.5) * length - 0.5;
  for (let y = 0; y < CANVAS; y++)
    for (let x = 0; x < CANVAS; x++)
      for (let plane = 0; plane < PLANES; plane++)
        out[(y * CANVAS + x) * PLANES + plane] = valueAt(
          planes[plane]!,
          width,
          height,
          place(x, width),
          place(y, height),
        );
  return out;
}

function blurred({ data, width, height }: FloatImage, channel: number): Float64Array {
  const plane = Float64Array.from({ length: width * height }, (_, i) => data[3 * i + channel]!);
  return blurredAlong(blurredAlong(plane, height, width, width, 1), width, 1, height, width);
}

/** Gaussian blur of `lines` lines, `lineStride` apart, of `length` pixels, `stride` apart. */
function blurredAlong(
  plane: Float64Array,
  lines: number,
  lineStride: number,
  length: number,
  stride: number,
): Float64Array {
  const sigma = (BLUR_64THS * length) / 64;
  const radius = Math.ceil(2.5 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-(((i - radius) / sigma) ** 2) / 2),
  );
  const sum = kernel.reduce((a, b) => a + b);
  const out = new Float64Array(plane.length);
  const padded = new Float64Array(length + 2 * radius);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < padded.length; i++) {
      const at = Math.min(length - 1, Math.max(0, i - radius));
      padded[i] = plane[line * lineStride + at * stride]!;
    }
    for (let i = 0; i < length; i++) {
      let value = 0;
      for (let k = 0; k < kernel.length; k++) value += kernel[k]! * padded[i + k]!;
      out[line * lineStride + i * stride] = value / sum;
    }
  }
  return out;
}

/** Gradient magnitude over all channels. */
function edgesOf(channels: readonly Float64Array[], width: number, height: number): Float64Array {
  const edges = new Float64Array(width * height);
  for (const values of channels)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = y * width;
        const dx = values[row + Math.min(x + 1, width - 1)]! - values[row + Math.max(x - 1, 0)]!;
        const dy = values[Math.min(y + 1, height - 1) * width + x]! - values[Math.max(y - 1, 0) * width + x]!;
        edges[row + x]! += dx * dx + dy * dy;
      }
  return edges.map(Math.sqrt);
}

/** A plane's value at a place in pixels, bilinear. */
function valueAt(plane: Float64Array, width: number, height: number, x: number, y: number): number {
  const left = Math.min(width - 2, Math.max(0, Math.floor(x)));
  const top = Math.min(height - 2, Math.max(0, Math.floor(y)));
  const right = Math.min(1, Math.max(0, x - left));
  const below = Math.min(1, Math.max(0, y - top));
  const at = top * width + left;
  const upper = plane[at]! + right * (plane[at + 1]! - plane[at]!);
  const lower = plane[at + width]! + right * (plane[at + width + 1]! - plane[at + width]!);
  return upper + below * (lower - upper);
}
