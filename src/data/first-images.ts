import { decodeImage, toFloat } from './decode.js';

/**
 * The first `count` images of a list that can be read, `[size, size, 3]` in [-1, 1]; fewer where the list ends. One that
 * cannot be read is told to `onBadFile`, and the next one takes its place.
 *
 * @throws InputError where none can be read.
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
