// Decoded images, and their conversion to and from the range of the networks; needs nothing of Node.

/** An 8-bit sRGB image, row-major [height, width, 3]. */
export interface DecodedImage {
  /** `height * width * 3` bytes: red, green and blue, row by row. */
  data: Uint8Array;
  /** Pixels in a row. */
  width: number;
  /** Rows. */
  height: number;
}

/** Converts an 8-bit image to the range of the networks: 0..255 becomes -1..1, [height, width, 3] float32. */
export function toFloat(image: { data: Uint8Array }): Float32Array {
  const out = new Float32Array(image.data.length);
  for (let i = 0; i < out.length; i++) out[i] = image.data[i]! / 127.5 - 1;
  return out;
}

/** Converts the range of the networks to an 8-bit image: -1..1 becomes 0..255, rounded to nearest and clamped. */
export function fromFloat(data: Float32Array, width: number, height: number): DecodedImage {
  if (data.length !== width * height * 3) {
    throw new RangeError(
      `An image of ${width}x${height} px has ${width * height * 3} values, not ${data.length}`,
    );
  }
  // Uint8ClampedArray clamps, takes NaN as 0 and rounds ties to even.
  const clamped = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) clamped[i] = (data[i]! + 1) * 127.5;
  return { data: new Uint8Array(clamped.buffer), width, height };
}
