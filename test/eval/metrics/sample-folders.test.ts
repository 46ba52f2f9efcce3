// The metrics of the sample dataset on folders that are not quite one, and on few or small images.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/base/hash.js';
import { encodePng } from '../../../src/data/decode.js';
import { evaluate } from '../../../src/eval/evaluate.js';
import type { BaselineName } from '../../../src/eval/methods/baselines.js';
import type { MethodResult } from '../../../src/eval/receipt.js';
import { verifyReceipt } from '../../../src/eval/verify.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { drawSampleDataset } from '../../../src/sample/draw.js';
import { rejectionMessage } from '../../support/rejection.js';

let folder = '';
let sample = '';
beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-sample-folders-'));
  sample = join(folder, 'sample');
  await drawSampleDataset({ dir: sample, images: 1, testImages: 4, size: 32 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let copies = 0;
async function copyOfSample(factors?: string): Promise<string> {
  const data = join(folder, `copy-${copies++}`);
  await cp(sample, data, { recursive: true });
  if (factors !== undefined) await writeFile(join(data, 'factors.json'), factors);
  return data;
}

interface Options {
  fake?: string;
  out?: string;
  baselines?: BaselineName[];
}

async function evaluated(data: string, metrics: object, { fake, out, baselines }: Options = {}) {
  const protocol = join(folder, 'own.json');
  await writeFile(protocol, JSON.stringify({ name: 'own', metrics }));
  const fakes = fake === undefined ? [] : [{ name: 'fake', folder: fake }];
  const { receipt } = await evaluate({
    data,
    fakes,
    baselines: baselines ?? (fake === undefined ? ['identity'] : []),
    protocol,
    ...(out !== undefined && { out }),
  });
  return receipt;
}

const measuredBy = ({ figures }: MethodResult) => [...new Set(figures.map(({ metric }) => metric))];
const SAMPLE_METRICS = { landmarks: {}, factors: {} };
const NEWER = '{"format": "gnr-sample-factors", "version": 2}';

describe('a factors.json', () => {
  it.each([
    ['a list', '[1, 2]'],
    ['truncated', '{"images": {'],
    ['of another format', '{"format": "mine", "images": {}}'],
    ['empty', ''],
  ])("that is %s is the user's own: there are no known factors", async (_, text) => {
    const { methods, factors } = await evaluated(await copyOfSample(text), {
      spectrum: {},
      ...SAMPLE_METRICS,
    });
    const why = 'only the sample dataset has known factors';
    expect(measuredBy(methods[0]!)).toEqual(['spectrum']);
    expect(methods[0]!.left).toEqual(['landmarks', 'factors'].map((metric) => ({ metric, why })));
    expect(factors).toBeUndefined();
  });

  it.each([
    ['of another version', NEWER, /version 1 in .*factors\.json but found at version/],
    ['truncated', '{ "format": "gnr-sample-factors", "images": {', /JSON in .*factors\.json/],
  ])('of a sample dataset that is %s is an error only if a metric needs it', async (_, text, message) => {
    const data = await copyOfSample(text);
    const receipt = await evaluated(data, { spectrum: {} });
    expect(measuredBy(receipt.methods[0]!)).toEqual(['spectrum']);
    for (const metric of ['landmarks', 'factors'])
      expect(await rejectionMessage(evaluated(data, { spectrum: {}, [metric]: {} }))).toMatch(message);
  });

  it('is in the receipt if a metric needs it, and a changed or missing one is a difference', async () => {
    const data = await copyOfSample();
    const path = join(data, 'factors.json');
    const text = await readFile(path, 'utf8');
    const [out, other] = [join(folder, 'out'), join(folder, 'out-other')];
    expect((await evaluated(data, { landmarks: {} }, { out })).factors).toEqual({ sha256: sha256(text) });
    expect((await evaluated(data, { spectrum: {} }, { out: other })).factors).toBeUndefined();
    const differing = async (from: string) =>
      (await verifyReceipt(join(from, 'receipt.json'))).differences.map(({ what }) => what);
    expect(await differing(out)).toEqual([]);
    // Another seed, which no figure depends on.
    await writeFile(path, text.replace(/"seed": \d+/, '"seed": 77'));
    expect(await differing(out)).toEqual(['factors.json']);
    await rm(path);
    expect(await differing(out)).toContain('factors.json (missing, or no longer that of the sample dataset)');
    expect(await differing(other)).toEqual([]);
  });
});

it('inputs without an entry in factors.json are counted, and one is named; real images have entries of their own', async () => {
  const data = await copyOfSample();
  await cp(join(data, 'testA/00000.png'), join(data, 'testA/yyy.png'));
  const lefts = async () => {
    const { methods } = await evaluated(data, SAMPLE_METRICS, { baselines: ['identity', 'real-split'] });
    expect(measuredBy(methods[0]!)).toEqual([]);
    expect(measuredBy(methods[1]!)).toEqual(['landmarks', 'factors']);
    return methods[0]!.left.map(({ why }) => why);
  };
  const one =
    '1 of 5 input pictures has no entry in factors.json (testA/yyy.png): remove it, or draw the dataset again';
  expect(await lefts()).toEqual([one, one]);
  await cp(join(data, 'testA/00000.png'), join(data, 'testA/zzz.png'));
  expect((await lefts())[0]).toBe(
    '2 of 6 input pictures have no entry in factors.json (such as testA/yyy.png): remove them, or draw the dataset again',
  );
});

it('factors of several outputs of a single input have no correlation, and landmarks have figures', async () => {
  const fake = join(folder, 'one-input');
  await mkdir(fake);
  for (const style of [1, 2])
    await cp(join(sample, `testB/0000${style}.png`), join(fake, `00000_style-${style}.png`));
  const { methods } = await evaluated(sample, SAMPLE_METRICS, { fake });
  expect(measuredBy(methods[0]!)).toEqual(['landmarks']);
  expect(methods[0]!.left).toEqual([{ metric: 'factors', why: 'needs at least two different inputs' }]);
});

it('a spectrum needs a first output of at least 2 x 2 px', async () => {
  const fakeOf = async (width: number, height: number): Promise<string> => {
    const fake = join(folder, `${width}x${height}`);
    await mkdir(fake);
    const image = { data: new Uint8Array(width * height * 3).fill(90), width, height };
    await encodePng(image, join(fake, '00000.png'));
    await cp(join(sample, 'testB/00001.png'), join(fake, '00001.png'));
    return fake;
  };
  for (const [width, height] of [
    [1, 1],
    [5, 1],
  ] as const) {
    const { methods } = await evaluated(sample, { spectrum: {} }, { fake: await fakeOf(width, height) });
    expect(methods[0]!.left).toEqual([
      {
        metric: 'spectrum',
        why: expect.stringMatching(new RegExp(`at least 2 x 2 px.*has ${width} x ${height}$`)),
      },
    ]);
  }
  const { methods } = await evaluated(sample, { spectrum: {} }, { fake: await fakeOf(2, 2) });
  expect(measuredBy(methods[0]!)).toEqual(['spectrum']);
});
