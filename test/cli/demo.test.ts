import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import type { Config } from '../../src/config/schema.js';
import { type DemoEvent, type DemoOptions, runDemo } from '../../src/demo/demo.js';
import { formatNumber } from '../../src/report/numbers.js';
import { readFactors } from '../../src/sample/factors-file.js';
import { DemoTests, figuresOf, hasTrained, isMeasuring, phases, stepsOf } from '../support/demo.js';
import { fixedDetector } from '../support/faces.js';
import { contentOf, gnr } from '../support/gnr.js';

const CELL = 128 + 4;
const PHOTOGRAPHS = 'examples/photos';

/** The page as it was when the photographs were shown. */
let firstPage: string;

const tests = new DemoTests<DemoOptions, DemoEvent>({
  run: runDemo,
  modelSize: 32,
  own: (model) => {
    const detector = fixedDetector({ left: 150, top: 60, width: 100, height: 120 });
    return {
      model,
      photographs: PHOTOGRAPHS,
      faces: { mode: 'largest', margin: 0.5, paste: false, detector: async () => detector },
      commands: [
        { title: 'Your own photo', explanation: 'finds the face.', lines: ['npx gnr translate "me".jpg'] },
      ],
    };
  },
  async onEvent(event) {
    if (event.type === 'photographs') firstPage = await readFile(event.report, 'utf8');
  },
});

