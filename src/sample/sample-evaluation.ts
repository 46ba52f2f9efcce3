// Measures a model on the sample dataset, whose factors are known.
import { join } from 'node:path';
import { Rng } from '../base/rng.js';
import { decodeImage, toFloat } from '../data/decode.js';
import { type FloatImage, setDiversity, styleDiversity } from '../data/diversity.js';
import { joinFloats, splitFloats } from '../data/image-arrays.js';
import { meanSpectrum, spectrumDistance, spectrumSide } from '../data/spectrum.js';
import { type LandmarkFinder, loadLandmarkFinder } from '../landmarks/landmark-finder.js';
import { drawStyles, type Translator } from '../translate/translator.js';
import type { Content } from './factors.js';
import { type FactorsFile, readFactors, type SampleFolder } from './factors-file.js';
import {
  type FacePlace,
  type LandmarkFigures,
  landmarkFigures,
  placeCorrelation,
} from './landmark-measures.js';
import { statisticsDistance } from './sample-measures.js';

/** Number of images translated together. */
const BATCH = 8;

/** Measures of translations of the sample dataset's test photos. */
export interface SampleFigures {
  /** Eyes and mouth, against where the photo has them. */
  landmarks: LandmarkFigures;
  /** Correlation of the place and size of the face, by its eyes and mouth, with those in the photo. */
  correlation: FacePlace;
  /** Distance of their mean radial spectrum from that of the anime test images, dB (`spectrumDistance`). */
  spectrum: number;
  /** Distance of their colour and edge statistics from those of the anime test images. */
  statisticsDistance: number;
  /** Mean pixel distance between translations of one photo in different styles. */
  diversity: number;
  /** The same, over that between different anime test images: 1 if styles change an image as much as these differ. */
  relativeDiversity: number;
}

/** The test images of a sample dataset at one size. */
export interface SampleTestSet {
  photos: FloatImage[];
  photoContents: Content[];
  anime: FloatImage[];
  animeContents: Content[];
  /** Finds eyes and mouths. */
  finder: LandmarkFinder;
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

/**
 * Reads up to `count` test images of each domain, and loads the landmark network (and so the engine).
 *
 * @throws InputError if the folder is not a sample dataset.
 */
export async function readSampleTestSet(root: string, size: number, count: number): Promise<SampleTestSet> {
  const factors = await readFactors(root);
  const photos = await readFolder(root, factors, 'testA', size, count);
  const anime = await readFolder(root, factors, 'testB', size, count);
  return {
    photos: photos.images,
    photoContents: photos.contents,
    anime: anime.images,
    animeContents: anime.contents,
    finder: await loadLandmarkFinder(),
  };
}

/** The figures of real anime images: one half against the other, and the whole set's landmarks and diversity. */
export function referenceFigures({ anime, animeContents, finder }: SampleTestSet): SampleFigures {
  const half = Math.floor(anime.length / 2);
  const found = finder.find(anime);
  return {
    landmarks: landmarkFigures(found, animeContents),
    correlation: placeCorrelation(found, animeContents),
    spectrum: spectrumOf(anime.slice(0, half), anime.slice(half)),
    statisticsDistance: statisticsDistance(anime.slice(0, half), anime.slice(half)),
    diversity: setDiversity(anime),
    relativeDiversity: 1,
  };
}

function spectrumOf(images: readonly FloatImage[], reference: readonly FloatImage[]): number {
  const side = spectrumSide(reference[0]!);
  return spectrumDistance(meanSpectrum(images, side), meanSpectrum(reference, side));
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
  const found = set.finder.find(all);
  const diversity = styleDiversity(byPhoto);
  return {
    landmarks: landmarkFigures(found, contents),
    correlation: placeCorrelation(found, contents),
    spectrum: spectrumOf(all, set.anime),
    statisticsDistance: statisticsDistance(all, set.anime),
    diversity,
    relativeDiversity: diversity / setDiversity(set.anime),
  };
}
