import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import type { Config } from '../../src/config/schema.js';
import { runScratchDemo, type ScratchEvent, type ScratchOptions } from '../../src/demo/from-scratch.js';
import type { DemoFigures } from '../../src/demo/measures.js';
import { writeModelFolder } from '../../src/export/model-folder.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { reportImage } from '../../src/report/image.js';
import { formatNumber } from '../../src/report/numbers.js';
import { loadEngine } from '../../src/runtime/node.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { contentOf, gnr } from '../support/gnr.js';

let shared: string;
/** A model as the program brings one, but small, untrained, and of another size than the demo's. */
let sampleModel: string;
let folder: string;
let outDir: string;

/** A demo that nothing disturbed, and what it told. */
let whole: string;
let wholeEvents: ScratchEvent[];

beforeAll(async () => {
  await loadEngine();
  shared = await mkdtemp(join(tmpdir(), 'gnr-cli-demo-'));
  sampleModel = join(shared, 'model');
  const config = tinyConfig({ model: { ...MIN_LAYERS, size: 64 } });
  const values = initNetworks(buildNetworks(config), new Rng(1, 'init'));
  await writeModelFolder(sampleModel, { architecture: config.model, values }, { config, card: '' });
  whole = join(shared, 'demo');
  wholeEvents = await demo({ outDir: whole });
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cli-demo-'));
  outDir = join(folder, 'demo');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const configFor = (steps: number): Config =>
  tinyConfig({
    model: MIN_LAYERS,
    training: { steps },
    log: { everySteps: 1, sampleImages: 1 },
    runtime: { capture: false },
  });

/** Runs a demo; `onEvent` sees every event as it comes. */
async function demo(
  options: Partial<ScratchOptions> = {},
  onEvent: (event: ScratchEvent) => void = () => undefined,
): Promise<ScratchEvent[]> {
  const events: ScratchEvent[] = [];
  const all: ScratchOptions = {
    outDir,
    sampleModel,
    config: configFor(2),
    images: 4,
    device: 'the test machine',
    date: '2026-01-02',
    signal: new AbortController().signal,
    ...options,
  };
  for await (const event of runScratchDemo(all)) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

/** The kinds of events in their order, each once. */
const phases = (events: ScratchEvent[]): string[] => [...new Set(events.map(({ type }) => type))];
const stepsOf = (events: ScratchEvent[]): number[] =>
  events.flatMap((event) =>
    event.type === 'training' && event.event.type === 'step' ? [event.event.step] : [],
  );

function figuresOf(events: ScratchEvent[]): DemoFigures {
  const last = events.at(-1);
  if (last?.type !== 'done') return expect.unreachable('the demo is not done');
  return last.figures;
}

/** The demo goes on with the dataset of the whole one, so that it is not drawn again. */
const takeDataset = () => cp(join(whole, 'dataset'), join(outDir, 'dataset'), { recursive: true });

/** Runs a demo that is interrupted at an event, and gives the events until then. */
async function interruptedAt(
  isTheMoment: (event: ScratchEvent) => boolean,
  options: Partial<ScratchOptions> = {},
): Promise<ScratchEvent[]> {
  const controller = new AbortController();
  const events: ScratchEvent[] = [];
  const interrupted = demo({ ...options, signal: controller.signal }, (event) => {
    events.push(event);
    if (isTheMoment(event)) controller.abort();
  });
  await expect(interrupted).rejects.toThrow(InterruptedError);
  return events;
}

/** A picture of the whole demo as its page holds it. */
async function embedded(name: string): Promise<string> {
  const { type, bytes, width } = await reportImage(join(whole, name), { width: 1200, height: 1800 });
  expect(width).toBe((await sharp(join(whole, name)).metadata()).width);
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}

const isMeasuring = ({ type }: ScratchEvent): boolean => type === 'measuring';

describe('a demo from scratch', () => {
  it('draws, trains, measures and is done', async () => {
    expect(phases(wholeEvents)).toEqual([
      'drawing',
      'translating',
      'sampleModel',
      'training',
      'measuring',
      'done',
    ]);
    expect(stepsOf(wholeEvents)).toEqual([1, 2]);
    expect(wholeEvents.at(-1)).toMatchObject({
      grid: join(whole, 'translated.png'),
      report: join(whole, 'report.html'),
    });
    expect((await readdir(whole)).sort()).toEqual([
      'dataset',
      'report.html',
      'run',
      'sample-model.png',
      'translated.png',
    ]);
    expect(await latestCheckpoint(join(whole, 'run'))).toMatchObject({ step: 2 });
  });

  it('tells figures that were measured', () => {
    const { untrained, trained, reference } = figuresOf(wholeEvents);
    for (const figures of [untrained, trained, reference]) {
      const { x, y, scale } = figures.correlation;
      for (const correlation of [x, y, scale]) expect(Math.abs(correlation)).toBeLessThanOrEqual(1);
      expect(figures.statisticsDistance).toBeGreaterThan(0);
      expect(figures.diversity).toBeGreaterThan(0);
    }
    // What two steps have changed is little, but not nothing; real pictures are far from both.
    expect(trained.statisticsDistance).not.toBe(untrained.statisticsDistance);
    expect(reference.statisticsDistance).toBeLessThan(trained.statisticsDistance / 2);
    expect(reference.correlation.x).toBeGreaterThan(0.5);
  });

  it.each(['translated.png', 'sample-model.png'])(
    'translates test photos into one picture, %s: a row for each, a column for each style',
    async (name) => {
      const { width, height, channels } = await sharp(join(whole, name)).metadata();
      expect([width, channels]).toEqual([7 * 128 + 8 * 4, 3]);
      expect(height).toBeGreaterThanOrEqual(8 * 128 + 9 * 4);
    },
  );

  it('shows the model that comes with the program on the page too, plainly named, with its figures', async () => {
    const page = await readFile(join(whole, 'report.html'), 'utf8');
    expect(page).toContain(await embedded('sample-model.png'));
    expect(page).toContain('For comparison: the sample model, trained for longer');
    const event = wholeEvents.find(({ type }) => type === 'sampleModel');
    if (event?.type !== 'sampleModel') return expect.unreachable('no sample model was shown');
    expect(event.grid).toBe(join(whole, 'sample-model.png'));
    for (const value of [event.figures.correlation.x, event.figures.diversity, event.reference.diversity])
      expect(page).toContain(value.toFixed(2));
  });

  it('goes on where no model comes with the program, and says why', async () => {
    await takeDataset();
    const missing = join(folder, 'models', 'none');
    const events = await interruptedAt((event) => stepsOf([event]).length > 0, { sampleModel: missing });
    expect(phases(events)).toEqual(['noSampleModel', 'training']);
    expect(events[0]).toMatchObject({
      reason: `Expected a checkpoint at ${missing} but found nothing; name a checkpoint directory, a run directory or an exported model directory.`,
    });
  });

  it('writes a page that holds the picture, every figure, the curves and the config', async () => {
    const page = await readFile(join(whole, 'report.html'), 'utf8');
    expect(page).toContain(await embedded('translated.png'));
    expect(page.length).toBeLessThan(3e6);
    const { untrained, trained, reference } = figuresOf(wholeEvents);
    for (const of of [
      (figures: typeof trained) => figures.statisticsDistance,
      (figures: typeof trained) => figures.correlation.x,
      (figures: typeof trained) => figures.correlation.y,
      (figures: typeof trained) => figures.correlation.scale,
      (figures: typeof trained) => figures.diversity,
    ])
      expect(page).toContain(
        `<td>${formatNumber(of(untrained))}</td><td class="trained">${formatNumber(of(trained))}</td><td>${formatNumber(of(reference))}</td>`,
      );
    for (const text of [
      'the test machine',
      '2026-01-02',
      '32 px',
      '<dt>Steps</dt><dd>2</dd>',
      'channelDivisor',
      'cycle',
    ])
      expect(page).toContain(text);
  });

  it('that is finished draws and trains no more, and comes to the same end', async () => {
    await cp(whole, outDir, { recursive: true, verbatimSymlinks: true });
    const run = await contentOf(join(outDir, 'run'));
    const before = tf.memory().numTensors;
    const events = await demo();
    expect(tf.memory().numTensors).toBe(before);
    expect(phases(events)).toEqual(['translating', 'sampleModel', 'measuring', 'done']);
    expect(figuresOf(events)).toEqual(figuresOf(wholeEvents));
    expect(await contentOf(join(outDir, 'run'))).toEqual(run);
    const grids = [outDir, whole].map((dir) => readFile(join(dir, 'translated.png')));
    const [again, first] = await Promise.all(grids);
    expect(again!.equals(first!)).toBe(true);
  });

  it('that is finished trains the steps that are missing where there are to be more', async () => {
    await cp(whole, outDir, { recursive: true, verbatimSymlinks: true });
    const before = tf.memory().numTensors;
    const events = await interruptedAt(isMeasuring, { config: configFor(3) });
    expect(stepsOf(events)).toEqual([3]);
    expect(phases(events)).toEqual(['translating', 'sampleModel', 'training', 'measuring']);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('an interrupted demo from scratch', () => {
  it('goes on with the training where it stopped, to the same bytes', async () => {
    await takeDataset();
    await interruptedAt((event) => stepsOf([event]).length > 0);
    expect((await readdir(outDir)).sort()).toEqual(['dataset', 'run', 'sample-model.png']);
    const events = await interruptedAt(isMeasuring);
    expect(stepsOf(events)).toEqual([2]);
    const weights = [outDir, whole].map((dir) =>
      readFile(join(dir, 'run', 'checkpoints', 'step-000002', 'model.safetensors')),
    );
    const [ours, theirs] = await Promise.all(weights);
    expect(ours!.equals(theirs!)).toBe(true);
  });

  it('leaves nothing of a dataset that was not finished', async () => {
    await interruptedAt((event) => event.type === 'drawing');
    expect(await readdir(outDir)).toEqual([]);
  });

  it('stops between two measurements too', async () => {
    await cp(whole, outDir, { recursive: true, verbatimSymlinks: true });
    for (const name of ['report.html', 'translated.png']) await rm(join(outDir, name));
    await interruptedAt(isMeasuring);
    expect((await readdir(outDir)).sort()).toEqual(['dataset', 'run', 'sample-model.png']);
  });
});

describe('gnr demo --from-scratch', () => {
  afterEach(() => {
    vi.doUnmock('../../src/demo/from-scratch.js');
    vi.resetModules();
  });

  it.each([
    [['--steps', '0'], /training\.steps .* 1 or more but found 0/],
    [['--steps', 'few'], /--steps is not a number/],
    [['--styles', '3'], /Unknown option --styles/],
  ])('%j is refused, and nothing is made', async (words, message) => {
    const { code, stdout, stderr } = await gnr('demo', '--from-scratch', '--out', outDir, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('runs the demo of configs/demo.json and shows what it tells', async () => {
    const given: ScratchOptions[] = [];
    vi.doMock('../../src/demo/from-scratch.js', () => ({
      async *runScratchDemo(options: ScratchOptions): AsyncGenerator<ScratchEvent> {
        given.push(options);
        yield* wholeEvents;
      },
    }));
    const { code, stdout } = await gnr('demo', '--from-scratch', '--out', outDir, '--steps', '7');
    expect(code).toBe(0);
    expect(given).toMatchObject([
      {
        outDir,
        sampleModel: resolve('models/sample'),
        images: 400,
        config: { model: { size: 64 }, training: { steps: 7 }, data: { root: join(outDir, 'dataset') } },
        device: expect.stringMatching(/^[CG]PU, \d+ threads, TensorFlow 2\.\d+/) as string,
        date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string,
      },
    ]);
    const { untrained, trained, reference } = figuresOf(wholeEvents);
    const row = (label: string, of: (figures: typeof trained) => number) =>
      label.padEnd(34) +
      [untrained, trained, reference].map((figures) => of(figures).toFixed(2).padStart(11)).join('');
    for (const line of [
      `The sample model, trained for longer, on the test photos: ${join(whole, 'sample-model.png')}`,
      'Training to step 2: ',
      row('distance of colours and edges', (figures) => figures.statisticsDistance),
      row('correlation with the photo: x', (figures) => figures.correlation.x),
      row('difference between styles', (figures) => figures.diversity),
      `Translated test photos: ${join(whole, 'translated.png')}`,
      `Report:                 ${join(whole, 'report.html')}`,
      'Done in ',
    ])
      expect(stdout).toContain(line);
  });
});
