// The ways of resizing that published metrics use, reproduced exactly: PyTorch's and Pillow's.
import type { DecodedImage } from '../data/decode.js';
import { type AxisTable, CUBIC, emptyTable, filterTable, resample, TRIANGLE } from '../data/resample.js';

/** Makes the table of an axis for its two sizes. */
type TableOf = (inSize: number, outSize: number) => AxisTable;

/** Fractional bits of Pillow's weights for 8-bit images (Resample.c, PRECISION_BITS). */
const PILLOW_BITS = 32 - 8 - 2;

/**
 * `torch.nn.functional.interpolate(mode='bilinear', align_corners=False)`, without antialiasing, as pytorch-fid
 * resizes.
 *
 * @returns `[size, size, 3]` in 0..255. Both sides are scaled to `size`, whatever the image's aspect ratio.
 */
export function resizeTorchBilinear(image: DecodedImage, size: number): Float32Array {
  return resampled(image, size, torchTable);
}

/**
 * Pillow's bicubic resizing of each channel as an image of floats (mode F), clipped to the range of pixels: clean-fid's
 * `make_resizer('PIL', False, 'bicubic', (size, size))`. The filter is widened for downscaling.
 *
 * @returns `[size, size, 3]` in 0..255.
 */
export function resizePillowBicubic(image: DecodedImage, size: number): Float32Array {
  const pixels = resampled(image, size, (inSize, outSize) => filterTable(CUBIC, inSize, outSize));
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.min(255, Math.max(0, pixels[i]!));
  return pixels;
}

/**
 * Pillow's bilinear resizing of 8-bit images, exact to the bit, which torchvision's `Resize` uses. The filter is
 * widened for downscaling, weights are multiples of 2^-22, and each of the two passes rounds to 8 bits.
 */
export function resizePillowBilinear(image: DecodedImage, size: number): DecodedImage {
  const table: TableOf = (inSize, outSize) => {
    const made = filterTable(TRIANGLE, inSize, outSize);
    const whole = made.weights.map(
      (weight) => Math.floor(weight * 2 ** PILLOW_BITS + 0.5) / 2 ** PILLOW_BITS,
    );
    return { ...made, weights: whole, isWhole: true };
  };
  return { data: new Uint8Array(resampled(image, size, table)), width: size, height: size };
}

/** Scales both sides to `size`. */
function resampled(image: DecodedImage, size: number, table: TableOf): Float32Array {
  return resample(image, table(image.width, size), table(image.height, size));
}

/**
 * Weights of the two neighbours of each position, computed in float32 as PyTorch does (UpSample.h,
 * area_pixel_compute_source_index).
 */
function torchTable(inSize: number, outSize: number): AxisTable {
  const table = emptyTable(inSize, outSize, 2);
  const scale = Math.fround(inSize / outSize);
  for (let i = 0; i < outSize; i++) {
    const place = Math.max(0, Math.fround(Math.fround(scale * (i + 0.5)) - 0.5));
    const left = Math.min(Math.floor(place), inSize - 1);
    const right = Math.min(1, Math.fround(place - left));
    table.first[i] = left;
    table.count[i] = left < inSize - 1 ? 2 : 1;
    table.weights.set(left < inSize - 1 ? [Math.fround(1 - right), right] : [1], 2 * i);
  }
  return table;
}
