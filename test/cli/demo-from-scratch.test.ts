import { readdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { runScratchDemo, type ScratchEvent, type ScratchOptions } from '../../src/demo/from-scratch.js';
import { formatNumber } from '../../src/report/numbers.js';
import {
  configFor,
  DemoTests,
  figuresOf,
  hasTrained,
  isMeasuring,
  phases,
  stepsOf,
} from '../support/demo.js';
import { contentOf, gnr } from '../support/gnr.js';

const tests = new DemoTests<ScratchOptions, ScratchEvent>({
  run: runScratchDemo,
  // Another than the demo's.
  modelSize: 64,
  own: (sampleModel) => ({ sampleModel }),
});

describe('a demo from scratch', () => {
  it('draws, trains, measures and is done', async () => {
    expect(phases(tests.wholeEvents)).toEqual([
      'drawing',
      'translating',
      'sampleModel',
      'training',
      'measuring',
      'done',
    ]);
    expect(stepsOf(tests.wholeEvents)).toEqual([1, 2]);
    expect(tests.wholeEvents.at(-1)).toMatchObject({
      grid: join(tests.whole, 'translated.png'),
      report: join(tests.whole, 'report.html'),
    });
    expect((await readdir(tests.whole)).sort()).toEqual([
      'dataset',
      'report.html',
      'run',
      'sample-model.png',
      'translated.png',
    ]);
    expect(await latestCheckpoint(join(tests.whole, 'run'))).toMatchObject({ step: 2 });
  });

  it('tells figures that were measured', () => {
    const { untrained, trained, reference } = figuresOf(tests.wholeEvents);
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
      const { width, height, channels } = await sharp(join(tests.whole, name)).metadata();
      expect([width, channels]).toEqual([7 * 128 + 8 * 4, 3]);
      expect(height).toBeGreaterThanOrEqual(8 * 128 + 9 * 4);
    },
  );

  it('shows the model that comes with the program on the page too, plainly named, with its figures', async () => {
    const page = await readFile(join(tests.whole, 'report.html'), 'utf8');
    expect(page).toContain(await tests.embedded('sample-model.png'));
    expect(page).toContain('For comparison: the sample model, trained for longer');
    const event = tests.wholeEvents.find(({ type }) => type === 'sampleModel');
    if (event?.type !== 'sampleModel') return expect.unreachable('no sample model was shown');
    expect(event.grid).toBe(join(tests.whole, 'sample-model.png'));
    for (const value of [event.figures.correlation.x, event.figures.diversity, event.reference.diversity])
      expect(page).toContain(value.toFixed(2));
  });

  it('goes on where no model comes with the program, and says why', async () => {
    await tests.take('dataset');
    const missing = join(tests.folder, 'models', 'none');
    const events = await tests.interruptedAt(hasTrained, { sampleModel: missing });
    expect(phases(events)).toEqual(['noSampleModel', 'training']);
    expect(events[0]).toMatchObject({
      reason: `Expected a checkpoint at ${missing} but found nothing; name a checkpoint directory, a run directory or an exported model directory.`,
    });
  });

  it('writes a page that holds the picture, every figure, the curves and the config', async () => {
    const page = await readFile(join(tests.whole, 'report.html'), 'utf8');
    expect(page).toContain(await tests.embedded('translated.png'));
    expect(page.length).toBeLessThan(3e6);
    const { untrained, trained, reference } = figuresOf(tests.wholeEvents);
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
    await tests.take();
    const run = await contentOf(join(tests.outDir, 'run'));
    const before = tf.memory().numTensors;
    const events = await tests.demo();
    expect(tf.memory().numTensors).toBe(before);
    expect(phases(events)).toEqual(['translating', 'sampleModel', 'measuring', 'done']);
    expect(figuresOf(events)).toEqual(figuresOf(tests.wholeEvents));
    expect(await contentOf(join(tests.outDir, 'run'))).toEqual(run);
    const grids = [tests.outDir, tests.whole].map((dir) => readFile(join(dir, 'translated.png')));
    const [again, first] = await Promise.all(grids);
    expect(again!.equals(first!)).toBe(true);
  });

  it('that is finished trains the steps that are missing where there are to be more', async () => {
    await tests.take();
    const before = tf.memory().numTensors;
    const events = await tests.interruptedAt(isMeasuring, { config: configFor(3) });
    expect(stepsOf(events)).toEqual([3]);
    expect(phases(events)).toEqual(['translating', 'sampleModel', 'training', 'measuring']);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('an interrupted demo from scratch', () => {
  it('goes on with the training where it stopped, to the same bytes', async () => {
    await tests.take('dataset');
    await tests.interruptedAt(hasTrained);
    expect((await readdir(tests.outDir)).sort()).toEqual(['dataset', 'run', 'sample-model.png']);
    const events = await tests.interruptedAt(isMeasuring);
    expect(stepsOf(events)).toEqual([2]);
    const weights = [tests.outDir, tests.whole].map((dir) =>
      readFile(join(dir, 'run', 'checkpoints', 'step-000002', 'model.safetensors')),
    );
    const [ours, theirs] = await Promise.all(weights);
    expect(ours!.equals(theirs!)).toBe(true);
  });

  it('leaves nothing of a dataset that was not finished', async () => {
    await tests.interruptedAt((event) => event.type === 'drawing');
    expect(await readdir(tests.outDir)).toEqual([]);
  });

  it('stops between two measurements too', async () => {
    await tests.take();
    for (const name of ['report.html', 'translated.png']) await rm(join(tests.outDir, name));
    await tests.interruptedAt(isMeasuring);
    expect((await readdir(tests.outDir)).sort()).toEqual(['dataset', 'run', 'sample-model.png']);
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
    const { code, stdout, stderr } = await gnr('demo', '--from-scratch', '--out', tests.outDir, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(await readdir(tests.folder)).toEqual([]);
  });

  it('runs the demo of configs/demo.json and shows what it tells', async () => {
    const given: ScratchOptions[] = [];
    vi.doMock('../../src/demo/from-scratch.js', () => ({
      async *runScratchDemo(options: ScratchOptions): AsyncGenerator<ScratchEvent> {
        given.push(options);
        yield* tests.wholeEvents;
      },
    }));
    const { code, stdout } = await gnr('demo', '--from-scratch', '--out', tests.outDir, '--steps', '7');
    expect(code).toBe(0);
    expect(given).toMatchObject([
      {
        outDir: tests.outDir,
        sampleModel: resolve('models/sample'),
        images: 400,
        config: {
          model: { size: 64 },
          training: { steps: 7 },
          data: { root: join(tests.outDir, 'dataset') },
        },
        device: expect.stringMatching(/^[CG]PU, \d+ threads, TensorFlow 2\.\d+/) as string,
        date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string,
      },
    ]);
    const { untrained, trained, reference } = figuresOf(tests.wholeEvents);
    const row = (label: string, of: (figures: typeof trained) => number) =>
      label.padEnd(34) +
      [untrained, trained, reference].map((figures) => of(figures).toFixed(2).padStart(11)).join('');
    for (const line of [
      `The sample model, trained for longer, on the test photos: ${join(tests.whole, 'sample-model.png')}`,
      'Training to step 2: ',
      row('distance of colours and edges', (figures) => figures.statisticsDistance),
      row('correlation with the photo: x', (figures) => figures.correlation.x),
      row('difference between styles', (figures) => figures.diversity),
      `Translated test photos: ${join(tests.whole, 'translated.png')}`,
      `Report:                 ${join(tests.whole, 'report.html')}`,
      'Done in ',
    ])
      expect(stdout).toContain(line);
  });
});
