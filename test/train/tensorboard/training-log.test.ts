import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rowScalars, TensorboardLog, weightGroups } from '../../../src/train/tensorboard/training-log.js';
import { type ReadEvent, readEvents } from './record-reader.js';

let folder: string;
let dir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-tensorboard-'));
  dir = join(folder, 'tensorboard');
});
afterEach(() => rm(folder, { recursive: true }));

async function written(write: (log: TensorboardLog) => Promise<void>): Promise<ReadEvent[]> {
  const log = await TensorboardLog.open(dir);
  await write(log);
  await log.close();
  const [name] = await readdir(dir);
  return (await readEvents(join(dir, name!))).events.slice(2);
}

it('a row of metrics is scalars: terms under their names, other numbers with hyphens, no axes', async () => {
  const row = {
    step: 50,
    seconds: 9,
    learningRate: 0.5,
    stepsPerSecond: 2,
    rssBytes: 1024,
    note: 'no number',
    terms: { 'generators/cycle': 0.25, 'discriminators/r1A': 4 },
  };
  const scalars = {
    'generators/cycle': 0.25,
    'discriminators/r1A': 4,
    'learning-rate': 0.5,
    'steps-per-second': 2,
    'rss-bytes': 1024,
  };
  expect(rowScalars(row)).toEqual(scalars);
  expect(await written((log) => log.row(row))).toMatchObject([{ step: 50, scalars }]);
});

it('samples are the file as it is, or scaled down to 1024 px', async () => {
  const draw = (width: number, height: number, path: string) =>
    sharp({ create: { width, height, channels: 3, background: '#a0c0e0' } }).toFile(path);
  const [small, large] = [join(folder, 'small.png'), join(folder, 'large.png')];
  await draw(1024, 700, small);
  await draw(1500, 2048, large);
  const events = await written(async (log) => {
    await log.samples(10, small, 'averages');
    await log.samples(20, large, 'weights');
  });
  const first = events[0]!.images!['samples/averages'];
  const second = events[1]!.images!['samples/weights'];
  expect(events.map(({ step }) => step)).toEqual([10, 20]);
  expect(first).toEqual({ width: 1024, height: 700, png: await sharp(small).toBuffer() });
  expect([second!.width, second!.height]).toEqual([750, 1024]);
  expect(await sharp(second!.png).metadata()).toMatchObject({ format: 'png', width: 750, height: 1024 });
});

it('weights are a handful of histograms for each network, of the averaged generators', async () => {
  const one = () => new Float32Array([1, 1]);
  const generator = () => ({
    'mapping.0.weight': one(),
    'encoder.stem.0.weight': one(),
    'encoder.style.1.bias': one(),
    'adain_bottleneck.0.conv1.weight': one(),
    'to_rgbs.1.bias': one(),
  });
  const values = {
    G_A2B: generator(),
    D_A: { 'l_branch.0.weight': one(), 'g_branch.0.weight': one(), 'g_std.0.bias': one() },
    D_L: { 'fc.0.weight': one() },
  };
  const ema = { G_A2B: { ...generator(), 'mapping.0.weight': new Float32Array([5, 6, 7]) } };
  expect([...weightGroups(values)].map(([tag, vectors]) => [tag, vectors.length])).toEqual([
    ['weights/G_A2B/mapping', 1],
    ['weights/G_A2B/encoder', 2],
    ['weights/G_A2B/decoder', 2],
    ['weights/D_A/local', 1],
    ['weights/D_A/global', 2],
    ['weights/D_L/fc', 1],
  ]);
  const events = await written((log) => log.weights(30, { values, ema }));
  expect(events.every(({ step }) => step === 30)).toBe(true);
  const histograms = Object.assign({}, ...events.map((event) => event.histograms));
  expect(Object.keys(histograms).length).toBe(6);
  expect(histograms['weights/G_A2B/mapping']).toMatchObject({ count: 3, min: 5, max: 7 });
  expect(histograms['weights/D_A/global']).toMatchObject({ count: 4, sum: 4 });
});
