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

/** Sample grids of small models are enlarged, so that a person can see them. */
const MIN_CELL_PX = 96;
const GAP_PX = 4;

/** Pictures `[n, size, size, 3]` in [-1, 1]: what one direction translates, and what shows it a style. */
interface Inputs {
  pictures: Float32Array;
  references: Float32Array;
}

/**
 * The pictures that a run shows of itself: the same test pictures with the same styles at every time, photos first and
 * anime pictures below them, in the columns of the reference's `test` (its train.py), and the picture of the reference
 * style beside them.
 */
export class Samples {
  private constructor(
    private readonly config: Config,
    private readonly inputs: Record<Direction, Inputs>,
  ) {}

  /**
   * Reads the first test pictures of both domains, or training pictures where there are none. One that cannot be read
   * is told to `onBadFile` and the next one takes its place.
   *
   * @throws InputError where none of a domain can be read.
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
      const pictures = await readFirstImages(files, { size, count }, onBadFile);
      return joinFloats(Array.from({ length: count }, (_, i) => pictures[i % pictures.length]!));
    };
    const photos = await read(dataset.testA, dataset.trainA);
    const anime = await read(dataset.testB, dataset.trainB);
    return new Samples(config, {
      A2B: { pictures: photos, references: anime },
      B2A: { pictures: anime, references: photos },
    });
  }

  /** Draws the grid with a translator of the run's architecture and those weights, and writes it. @returns its path. */
  async write(
    runDir: string,
    step: number,
    translator: Translator,
    weights: TranslatingWeights,
  ): Promise<string> {
    const { size } = this.config.model;
    // Draws of its own: a training with samples and one without are the same.
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
    const { pictures, references } = this.inputs[direction];
    // By the generator that makes pictures of this domain, which is the other direction's.
    const rebuilt = translator.translate(back, pictures, translator.styleOf(direction, pictures));
    const content = translator.encode(direction, pictures);
    const guided = translator.decode(content, translator.styleOf(direction, references));
    const random = [1, 2].map(() => {
      // One style for the whole column: what differs down a column is the content.
      const style = drawStyles(rng, 1, latentDim);
      return translator.decode(content, joinFloats(Array<Float32Array>(count).fill(style)));
    });
    const own = translator.styleOf(back, pictures);
    const contents = [guided, ...random].map((made) => translator.encode(back, made));
    const cycles = contents.map((made) => translator.decode(made, own));
    const kept = translator.decode(contents[1]!, translator.styleOf(direction, random[0]!));
    const columns = [pictures, rebuilt, references, guided, ...random, ...cycles, kept];
    const cells = columns.map((column) => splitImages(column, size));
    return Array.from({ length: count }, (_, row) => cells.map((column) => column[row]!));
  }
}
