import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Rng } from '../../../../src/base/rng.js';
import { buildNetworks, initNetworks } from '../../../../src/gan/networks.js';
import { parametersIn, stateLayout, stateVectors } from '../../../../src/gan/state.js';
import { rowScalars, TensorboardLog } from '../../../../src/train/log/tensorboard/training-log.js';
import { tinyConfig } from '../../../support/config.js';
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

it('a row of metrics becomes scalars: terms under their names, other numbers with hyphens, without the axes', async () => {
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

it('samples are logged as they are, or scaled down to 1024 px', async () => {
  const draw = (width: number, height: number, path: string) =>
    sharp({ create: { width, height, channels: 3, background: '#a0c0e0' } }).toFile(path);
  const [small, large] = [join(folder, 'small.png'), join(folder, 'large.png')];
  await draw(1024, 700, small);
  await draw(1500, 2048, large);
  const events = await written(async (log) => {
    await log.samples(10, small, 'ema');
    await log.samples(20, large, 'raw');
  });
  const first = events[0]!.images!['samples/averages'];
  const second = events[1]!.images!['samples/weights'];
  expect(events.map(({ step }) => step)).toEqual([10, 20]);
  expect(first).toEqual({ width: 1024, height: 700, png: await sharp(small).toBuffer() });
  expect([second!.width, second!.height]).toEqual([750, 1024]);
  expect(await sharp(second!.png).metadata()).toMatchObject({ format: 'png', width: 750, height: 1024 });
});

it('weights become a few histograms for each network, with the EMA weights of generators', async () => {
  const networks = buildNetworks(tinyConfig());
  const values = initNetworks(networks, new Rng(1, 'init'));
  const ema = { G_A2B: values.G_B2A!, G_B2A: values.G_A2B! };
  const layout = stateLayout(networks, false);
  const vectors = new Map(stateVectors(layout, { values, ema }));
  const asked = new Set<string>();
  const events = await written((log) =>
    log.weights(30, {
      *read(select = () => true) {
        for (const vector of layout.filter(select)) {
          asked.add(vector.name.split('/').slice(0, -1).join('/'));
          yield* parametersIn(vector, vectors.get(vector.name)!);
        }
      },
    }),
  );
  expect([...asked]).toEqual(['discriminators/values', 'ema']);
  expect(events.every(({ step }) => step === 30)).toBe(true);
  const histograms = Object.assign({}, ...events.map((event) => event.histograms));
  const parts = { G_A2B: ['encoder', 'decoder', 'mapping'], G_B2A: ['encoder', 'decoder', 'mapping'] };
  expect(Object.keys(histograms).sort()).toEqual(
    Object.entries({ ...parts, D_A: ['global', 'local'], D_B: ['global', 'local'], D_L: ['fc'] })
      .flatMap(([network, names]) => names.map((name) => `weights/${network}/${name}`))
      .sort(),
  );
  // In this test, the EMA weights are the weights of the other generator.
  const encoder = Object.entries(values.G_B2A!).filter(([path]) => path.startsWith('encoder.'));
  const numbers = encoder.flatMap(([, data]) => [...data]);
  expect(histograms['weights/G_A2B/encoder']).toMatchObject({
    count: numbers.length,
    min: Math.min(...numbers),
    max: Math.max(...numbers),
  });
  const counted = histograms['weights/D_A/local'];
  expect(counted.counts.reduce((total: number, count: number) => total + count)).toBe(counted.count);
  expect(new Set(counted.counts).size).toBeGreaterThan(1);
});
