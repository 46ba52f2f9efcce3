// Reads the first images of a list that can be decoded.
import { decodeImage, toFloat } from './decode.js';

/**
 * Reads the first `count` images of a list that can be decoded, `[size, size, 3]` in [-1, 1]; fewer if the list ends.
 *
 * @param onBadFile called with each file that cannot be decoded; the next file takes its place.
 * @throws InputError if none can be decoded.
 */
export async function readFirstImages(
  files: readonly string[],
  { size, count }: { size: number; count: number },
  onBadFile: (file: string, error: unknown) => void = () => undefined,
): Promise<Float32Array[]> {
  const images: Float32Array[] = [];
  let failure: unknown;
  for (const file of files) {
    if (images.length === count) break;
    try {
      images.push(toFloat(await decodeImage(file, { size })));
    } catch (error) {
      failure = error;
      onBadFile(file, error);
    }
  }
  if (images.length === 0) throw failure;
  return images;
}
