import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { openDataset } from '../../../src/data/folder.js';
import { canDrawText } from '../../../src/images/grid.js';
import { listSamples, SAMPLE_COLUMNS } from '../../../src/train/log/sample-files.js';
import { Samples } from '../../../src/train/log/samples.js';
import type { ContentCodes, Translator } from '../../../src/translate/translator.js';
import { tinyConfig } from '../../support/config.js';
import { areEqual, ofType, RunFolders } from '../../support/runs.js';

const runs = RunFolders.prepare();
const ROWS = 2;
const CELL_PX = 96;
const GAP_PX = 4;

/** Fills each result with one number that identifies how it was made, so that a grid's colours identify its columns. */
class TellingTranslator implements Translator {
  readonly architecture = tinyConfig().model;
  readonly made: string[] = [];
  private readonly styles: string[] = [];

  constructor(inputs: readonly string[]) {
    this.made.push(...inputs);
  }

  encode(direction: 'A2B' | 'B2A', images: Float32Array): ContentCodes {
    return {
      direction,
      count: ROWS,
      codes: this.make(`content${direction}(${this.nameOf(images)})`, ROWS),
    };
  }

  decode({ direction, codes }: ContentCodes, styles: Float32Array): Float32Array {
    const { size } = this.architecture;
    return this.make(`${direction}(${this.nameOf(codes)}, ${this.nameOf(styles)})`, ROWS * size * size * 3);
  }

  styleOf(direction: 'A2B' | 'B2A', images: Float32Array): Float32Array {
    return this.make(`style${direction}(${this.nameOf(images)})`, ROWS * this.architecture.latentDim);
  }

  translate(direction: 'A2B' | 'B2A', images: Float32Array, styles: Float32Array): Float32Array {
    return this.decode(this.encode(direction, images), styles);
  }

  dispose(): void {}

  private make(name: string, length: number): Float32Array {
    return new Float32Array(length).fill((2 * (this.made.push(name) - 1)) / 255 - 1);
  }

  private nameOf(values: Float32Array): string {
    const level = ((values[0]! + 1) * 255) / 2;
    if (values.every((value) => value === values[0])) return this.made[Math.round(level)]!;
    // One drawn style for every row.
    const { latentDim } = this.architecture;
    expect(values.slice(0, latentDim)).toEqual(values.slice(latentDim, 2 * latentDim));
    const key = values.join();
    if (!this.styles.includes(key)) this.styles.push(key);
    return `drawn ${this.styles.indexOf(key) + 1}`;
  }
}

/** Samples of a dataset whose images are of one level: 0 for photos, 1 for anime. */
async function telling(): Promise<{ samples: Samples; translator: TellingTranslator }> {
  const root = join(runs.folder, 'levels');
  for (const [level, domain] of ['A', 'B'].entries())
    for (const folder of [`train${domain}`, `test${domain}`]) {
      await mkdir(join(root, folder), { recursive: true });
      const background = { r: level, g: level, b: level };
      await sharp({ create: { width: 32, height: 32, channels: 3, background } }).toFile(
        join(root, folder, '0.png'),
      );
    }
  const config = tinyConfig({ data: { root }, log: { sampleImages: ROWS } });
  const translator = new TellingTranslator(['photo', 'anime']);
  return { samples: await Samples.open(config, await openDataset(root)), translator };
}

/** The first number in the middle of each cell, row by row. */
async function levelsOf(path: string): Promise<number[][]> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const columns = (info.width - GAP_PX) / (CELL_PX + GAP_PX);
  const blockPx = info.height / 2;
  const top = blockPx - ROWS * (CELL_PX + GAP_PX);
  const at = (row: number, column: number): number => {
    const y = Math.floor(row / ROWS) * blockPx + top + (row % ROWS) * (CELL_PX + GAP_PX) + CELL_PX / 2;
    const x = GAP_PX + column * (CELL_PX + GAP_PX) + CELL_PX / 2;
    return data[(y * info.width + x) * info.channels]!;
  };
  return Array.from({ length: 2 * ROWS }, (_, row) => Array.from({ length: columns }, (_, i) => at(row, i)));
}

