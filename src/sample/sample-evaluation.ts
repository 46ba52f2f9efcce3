import { join } from 'node:path';
import { Rng } from '../base/rng.js';
import { decodeImage, toFloat } from '../data/decode.js';
import { setDiversity, styleDiversity } from '../data/diversity.js';
import { joinFloats, splitFloats } from '../data/image-arrays.js';
import { drawStyles, type Translator } from '../translate/translator.js';
import { type FaceMeasure, type MeanFace, meanFace } from './face-measure.js';
import type { Picture } from './face-planes.js';
import type { Content } from './factors.js';
import { type FactorsFile, readFactors, type SampleFolder } from './factors-file.js';
import { contentCorrelation, statisticsDistance } from './sample-measures.js';

/** Pictures translated together. */
const BATCH = 8;
/** Anime pictures of the training folder that the mean face is made from, at most. */
export const FACE_PICTURES = 64;

/** How well translations of the sample dataset's test photos do; definitions in `sample-measures.ts`. */
export interface SampleFigures {
  /** Distance of their colour and edge statistics from those of the anime test pictures. */
  statisticsDistance: number;
  /** Correlation of the place and size of the face found in them with what the photo was drawn with. */
  correlation: FaceMeasure;
  /** Mean distance between translations of one photo in different styles. */
  diversity: number;
}

/** The test pictures of a sample dataset at one size. */
export interface SampleTestSet {
  photos: Picture[];
  photoContents: Content[];
  anime: Picture[];
  animeContents: Content[];
  /** By which faces are found; made from anime pictures of the training folder, none of which is measured. */
  face: MeanFace;
}

/** Reads the first `count` pictures of a folder of a sample dataset, with what they were drawn from. */
export async function readFolder(
  root: string,
  factors: FactorsFile,
  folder: SampleFolder,
  size: number,
  count: number,
): Promise<{ pictures: Picture[]; contents: Content[] }> {
  const names = Object.keys(factors.images)
    .filter((name) => name.startsWith(`${folder}/`))
    .sort()
    .slice(0, count);
  const pictures = await Promise.all(
    names.map(async (name) => ({
      data: toFloat(await decodeImage(join(root, name), { size })),
      width: size,
      height: size,
    })),
  );
  return { pictures, contents: names.map((name) => factors.images[name]!.content) };
}

/** Reads up to `count` test pictures of each domain. @throws InputError for a folder that is no sample dataset. */
export async function readSampleTestSet(root: string, size: number, count: number): Promise<SampleTestSet> {
  const factors = await readFactors(root);
  const photos = await readFolder(root, factors, 'testA', size, count);
  const anime = await readFolder(root, factors, 'testB', size, count);
  const others = await readFolder(root, factors, 'trainB', size, FACE_PICTURES);
  return {
    photos: photos.pictures,
    photoContents: photos.contents,
    anime: anime.pictures,
    animeContents: anime.contents,
    face: meanFace(others.pictures, others.contents),
  };
}

/** What real anime pictures score: one half against the other, and the whole set's factors and diversity. */
export function referenceFigures({ anime, animeContents, face }: SampleTestSet): SampleFigures {
  const half = Math.floor(anime.length / 2);
  return {
    statisticsDistance: statisticsDistance(anime.slice(0, half), anime.slice(half)),
    correlation: contentCorrelation(anime, animeContents, face),
    diversity: setDiversity(anime),
  };
}

/**
 * Translates every test photo with `styles` random styles of its own and measures the pictures.
 *
 * @param onProgress is told how many photos are done.
 */
export function sampleFigures(
  translator: Translator,
  set: SampleTestSet,
  options: { styles: number; seed: number; onProgress?: (done: number) => void },
): SampleFigures {
  const { size, latentDim } = translator.architecture;
  const rng = new Rng(options.seed, 'evaluation');
  const byPhoto: Picture[][] = [];
  for (let from = 0; from < set.photos.length; from += BATCH) {
    const batch = set.photos.slice(from, from + BATCH);
    const content = translator.encode('A2B', joinFloats(batch.map(({ data }) => data)));
    const results = batch.map((): Picture[] => []);
    for (let style = 0; style < options.styles; style++) {
      const pictures = translator.decode(content, drawStyles(rng, batch.length, latentDim));
      for (const [i, data] of splitFloats(pictures, size).entries())
        results[i]!.push({ data, width: size, height: size });
    }
    byPhoto.push(...results);
    options.onProgress?.(byPhoto.length);
  }
  const all = byPhoto.flat();
  const contents = byPhoto.flatMap((pictures, i) => pictures.map(() => set.photoContents[i]!));
  return {
    statisticsDistance: statisticsDistance(all, set.anime),
    correlation: contentCorrelation(all, contents, set.face),
    diversity: styleDiversity(byPhoto),
  };
}
