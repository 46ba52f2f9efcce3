import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadEngine } from '../../src/runtime/node.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import {
  readSampleTestSet,
  referenceFigures,
  type SampleFigures,
  sampleFigures,
} from '../../src/sample/sample-evaluation.js';
import { statisticsDistance } from '../../src/sample/sample-measures.js';
import { readModel } from '../../src/translate/model.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import { gnr } from '../support/gnr.js';

const MODEL = 'models/sample';
const MAX_BYTES = 1024 * 1024;

/** Another seed than those of the model's training and card, for unseen images. */
const SEED = 20_261;
const PHOTOS = 24;

describe(`the model in ${MODEL}`, () => {
  let folder: string;
  let figures: SampleFigures;
  let anime: SampleFigures;
  /** Distance of the photos' colours and edges from those of anime, before translation. */
  let photos: number;

  beforeAll(async () => {
    await loadEngine();
    folder = await mkdtemp(join(tmpdir(), 'gnr-models-'));
    const { architecture, values } = await readModel(MODEL);
    const { size } = architecture;
    const root = join(folder, 'data');
    await drawSampleDataset({ dir: root, images: PHOTOS, testImages: PHOTOS, size, seed: SEED });
    const set = await readSampleTestSet(root, size, PHOTOS);
    const translator = openTranslator(architecture, values, { capture: false });
    try {
      figures = sampleFigures(translator, set, { styles: 3, seed: 1 });
    } finally {
      translator.dispose();
    }
    anime = referenceFigures(set);
    photos = statisticsDistance(set.photos, set.anime);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('is at most 1 MB, and its config and card have no local paths', async () => {
    expect((await stat(join(MODEL, 'model.safetensors'))).size).toBeLessThanOrEqual(MAX_BYTES);
    for (const name of ['config.json', 'README.md'])
      expect(await readFile(join(MODEL, name), 'utf8')).not.toMatch(/\/(tmp|home|root|work|Users)\//);
  });

  test('follows place and size of faces, and eyes and mouth are found in most of its images, near their places', () => {
    const { x, y, scale } = figures.correlation;
    for (const correlation of [x, y]) expect(correlation).toBeGreaterThanOrEqual(0.95);
    expect(scale).toBeGreaterThanOrEqual(0.75);
    expect(figures.landmarks.found).toBeGreaterThan(0.9);
    expect(figures.landmarks.median).toBeLessThan(6);
  });

  test('makes images that differ by style', () => {
    expect(figures.diversity / anime.diversity).toBeGreaterThanOrEqual(0.55);
  });

  test('moves colours and edges of photos at least half of the way to those of anime', () => {
    expect(figures.statisticsDistance).toBeLessThan(photos / 2);
  });

  test('translates from the command line', async () => {
    const out = join(folder, 'out');
    const photo = join(folder, 'data', 'testA', '00000.png');
    const { code, stdout } = await gnr(
      ...['translate', photo, '--checkpoint', MODEL, '--out', out, '--styles', '2', '--grid'],
    );
    expect([code, stdout]).toEqual([0, `${join(out, 'grid.png')}\n`]);
  });
});
