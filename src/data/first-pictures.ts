import { decodeImage, toFloat } from './decode.js';

/**
 * The first `count` pictures of a list that can be read, `[size, size, 3]` in [-1, 1]; fewer where the list ends. One that
 * cannot be read is told to `onBadFile`, and the next one takes its place.
 *
 * @throws InputError where none can be read.
 */
export async function readFirstPictures(
  files: readonly string[],
  { size, count }: { size: number; count: number },
  onBadFile: (file: string, error: unknown) => void = () => undefined,
): Promise<Float32Array[]> {
  const pictures: Float32Array[] = [];
  let failure: unknown;
  for (const file of files) {
    if (pictures.length === count) break;
    try {
      pictures.push(toFloat(await decodeImage(file, { size })));
    } catch (error) {
      failure = error;
      onBadFile(file, error);
    }
  }
  if (pictures.length === 0) throw failure;
  return pictures;
}
