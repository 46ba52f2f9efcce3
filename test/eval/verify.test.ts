import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.js';
import {
  changedImages,
  formatImageList,
  hashImages,
  imageListFacts,
  listFileName,
} from '../../src/eval/image-list.js';
import type { Figure, Receipt } from '../../src/eval/receipt.js';
import { compareReceipts, compareSoftware } from '../../src/eval/verify.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-verify-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function list(contents: Record<string, string>) {
  const files: string[] = [];
  for (const [name, text] of Object.entries(contents)) {
    files.push(join(folder, name));
    await writeFile(files.at(-1)!, text);
  }
  return hashImages('fake a b', folder, files);
}

const figure = (values: number[]): Figure => ({
  metric: 'fid',
  key: 'fid',
  title: 'FID',
  better: 'lower',
  value: values[0]!,
  deviation: null,
  over: null,
  interval: null,
  values,
  n: {},
  how: '',
});

function receipt(changes: Partial<Receipt> = {}): Receipt {
  return {
    format: 'gnr-receipt',
    version: 1,
    created: '2026-01-01T00:00:00.000Z',
    protocol: {} as Receipt['protocol'],
    sources: { data: null, inputs: null, real: null, fakes: [], baselines: [] },
    model: null,
    images: [],
    weights: [],
    software: { node: '20' },
    methods: [{ name: 'model', kind: 'model', figures: [figure([1.5])], left: [] }],
    ...changes,
  };
}

describe('image lists', () => {
  it('are written like sha256sum does, and have one hash over all lines', async () => {
    const images = await list({ 'a.png': 'one', 'b.png': 'two' });
    const text = `${sha256('one')}  a.png\n${sha256('two')}  b.png\n`;
    expect(formatImageList(images)).toBe(text);
    expect(imageListFacts(images)).toEqual({ role: 'fake a b', folder, count: 2, sha256: sha256(text) });
  });

  it('name changed, missing and new images', async () => {
    const before = await list({ 'a.png': 'one', 'b.png': 'two', 'c.png': 'three' });
    const path = join(folder, 'receipt.json');
    await writeFile(join(folder, listFileName('fake a b')), formatImageList(before));
    expect(await changedImages(path, before)).toEqual([]);
    const now = await list({ 'a.png': 'one', 'b.png': '2', 'd.png': 'four' });
    const changes = await changedImages(path, now);
    expect(changes).toEqual(['b.png has changed', 'c.png is gone', 'd.png is new']);
    expect(await changedImages(path, now, 1)).toEqual([
      'b.png has changed',
      `and 2 more in ${listFileName('fake a b')}`,
    ]);
    expect(await changedImages(join(folder, 'elsewhere', 'receipt.json'), now)).toEqual([]);
  });
});

it('listFileName gives different methods different names', () => {
  const names = ['real', 'fake my model', 'fake my-model', 'fake モデル', 'fake 別'].map(listFileName);
  expect(new Set(names).size).toBe(5);
  for (const name of names) expect(name).toMatch(/^[\w.-]+\.sha256$/);
});

describe('compareReceipts', () => {
  it('finds no difference between equal receipts', () => {
    const later = receipt({ created: '2027-01-01T00:00:00.000Z' });
    expect(compareReceipts(receipt(), later)).toEqual([]);
  });

  it('finds the last digit of a value, lists, model, weights and methods', () => {
    const image = { role: 'real', folder: 'x', count: 2, sha256: 'a'.repeat(64) };
    const before = receipt({
      images: [image],
      model: { path: 'm', sha256: 'c'.repeat(64), size: 64, step: null },
      weights: [{ name: 'inception', sha256: 'd'.repeat(64), verified: true }],
    });
    const now = receipt({
      images: [{ ...image, sha256: 'b'.repeat(64) }],
      methods: [
        { name: 'model', kind: 'model', figures: [figure([1.5 + Number.EPSILON])], left: [] },
        { name: 'other', kind: 'folder', figures: [], left: [] },
      ],
    });
    expect(compareReceipts(before, now).map(({ what }) => what)).toEqual([
      'the images of real',
      'the model',
      'the weights inception',
      'fid of model',
      'the method other',
    ]);
  });

  it('finds a factors.json that has changed or is gone, unless the receipt knew of none', () => {
    const [before, now] = ['a', 'b'].map((digit) => receipt({ factors: { sha256: digit.repeat(64) } }));
    expect(compareReceipts(before!, before!)).toEqual([]);
    expect(compareReceipts(before!, now!)).toEqual([
      { what: 'factors.json', before: 'a'.repeat(64), now: 'b'.repeat(64) },
    ]);
    expect(compareReceipts(before!, receipt())).toMatchObject([
      { what: expect.stringMatching(/^factors\.json \(missing/), now: 'none' },
    ]);
    expect(compareReceipts(receipt(), now!)).toEqual([]);
  });

  it('compareSoftware reports software separately', () => {
    const now = receipt({ software: { node: '22' } });
    expect(compareReceipts(receipt(), now)).toEqual([]);
    expect(compareSoftware(receipt(), now)).toEqual([{ what: 'node', before: '20', now: '22' }]);
  });
});
