import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import type { Config } from '../config/schema.js';
import { type DecodedImage, decodeImage, toFloat } from '../data/decode.js';
import type { Dataset } from '../data/folder.js';
import { joinPictures, splitPictures } from '../data/pictures.js';
import { Rng } from '../runtime/rng.js';
import { composeGrid } from '../translate/grid.js';
import { drawStyles, type Translator } from '../translate/translator.js';

const RANDOM_STYLES = 3;
/** Sample grids of small models are enlarged, so that a person can see them. */
const SMALLEST_CELL_PX = 96;

/** The columns of a sample grid. */
export const SAMPLE_COLUMNS = [
  'photo',
  'reference',
  'its style',
  ...Array.from({ length: RANDOM_STYLES }, (_, i) => `style ${i + 1}`),
  'and back',
];

/**
 * The pictures that a run shows of itself: the same test photos with the same styles at every time. A row is a photo,
 * an anime picture and its style on the photo, random styles, and the way back from the first of them.
 */
export class Samples {
  private constructor(
    private readonly config: Config,
    private readonly photos: Float32Array,
    private readonly references: Float32Array,
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
      return joinPictures(Array.from({ length: count }, (_, i) => pictures[i % pictures.length]!));
    };
    const photos = await read(dataset.testA, dataset.trainA);
    return new Samples(config, photos, await read(dataset.testB, dataset.trainB));
  }

  /** Draws the grid with a translator of the run's architecture and writes it. @returns its path. */
  async write(runDir: string, step: number, translator: Translator): Promise<string> {
    const path = join(runDir, 'samples', `step-${String(step).padStart(6, '0')}.png`);
    const grid = await composeGrid({
      rows: this.rows(translator),
      columnLabels: SAMPLE_COLUMNS,
      cellSize: Math.max(SMALLEST_CELL_PX, this.config.model.size),
      gap: 4,
    });
    await writeFileAtomic(path, grid.png);
    return path;
  }

  private rows(translator: Translator): DecodedImage[][] {
    const { size, latentDim } = this.config.model;
    const { photos, references } = this;
    const count = this.config.log.sampleImages;
    const rng = new Rng(this.config.training.seed, 'samples');
    const content = translator.encode('A2B', photos);
    const guided = translator.decode(content, translator.styleOf('A2B', references));
    const random = Array.from({ length: RANDOM_STYLES }, () => {
      // One style for the whole column: what differs down a column is the content.
      const style = drawStyles(rng, 1, latentDim);
      return translator.decode(content, joinPictures(Array<Float32Array>(count).fill(style)));
    });
    const back = translator.translate('B2A', random[0]!, translator.styleOf('B2A', photos));
    const columns = [photos, references, guided, ...random, back].map((part) => splitPictures(part, size));
    return Array.from({ length: count }, (_, row) => columns.map((column) => column[row]!));
  }
}
