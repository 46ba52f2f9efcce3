// Measures how much styles change a run's images.
import { Rng } from '../../base/rng.js';
import type { Config } from '../../config/schema.js';
import { setDiversity, styleDiversity } from '../../data/diversity.js';
import { readFirstImages } from '../../data/first-images.js';
import type { Dataset } from '../../data/folder.js';
import { joinFloats, splitFloats } from '../../data/image-arrays.js';
import { drawStyles, type Translator } from '../../translate/translator.js';

const PHOTOS = 4;
/** Styles for each photo; all pairs of them are compared. */
const STYLES = 5;
const REAL_IMAGES = 16;

/**
 * Measures how much styles change a run's images: the distance between translations of one photo in different styles,
 * relative to that between different real images of the target domain. Photos and styles are the same at every call.
 */
export class StyleDiversity {
  private constructor(
    private readonly photos: Float32Array,
    private readonly styles: readonly Float32Array[],
    private readonly real: number,
  ) {}

  /**
   * Reads the first images of both training folders.
   *
   * @returns undefined if the target domain has no two different images to compare with.
   * @throws InputError if no image of a folder can be read.
   */
  static async open(
    config: Config,
    dataset: Dataset,
    onBadFile: (file: string, error: unknown) => void = () => undefined,
  ): Promise<StyleDiversity | undefined> {
    const { size, latentDim } = config.model;
    const photos = await readFirstImages(dataset.trainA, { size, count: PHOTOS }, onBadFile);
    const real = await readFirstImages(dataset.trainB, { size, count: REAL_IMAGES }, onBadFile);
    const distance =
      real.length < 2 ? 0 : setDiversity(real.map((data) => ({ data, width: size, height: size })));
    if (distance === 0) return undefined;
    const rng = new Rng(config.training.seed, 'watch');
    const styles = Array.from({ length: STYLES }, () => drawStyles(rng, photos.length, latentDim));
    return new StyleDiversity(joinFloats(photos), styles, distance);
  }

  /** @returns 0 if styles change nothing, 1 if they change an image as much as real images differ from each other. */
  measure(translator: Translator): number {
    const { size } = translator.architecture;
    const content = translator.encode('A2B', this.photos);
    const byStyle = this.styles.map((styles) => splitFloats(translator.decode(content, styles), size));
    const byPhoto = byStyle[0]!.map((_, photo) =>
      byStyle.map((images) => ({ data: images[photo]!, width: size, height: size })),
    );
    return styleDiversity(byPhoto) / this.real;
  }
}
