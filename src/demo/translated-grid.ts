// Grids of photos and their translations.
import type { DecodedImage } from '../data/decode.js';
import { joinFloats, splitImages } from '../data/image-arrays.js';
import { composeGrid } from '../images/grid.js';
import type { SampleTestSet } from '../sample/sample-evaluation.js';
import { randomStyles } from '../translate/styles.js';
import type { Translator } from '../translate/translator.js';

const PHOTOS = 8;
const STYLES = 6;
const CELL_PX = 128;
const GAP_PX = 4;

/** The column labels of `translatedGrid`. */
export const GRID_COLUMNS: readonly string[] = [
  'photo',
  ...Array.from({ length: STYLES }, (_, i) => `style ${i + 1}`),
];

/**
 * Translates photos, each in the same random styles of a seed.
 * @param photos each `[size, size, 3]` in [-1, 1].
 * @returns for each photo one image per style.
 */
export function translations(
  translator: Translator,
  photos: readonly Float32Array[],
  { styles, seed }: { styles: number; seed: number },
): DecodedImage[][] {
  const { size, latentDim } = translator.architecture;
  const content = translator.encode('A2B', joinFloats(photos));
  const columns = randomStyles(styles, seed, latentDim).map(({ code }) => {
    const codes = joinFloats(Array<Float32Array>(content.count).fill(code));
    return splitImages(translator.decode(content, codes), size);
  });
  return photos.map((_, row) => columns.map((column) => column[row]!));
}

/** Draws rows of images as the demo's grids have them. @returns a PNG. */
export async function demoGrid(
  rows: readonly (readonly DecodedImage[])[],
  columnLabels: readonly string[],
): Promise<Buffer> {
  const { png } = await composeGrid({ rows, columnLabels, cellSize: CELL_PX, gap: GAP_PX });
  return png;
}

/** Draws the first test photos beside their translations, one column per random style of the seed. @returns a PNG. */
export async function translatedGrid(
  translator: Translator,
  set: SampleTestSet,
  seed: number,
): Promise<Buffer> {
  const photos = set.photos.slice(0, PHOTOS).map(({ data }) => data);
  const images = splitImages(joinFloats(photos), translator.architecture.size);
  const results = translations(translator, photos, { styles: STYLES, seed });
  return demoGrid(
    images.map((photo, row) => [photo, ...results[row]!]),
    GRID_COLUMNS,
  );
}
