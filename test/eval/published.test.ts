import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { type PublishedTable, publishedBeside, readPublished } from '../../src/eval/published.js';
import { figure, method, receipt } from '../support/receipt.js';

let folder: string;
let tables: PublishedTable[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-published-'));
  tables = await readPublished();
});
afterAll(() => rm(folder, { recursive: true }));

describe('readPublished', () => {
  it("has the U-GAT-IT repository's table, with its source", () => {
    const table = tables.find(({ direction }) => direction === 'A2B')!;
    expect(table.figures.map(({ method: name, value, deviation }) => [name, value, deviation])).toEqual([
      ['U-GAT-IT', 11.61, 0.57],
      ['CycleGAN', 13.08, 0.49],
      ['MUNIT', 13.85, 0.41],
      ['AGGAN', 14.63, 0.55],
      ['UNIT', 14.71, 0.59],
      ['DRIT', 15.08, 0.62],
      ['CartoonGAN', 15.85, 0.69],
    ]);
    for (const { source, protocol, figures } of tables) {
      expect(source.url).toBe('https://github.com/taki0112/UGATIT');
      expect(protocol.name).toBe('u-gat-it');
      expect(figures.every(({ verified }) => verified)).toBe(true);
    }
  });

  it.each([
    ['invalid JSON', '{', /line 1/],
    ['an unknown key', '{"tables": [], "more": 1}', /the file: .*more/],
    ['a figure without its mark', undefined, /tables\.0\.figures\.0\.verified/],
    ['an address that is not on the web', undefined, /tables\.0\.source\.url/],
  ])('rejects %s', async (what, text, message) => {
    const [table] = structuredClone(tables);
    if (what.startsWith('a figure')) Reflect.deleteProperty(table!.figures[0]!, 'verified');
    if (what.startsWith('an address')) table!.source.url = 'javascript:alert(1)';
    const path = join(folder, 'wrong.json');
    await writeFile(path, text ?? JSON.stringify({ tables: [table] }));
    const error = await readPublished(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(message);
    expect(String(error)).toContain(path);
  });

  it('names a missing file', async () => {
    await expect(readPublished(join(folder, 'none.json'))).rejects.toThrow(/none\.json but found none/);
  });
});

describe('publishedBeside', () => {
  const ofInception = () =>
    tables.map((table) => ({ ...table, protocol: { ...table.protocol, features: 'inception' } }));
  const kid = (title = 'KID × 100') => figure({ metric: 'kid', key: 'kid', title });
  const protocol = { name: 'u-gat-it', metrics: { kid: {} } };
  const sources = {
    data: 'data/selfie2anime/',
    inputs: null,
    real: 'data/selfie2anime/testB',
    fakes: [],
    baselines: [],
  };
  const beside = (given: Record<string, unknown> = {}, title?: string, dataset?: string) =>
    publishedBeside(
      receipt([method('a', [kid(title)])], { protocol, sources, ...given }),
      ofInception(),
      dataset,
    );

  it('gives the table of the same dataset, protocol, direction and metric', () => {
    const { table, figures } = beside().get('kid')!;
    expect([table.direction, figures.length, figures[0]!.value]).toEqual(['A2B', 7, 11.61]);
    const back = beside({ protocol: { ...protocol, direction: 'B2A' } }).get('kid')!;
    expect(back.figures[0]!.value).toBe(11.52);
  });

  it('converts values to the unit of the figure', () => {
    const { figures } = beside({}, 'KID').get('kid')!;
    expect(figures[0]!.value).toBeCloseTo(0.1161, 12);
    expect(figures[0]!.deviation).toBeCloseTo(0.0057, 12);
  });

  it('takes the dataset from the folder of the real images, or from its argument', () => {
    expect(beside({ sources: { ...sources, data: null } }).size).toBe(1);
    expect(beside({ sources: { ...sources, data: null, real: 'anime' } }).size).toBe(0);
    expect(beside({ sources: { ...sources, data: 'data' } }).size).toBe(0);
    expect(beside({ sources: { ...sources, data: 'data' } }, undefined, 'Selfie2Anime').size).toBe(1);
  });

  it.each([
    ['another protocol', { protocol: { ...protocol, name: 'gnr' } }],
    ['other features', { protocol: { ...protocol, metrics: { kid: { features: 'inception-clean' } } } }],
    ['fewer images', { images: [{ role: 'real', folder: 'f', count: 50, sha256: 'a'.repeat(64) }] }],
    ['no such figure', { methods: [method('a', [figure()])] }],
  ])('gives no table for %s', (_, given) => expect(beside(given).size).toBe(0));
});