describe('a demo', () => {
  it('shows photographs, draws, fine-tunes, measures and is done', async () => {
    expect(phases(tests.wholeEvents)).toEqual([
      'translating',
      'photographs',
      'drawing',
      'training',
      'measuring',
      'done',
    ]);
    expect(stepsOf(tests.wholeEvents)).toEqual([1, 2]);
    expect(tests.wholeEvents.at(-1)).toMatchObject({
      grid: join(tests.whole, 'before-and-after.png'),
      report: join(tests.whole, 'report.html'),
    });
    expect((await readdir(tests.whole)).sort()).toEqual([
      'before-and-after.png',
      'fine-tuned',
      'photographs.png',
      'print',
      'report.html',
    ]);
    expect(await latestCheckpoint(join(tests.whole, 'fine-tuned'))).toMatchObject({ step: 2 });
    expect(await readFactors(join(tests.whole, 'print'))).toMatchObject({ family: 'print', size: 64 });
  });

  it('shows the photographs in eight styles, and has a page with them, before anything is drawn or trained', async () => {
    const photographs = (await readdir(PHOTOGRAPHS)).filter((name) => name.endsWith('.jpg')).length;
    expect(photographs).toBeGreaterThanOrEqual(2);
    const event = tests.wholeEvents.find(({ type }) => type === 'photographs');
    expect(event).toEqual({
      type: 'photographs',
      grid: join(tests.whole, 'photographs.png'),
      report: join(tests.whole, 'report.html'),
      photographs,
      styles: 8,
      hasTrained: false,
    });
    const { width, height } = await sharp(join(tests.whole, 'photographs.png')).metadata();
    expect(width).toBe(4 + 9 * CELL);
    expect(height).toBeGreaterThanOrEqual(4 + photographs * CELL);
    expect(firstPage).toContain(await tests.embedded('photographs.png'));
    expect(firstPage).toContain('npx gnr translate &quot;me&quot;.jpg');
    expect(firstPage).not.toContain('Before and after');
  });

  it('starts from the weights of the model, and shows before and after beside each other', async () => {
    const { width, height } = await sharp(join(tests.whole, 'before-and-after.png')).metadata();
    expect(width).toBe(4 + 9 * CELL);
    const photographs = (await readdir(PHOTOGRAPHS)).filter((name) => name.endsWith('.jpg')).length;
    expect(height).toBeGreaterThanOrEqual(4 + (photographs + 6) * CELL);
    // Two steps change little: the pictures after are nearly those before, which random weights would not give.
    const { data, info } = await sharp(join(tests.whole, 'before-and-after.png'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const side = (column: number): number[] => {
      const values: number[] = [];
      for (let y = info.height - CELL; y < info.height - 4; y++)
        for (let x = 0; x < 128; x++) values.push(data[3 * (y * info.width + 4 + column * CELL + x)]!);
      return values;
    };
    const distance = (a: number[], b: number[]): number =>
      a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
    expect(distance(side(1), side(5))).toBeGreaterThan(0);
    expect(distance(side(1), side(5))).toBeLessThan(distance(side(0), side(1)) / 2);
  });

  it('tells figures that were measured', () => {
    const { untrained, trained, reference } = figuresOf(tests.wholeEvents);
    for (const figures of [untrained, trained, reference]) {
      const { x, y, scale } = figures.correlation;
      for (const correlation of [x, y, scale]) expect(Math.abs(correlation)).toBeLessThanOrEqual(1);
      expect(figures.statisticsDistance).toBeGreaterThan(0);
      expect(figures.diversity).toBeGreaterThan(0);
    }
    expect(trained.statisticsDistance).not.toBe(untrained.statisticsDistance);
    expect(reference.statisticsDistance).toBeLessThan(trained.statisticsDistance / 2);
  });

  it('writes a page that holds both pictures, every figure, the curves, the commands and the config', async () => {
    const page = await readFile(join(tests.whole, 'report.html'), 'utf8');
    for (const name of ['before-and-after.png', 'photographs.png'])
      expect(page).toContain(await tests.embedded(name));
    expect(page.length).toBeLessThan(3e6);
    const { untrained, trained, reference } = figuresOf(tests.wholeEvents);
    for (const of of [
      (figures: typeof trained) => figures.statisticsDistance,
      (figures: typeof trained) => figures.correlation.x,
      (figures: typeof trained) => figures.diversity,
    ])
      expect(page).toContain(
        `<td>${formatNumber(of(untrained))}</td><td class="trained">${formatNumber(of(trained))}</td><td>${formatNumber(of(reference))}</td>`,
      );
    for (const text of [
      '>Before</th>',
      '>After</th>',
      'the test machine',
      '2026-01-02',
      '32 px',
      '<dt>Steps of fine-tuning</dt><dd>2</dd>',
      'channelDivisor',
      'cycle',
      'npx gnr translate &quot;me&quot;.jpg',
    ])
      expect(page).toContain(text);
  });

  it('that is finished draws and trains no more, and comes to the same end', async () => {
    await tests.take();
    const run = await contentOf(join(tests.outDir, 'fine-tuned'));
    const before = tf.memory().numTensors;
    const events = await tests.demo();
    expect(tf.memory().numTensors).toBe(before);
    expect(phases(events)).toEqual(['translating', 'photographs', 'measuring', 'done']);
    expect(figuresOf(events)).toEqual(figuresOf(tests.wholeEvents));
    expect(await contentOf(join(tests.outDir, 'fine-tuned'))).toEqual(run);
    for (const name of ['photographs.png', 'before-and-after.png']) {
      const [again, first] = await Promise.all(
        [tests.outDir, tests.whole].map((dir) => readFile(join(dir, name))),
      );
      expect(again!.equals(first!)).toBe(true);
    }
  });

  it('that is finished keeps its page when it is started again and interrupted', async () => {
    await tests.take();
    await tests.interruptedAt(isMeasuring);
    const [kept, first] = await Promise.all(
      [tests.outDir, tests.whole].map((dir) => readFile(join(dir, 'report.html'))),
    );
    expect(kept!.equals(first!)).toBe(true);
  });

  it('names photographs that are missing, and makes nothing', async () => {
    await expect(tests.demo({ photographs: join(tests.folder, 'none') })).rejects.toThrow(
      /an image or folder at .*none/,
    );
    await expect(tests.demo({ model: join(tests.folder, 'none') })).rejects.toThrow(/a checkpoint at .*none/);
    expect(await readdir(tests.folder)).toEqual([]);
  });
});

describe('an interrupted demo', () => {
  it('stops before the photographs are translated, and leaves nothing', async () => {
    await tests.interruptedAt(({ type }) => type === 'translating');
    expect(await readdir(tests.folder)).toEqual([]);
  });

  it('keeps photographs and page, but nothing of a dataset that was not finished', async () => {
    await tests.interruptedAt(({ type }) => type === 'drawing');
    expect((await readdir(tests.outDir)).sort()).toEqual(['photographs.png', 'report.html']);
  });

  it('goes on with the training where it stopped, to the same bytes', async () => {
    await tests.take('print');
    await tests.interruptedAt(hasTrained);
    const events = await tests.interruptedAt(isMeasuring);
    expect(stepsOf(events)).toEqual([2]);
    const weights = [tests.outDir, tests.whole].map((dir) =>
      readFile(join(dir, 'fine-tuned', 'checkpoints', 'step-000002', 'model.safetensors')),
    );
    const [ours, theirs] = await Promise.all(weights);
    expect(ours!.equals(theirs!)).toBe(true);
  });
});

describe('gnr demo', () => {
  afterEach(() => {
    vi.doUnmock('../../src/demo/demo.js');
    vi.resetModules();
  });

  it.each([
    [['--steps', '0'], /training\.steps .* 1 or more but found 0/],
    [['--steps', 'few'], /--steps is not a number/],
    [['--styles', '3'], /Unknown option --styles/],
  ])('%j is refused, and nothing is made', async (words, message) => {
    const { code, stdout, stderr } = await gnr('demo', '--out', tests.outDir, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(await readdir(tests.folder)).toEqual([]);
  });

  it('fine-tunes the sample model with configs/demo-finetune.json, and shows what it tells', async () => {
    const given: DemoOptions[] = [];
    vi.doMock('../../src/demo/demo.js', () => ({
      DEMO_FAMILY: 'print',
      async *runDemo(options: DemoOptions): AsyncGenerator<DemoEvent> {
        given.push(options);
        yield* tests.wholeEvents;
      },
    }));
    const { code, stdout } = await gnr('demo', '--out', tests.outDir, '--steps', '7');
    expect(code).toBe(0);
    const { model: architecture } = JSON.parse(await readFile('models/sample/config.json', 'utf8')) as Config;
    expect(given).toMatchObject([
      {
        outDir: tests.outDir,
        model: resolve('models/sample'),
        photographs: resolve(PHOTOGRAPHS),
        faces: { mode: 'largest', paste: false },
        images: 400,
        config: { model: architecture, training: { steps: 7 }, data: { root: join(tests.outDir, 'print') } },
        device: expect.stringMatching(/^[CG]PU, \d+ threads, TensorFlow 2\.\d+/) as string,
        date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string,
      },
    ]);
    const { untrained, trained, reference } = figuresOf(tests.wholeEvents);
    const row = (label: string, of: (figures: typeof trained) => number) =>
      label.padEnd(34) +
      [untrained, trained, reference].map((figures) => of(figures).toFixed(2).padStart(11)).join('');
    for (const line of [
      join(tests.whole, 'photographs.png'),
      'Training to step 2: ',
      row('distance of colours and edges', (figures) => figures.statisticsDistance),
      row('correlation with the photo: x', (figures) => figures.correlation.x),
      row('difference between styles', (figures) => figures.diversity),
      join(tests.whole, 'before-and-after.png'),
      join(tests.whole, 'report.html'),
      'Done in ',
    ])
      expect(stdout).toContain(line);
    // Every command that the page has is on the terminal too.
    const lines = given[0]!.commands.flatMap(({ lines }) => lines);
    for (const name of ['gnr translate', 'gnr train', 'gnr serve'])
      expect(lines.some((line) => line.includes(name))).toBe(true);
    for (const line of lines) expect(stdout).toContain(`    ${line}\n`);
  });
});
