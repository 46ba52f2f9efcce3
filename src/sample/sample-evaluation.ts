// Measures a model on the sample dataset, whose factors are known.
import { join } from 'node:path';
import { Rng } from '../base/rng.js';
import { decodeImage, toFloat } from '../data/decode.js';
import { setDiversity, styleDiversity } from '../data/diversity.js';
import { joinFloats, splitFloats } from '../data/image-arrays.js';
import { drawStyles, type Translator } from '../translate/translator.js';
import { type FaceMeasure, type MeanFace, meanFace } from './face-measure.js';
import type { FloatImage } from './face-planes.js';
import type { Content } from './factors.js';
import { type FactorsFile, readFactors, type SampleFolder } from './factors-file.js';
import { contentCorrelation, statisticsDistance } from './sample-measures.js';

/** Number of images translated together. */
const BATCH = 8;
/** Maximum number of anime training images for the mean face. */
export const FACE_IMAGES = 64;

/** Measures of translations of the sample dataset's test photos; defined in `sample-measures.ts`. */
export interface SampleFigures {
  /** Distance of their colour and edge statistics from those of the anime test images. */
  statisticsDistance: number;
  /** Correlation of the place and size of the face found in them with the photo's factors. */
  correlation: FaceMeasure;
  /** Mean distance between translations of one photo in different styles. */
  diversity: number;
}

/** The test images of a sample dataset at one size. */
export interface SampleTestSet {
  photos: FloatImage[];
  photoContents: Content[];
  anime: FloatImage[];
  animeContents: Content[];
  /** The mean face that finds faces, made from anime training images, none of which is measured. */
  face: MeanFace;
}

/** Reads the first `count` images of a folder of a sample dataset, with their contents. */
export async function readFolder(
  root: string,
  factors: FactorsFile,
  folder: SampleFolder,
  size: number,
  count: number,
): Promise<{ images: FloatImage[]; contents: Content[] }> {
  const names = Object.keys(factors.images)
    .filter((name) => name.startsWith(`${folder}/`))
    .sort()
    .slice(0, count);
  const images = await Promise.all(
    names.map(async (name) => ({
      data: toFloat(await decodeImage(join(root, name), { size })),
      width: size,
      height: size,
    })),
  );
  return { images, contents: names.map((name) => factors.images[name]!.content) };
}

/** Reads up to `count` test images of each domain. @throws InputError if the folder is not a sample dataset. */
export async function readSampleTestSet(root: string, size: number, count: number): Promise<SampleTestSet> {
  const factors = await readFactors(root);
  const photos = await readFolder(root, factors, 'testA', size, count);
  const anime = await readFolder(root, factors, 'testB', size, count);
  const faces = await readFolder(root, factors, 'trainB', size, FACE_IMAGES);
  return {
    photos: photos.images,
    photoContents: photos.contents,
    anime: anime.images,
    animeContents: anime.contents,
    face: meanFace(faces.images, faces.contents),
  };
}

/** The figures of real anime images: one half against the other, and the whole set's factors and diversity. */
export function referenceFigures({ anime, animeContents, face }: SampleTestSet): SampleFigures {
  const half = Math.floor(anime.length / 2);
  return {
    statisticsDistance: statisticsDistance(anime.slice(0, half), anime.slice(half)),
    correlation: contentCorrelation(anime, animeContents, face),
    diversity: setDiversity(anime),
  };
}

/**
 * Translates every test photo with `styles` random styles and measures the images.
 *
 * @param options `onProgress` is called with the number of photos done.
 */
export function sampleFigures(
  translator: Translator,
  set: SampleTestSet,
  options: { styles: number; seed: number; onProgress?: (done: number) => void },
): SampleFigures {
  const { size, latentDim } = translator.architecture;
  const rng = new Rng(options.seed, 'evaluation');
  const byPhoto: FloatImage[][] = [];
  for (let from = 0; from < set.photos.length; from += BATCH) {
    const batch = set.photos.slice(from, from + BATCH);
    const content = translator.encode('A2B', joinFloats(batch.map(({ data }) => data)));
    const results = batch.map((): FloatImage[] => []);
    for (let style = 0; style < options.styles; style++) {
      const images = translator.decode(content, drawStyles(rng, batch.length, latentDim));
      for (const [i, data] of splitFloats(images, size).entries())
        results[i]!.push({ data, width: size, height: size });
    }
    byPhoto.push(...results);
    options.onProgress?.(byPhoto.length);
  }
  const all = byPhoto.flat();
  const contents = byPhoto.flatMap((images, i) => images.map(() => set.photoContents[i]!));
  return {
    statisticsDistance: statisticsDistance(all, set.anime),
    correlation: contentCorrelation(all, contents, set.face),
    diversity: styleDiversity(byPhoto),
  };
}
