// Draws the sample grids of a run.
import { writeFileAtomic } from '../../base/atomic-files.js';
import { Rng } from '../../base/rng.js';
import type { Config } from '../../config/schema.js';
import type { DecodedImage } from '../../data/decode.js';
import { readFirstImages } from '../../data/first-images.js';
import type { Dataset } from '../../data/folder.js';
import { joinFloats, splitImages } from '../../data/image-arrays.js';
import type { TranslatingWeights } from '../../gan/state.js';
import { stackGrids } from '../../images/grid.js';
import { type Direction, drawStyles, reverseOf, type Translator } from '../../translate/translator.js';
import { SAMPLE_COLUMNS, samplePath } from './sample-files.js';

/** Images of small models are enlarged to this size. */
const MIN_CELL_PX = 96;
const GAP_PX = 4;

/** Images `[n, size, size, 3]` in [-1, 1] that one direction translates, and its style references. */
interface Inputs {
  images: Float32Array;
  references: Float32Array;
}

/**
 * Draws sample grids: the same test images with the same styles at every step, photos first and anime images below them,
 * in the columns of the reference's `test` (its train.py), plus a column with the style references.
 */
export class Samples {
  private constructor(
    private readonly config: Config,
    private readonly inputs: Record<Direction, Inputs>,
  ) {}

  /**
   * Reads the first test images of both domains, or training images if a domain has no test images. An image that cannot
   * be read is reported to `onBadFile` and replaced by the next one.
   *
   * @throws InputError if no image of a domain can be read.
   */
  static async open(
    config: Config,
    dataset: Dataset,
    onBadFile: (file: string, error: unknown) => void = () => undefined,
  ): Promise<Samples> {
    const { size } = config.model;
    const count = config.log.sampleImages;
    const read = async (test: string[], train: string[]): Promise<Float32Array> => {
      const files = test.length > 0 ? test : train;
      const images = await readFirstImages(files, { size, count }, onBadFile);
      return joinFloats(Array.from({ length: count }, (_, i) => images[i % images.length]!));
    };
    const photos = await read(dataset.testA, dataset.trainA);
    const anime = await read(dataset.testB, dataset.trainB);
    return new Samples(config, {
      A2B: { images: photos, references: anime },
      B2A: { images: anime, references: photos },
    });
  }

  /** Draws a grid with a translator of the run that has the given weights, and writes it. @returns its path. */
  async write(
    runDir: string,
    step: number,
    translator: Translator,
    weights: TranslatingWeights,
  ): Promise<string> {
    const { size } = this.config.model;
    // A separate generator: samples must not change the run.
    const rng = new Rng(this.config.training.seed, 'samples');
    const path = samplePath(runDir, step, weights);
    const grid = await stackGrids(
      (['A2B', 'B2A'] as const).map((direction) => ({
        rows: this.rows(translator, direction, rng),
        columnLabels: SAMPLE_COLUMNS[direction],
        cellSize: Math.max(MIN_CELL_PX, size),
        gap: GAP_PX,
      })),
    );
    await writeFileAtomic(path, grid.png);
    return path;
  }

  private rows(translator: Translator, direction: Direction, rng: Rng): DecodedImage[][] {
    const { latentDim, size } = this.config.model;
    const count = this.config.log.sampleImages;
    const back = reverseOf(direction);
    const { images, references } = this.inputs[direction];
    // The other direction's generator makes images of this domain.
    const rebuilt = translator.translate(back, images, translator.styleOf(direction, images));
    const content = translator.encode(direction, images);
    const fromReference = translator.decode(content, translator.styleOf(direction, references));
    const fromRandom = [1, 2].map(() => {
      // One style for the whole column: only the content differs within it.
      const style = drawStyles(rng, 1, latentDim);
      return translator.decode(content, joinFloats(Array<Float32Array>(count).fill(style)));
    });
    const originalStyles = translator.styleOf(back, images);
    const contents = [fromReference, ...fromRandom].map((translated) => translator.encode(back, translated));
    const cycles = contents.map((code) => translator.decode(code, originalStyles));
    const sameStyle = translator.decode(contents[1]!, translator.styleOf(direction, fromRandom[0]!));
    const columns = [images, rebuilt, references, fromReference, ...fromRandom, ...cycles, sameStyle];
    const cells = columns.map((column) => splitImages(column, size));
    return Array.from({ length: count }, (_, row) => cells.map((column) => column[row]!));
  }
}
