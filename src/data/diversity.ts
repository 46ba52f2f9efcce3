// Pixel distances between images: the simple measure of diversity that training watches.
/** An RGB image: `data` holds `height * width * 3` numbers, row by row. */
export interface FloatImage {
  data: Float32Array;
  width: number;
  height: number;
}

/**
 * Measures how much styles change an image: the root mean square pixel distance between two outputs of one input, averaged
 * over all pairs and inputs. Compare it with `setDiversity` of real images.
 *
 * @param imagesByInput at least two outputs for each input.
 */
export function styleDiversity(imagesByInput: readonly (readonly FloatImage[])[]): number {
  if (imagesByInput.length === 0) throw new RangeError('styleDiversity needs at least one input');
  return imagesByInput.reduce((sum, set) => sum + setDiversity(set), 0) / imagesByInput.length;
}

/** Returns the root mean square pixel distance between two images of a set, averaged over all pairs. */
export function setDiversity(images: readonly FloatImage[]): number {
  if (images.length < 2) throw new RangeError('Diversity needs at least two images');
  let sum = 0;
  for (let i = 0; i < images.length; i++) {
    for (let j = 0; j < i; j++) sum += rmsDistance(images[i]!, images[j]!);
  }
  return sum / ((images.length * (images.length - 1)) / 2);
}

function rmsDistance(a: FloatImage, b: FloatImage): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new RangeError(
      `Diversity needs images of one size, but got ${a.width}x${a.height} and ${b.width}x${b.height} px`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return Math.sqrt(sum / a.data.length);
}
