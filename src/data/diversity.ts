/** `data` holds rows of RGB, `height * width * 3` numbers. */
export interface FloatPicture {
  data: Float32Array;
  width: number;
  height: number;
}

/**
 * How much styles change a picture: the root mean square pixel distance between two pictures of the same input, averaged
 * over all pairs and inputs. Compare with `setDiversity` of real pictures. Needs two pictures for each input.
 */
export function styleDiversity(picturesByInput: readonly (readonly FloatPicture[])[]): number {
  if (picturesByInput.length === 0) throw new RangeError('styleDiversity needs at least one input');
  return picturesByInput.reduce((sum, set) => sum + setDiversity(set), 0) / picturesByInput.length;
}

/** The root mean square pixel distance between two pictures of a set, averaged over all pairs. */
export function setDiversity(pictures: readonly FloatPicture[]): number {
  if (pictures.length < 2) throw new RangeError('Diversity needs at least two pictures');
  let sum = 0;
  for (let i = 0; i < pictures.length; i++) {
    for (let j = 0; j < i; j++) sum += rmsDistance(pictures[i]!, pictures[j]!);
  }
  return sum / ((pictures.length * (pictures.length - 1)) / 2);
}

function rmsDistance(a: FloatPicture, b: FloatPicture): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new RangeError(
      `Diversity needs pictures of one size, but got ${a.width}x${a.height} and ${b.width}x${b.height} px`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return Math.sqrt(sum / a.data.length);
}
