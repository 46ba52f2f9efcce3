// A grid of test photos and their translations.
import { joinFloats, splitImages } from '../data/image-arrays.js';
import { composeGrid } from '../images/grid.js';
import type { SampleTestSet } from '../sample/sample-evaluation.js';
import { randomStyles } from '../translate/styles.js';
import type { Translator } from '../translate/translator.js';

const PHOTOS = 8;
const STYLES = 6;
const CELL_PX = 128;

/** The column labels of the grid. */
export const GRID_COLUMNS: readonly string[] = [
  'photo',
  ...Array.from({ length: STYLES }, (_, i) => `style ${i + 1}`),
];

/** Draws the first test photos beside their translations, one column per random style of the seed. @returns a PNG. */
export async function translatedGrid(
  translator: Translator,
  set: SampleTestSet,
  seed: number,
): Promise<Buffer> {
  const { size, latentDim } = translator.architecture;
  const photos = joinFloats(set.photos.slice(0, PHOTOS).map(({ data }) => data));
  const content = translator.encode('A2B', photos);
  const columns = randomStyles(STYLES, seed, latentDim).map(({ code }) => {
    const styles = joinFloats(Array<Float32Array>(content.count).fill(code));
    return splitImages(translator.decode(content, styles), size);
  });
  const { png } = await composeGrid({
    rows: splitImages(photos, size).map((photo, row) => [photo, ...columns.map((column) => column[row]!)]),
    columnLabels: GRID_COLUMNS,
    cellSize: CELL_PX,
    gap: 4,
  });
  return png;
}