/** The columns of the reference's `test`, with an added column of style references. */
function recipe(there: string, back: string, image: string, reference: string, drawn: string[]): string[] {
  const content = `content${there}(${image})`;
  const originalStyle = `style${back}(${image})`;
  const guided = `${there}(${content}, style${there}(${reference}))`;
  const random = drawn.map((style) => `${there}(${content}, ${style})`);
  const cycles = [guided, ...random].map((made) => `${back}(content${back}(${made}), ${originalStyle})`);
  return [
    image,
    `${back}(content${back}(${image}), style${there}(${image}))`,
    reference,
    guided,
    ...random,
    ...cycles,
    `${back}(content${back}(${random[0]}), style${there}(${random[0]}))`,
  ];
}

it('a sample grid has the columns of the reference, for both directions', async () => {
  const { samples, translator } = await telling();
  const path = await samples.write(runs.runDir, 7, translator, 'ema');
  expect(path).toBe(join(runs.runDir, 'samples', 'step-000007.png'));
  const levels = await levelsOf(path);
  const cells = levels.map((row) => row.map((level) => translator.made[level]));
  const photos = recipe('A2B', 'B2A', 'photo', 'anime', ['drawn 1', 'drawn 2']);
  const anime = recipe('B2A', 'A2B', 'anime', 'photo', ['drawn 3', 'drawn 4']);
  expect(cells).toEqual([photos, photos, anime, anime]);
  for (const columns of Object.values(SAMPLE_COLUMNS)) expect(columns.length).toBe(photos.length);
});

it('a sample grid of the same weights is the same at every step', async () => {
  const write = async (step: number, weights: 'ema' | 'raw') => {
    const { samples, translator } = await telling();
    return samples.write(runs.runDir, step, translator, weights);
  };
  const paths = [await write(1, 'ema'), await write(2, 'raw')];
  expect(paths.map((path) => basename(path))).toEqual(['step-000001.png', 'step-000002-raw.png']);
  const [first, second] = await Promise.all(paths.map((path) => readFile(path)));
  expect(first!.equals(second!)).toBe(true);
  // On a machine without fonts there are no labels.
  expect((await sharp(first).metadata()).height! > 4 * (CELL_PX + GAP_PX) + 2 * GAP_PX).toBe(
    await canDrawText(),
  );
});

it('samples do not change a run, and their events name both grids, or one without log.sampleRaw', async () => {
  const often = { log: { sampleEverySteps: 1 } };
  const never = { log: { sampleRaw: false, tensorboard: false } };
  const events = await runs.train(runs.config(3, often));
  const other = join(runs.folder, 'never');
  const otherEvents = await runs.train(runs.config(3, never), { runDir: other });
  expect(areEqual(await runs.weightsAt(3), await runs.weightsAt(3, other))).toBe(true);
  const raw = (step: number) => join(runs.runDir, 'samples', `step-00000${step}-raw.png`);
  expect(ofType(events, 'samples').map(({ rawPath }) => rawPath)).toEqual([0, 1, 2, 3].map(raw));
  expect(ofType(otherEvents, 'samples').every((event) => !('rawPath' in event))).toBe(true);
  expect((await readdir(join(other, 'samples'))).sort()).toEqual(['step-000000.png', 'step-000003.png']);
  // Initial weights equal their EMA; three steps later they do not.
  const [before, after] = [0, 3].map((step) =>
    Promise.all([readFile(raw(step)), readFile(raw(step).replace('-raw', ''))]),
  );
  expect(areEqual([(await before!)[0]], [(await before!)[1]])).toBe(true);
  expect(areEqual([(await after!)[0]], [(await after!)[1]])).toBe(false);
  expect((await listSamples(runs.runDir)).map(({ step }) => step)).toEqual([0, 1, 2, 3]);
  expect((await listSamples(other)).at(-1)).toEqual({
    step: 3,
    ema: join(other, 'samples', 'step-000003.png'),
  });
  expect(await listSamples(join(runs.folder, 'nothing'))).toEqual([]);
});
