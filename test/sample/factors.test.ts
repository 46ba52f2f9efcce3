import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { sampleFactors } from '../../src/sample/draw.js';
import {
  type AnimeStyle,
  drawAnimeStyle,
  drawContent,
  drawPhotoStyle,
  FAMILIES,
  portraitSchema,
} from '../../src/sample/factors.js';
import { readFactors } from '../../src/sample/factors-file.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gnr-factors-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

test('all draws follow the schema, and JSON does not change them', () => {
  const rng = new Rng(1, 'schema');
  for (let i = 0; i < 300; i++) {
    const content = drawContent(rng);
    const anime = FAMILIES.map((family) => drawAnimeStyle(rng, family));
    for (const style of [drawPhotoStyle(rng), ...anime]) {
      const factors = portraitSchema.parse({ content, style });
      expect(JSON.parse(JSON.stringify(factors))).toEqual(factors);
    }
  }
});

test('a print has few inks: its lines have the dark one, and its accent the bright one', () => {
  const rng = new Rng(2, 'print');
  const styles = Array.from({ length: 200 }, () => drawAnimeStyle(rng, 'print'));
  const brightness = (colour: string): number =>
    [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(colour.slice(at, at + 2), 16), 0) / (3 * 255);
  for (const { line, accent } of styles) {
    expect(brightness(line)).toBeLessThan(0.25);
    expect(brightness(accent)).toBeGreaterThan(0.35);
    expect(brightness(accent)).toBeLessThan(0.75);
  }
  // Few inks, many combinations.
  expect(new Set(styles.map(({ line }) => line)).size).toBeLessThanOrEqual(6);
  expect(new Set(styles.map(({ line, accent }) => line + accent)).size).toBeGreaterThan(20);
});

test('content has the stated ranges and one distribution in both domains', () => {
  const content = (folder: 'trainA' | 'trainB') =>
    Array.from({ length: 1500 }, (_, i) => sampleFactors(3, folder, `${folder}/${i}`, 'vivid').content);
  const [a, b] = [content('trainA'), content('trainB')];
  const ranges = {
    x: [-0.12, 0.12],
    y: [-0.12, 0.12],
    scale: [0.7, 1.3],
    tilt: [-20, 20],
    turn: [-1, 1],
    hairLength: [0, 1],
  };
  for (const [key, [low, high]] of Object.entries(ranges)) {
    const values = (set: typeof a) =>
      set.map((item) => item[key as keyof typeof ranges]).sort((p, q) => p - q);
    const [inA, inB] = [values(a), values(b)];
    for (const set of [inA, inB]) {
      expect(set[0]).toBeGreaterThanOrEqual(low!);
      expect(set.at(-1)).toBeLessThanOrEqual(high!);
    }
    for (const share of [0.02, 0.25, 0.5, 0.75, 0.98]) {
      const at = Math.floor(share * inA.length);
      expect(Math.abs(inA[at]! - inB[at]!)).toBeLessThan(0.07 * (high! - low!));
    }
  }
  expect(a.map(({ x }) => x)).not.toEqual(b.map(({ x }) => x));
  const turnedFar = [...a, ...b].filter(({ turn }) => Math.abs(turn) > 0.5);
  expect(turnedFar.length / (a.length + b.length)).toBeCloseTo(1 - 0.5 ** (1 / 3), 1);
});

describe('factors.json', () => {
  const valid = () => ({
    format: 'gnr-sample-factors',
    version: 1,
    seed: 0,
    size: 64,
    family: 'vivid',
    images: { 'trainA/00000.png': sampleFactors(0, 'trainA', 'trainA/00000', 'vivid') },
  });
  const write = (text: string) => writeFile(join(root, 'factors.json'), text);

  test('is read back unchanged', async () => {
    await write(JSON.stringify(valid()));
    expect(await readFactors(root)).toEqual(valid());
  });

  test('of a dataset drawn before photographs had ages, hats and cameras is read with defaults', async () => {
    const factors = valid().images['trainA/00000.png']!;
    const { x, y, scale, tilt, gazeX, gazeY, smile, open, hairLength } = factors.content;
    const old = {
      content: { x, y, scale, tilt, gazeX, gazeY, smile, open, hairLength },
      style: {
        manner: 'photo',
        skin: '#dcae8c',
        hair: '#2b1d16',
        hairShape: 'curly',
        hairVolume: 0.2,
        hairWave: 0.4,
        iris: '#4a2f1d',
        jaw: 0,
        eyeOpening: 0,
        brows: 0.5,
        lips: '#b06a5c',
        light: -0.6,
        clothes: 'vneck',
        clothesColour: '#2f3e52',
        background: ['#9aa9b5', '#c9d2d8', '#75858f'],
        noise: 2,
        blur: 0.3,
        detail: 7,
      },
    };
    await write(JSON.stringify({ ...valid(), images: { 'trainA/00000.png': old } }));
    const read = (await readFactors(root)).images['trainA/00000.png']!;
    expect(read.content).toEqual({ ...old.content, turn: 0 });
    expect(read.style).toMatchObject({ ...old.style, hat: 'none', beard: 'none', jpeg: 100 });
  });

  test('of a dataset whose anime has no figures, drawn before there were boys, is read', async () => {
    const { content, style } = sampleFactors(0, 'trainB', 'trainB/00000', 'vivid');
    const { figure: _, ...old } = style as AnimeStyle;
    const images = { 'trainB/00000.png': { content, style: { ...old, background: 'halftone' } } };
    await write(JSON.stringify({ ...valid(), images }));
    const read = (await readFactors(root)).images['trainB/00000.png']!;
    expect(read).toEqual({ content, style: { ...old, background: 'halftone', figure: 'girl' } });
  });

  test('may have a list of families', async () => {
    const mixed = { ...valid(), family: ['vivid', 'print'] };
    await write(JSON.stringify(mixed));
    expect(await readFactors(root)).toEqual(mixed);
  });

  test('is named if it is missing', async () => {
    await expect(readFactors(root)).rejects.toThrow(InputError);
    await expect(readFactors(root)).rejects.toThrow(
      /factors\.json but found no such file; draw the dataset again/,
    );
  });

  test('is named if it is not JSON', async () => {
    await write('{"format": ');
    await expect(readFactors(root)).rejects.toThrow(InputError);
    await expect(readFactors(root)).rejects.toThrow(/Expected JSON in .*factors\.json/);
  });

  test.each([
    ['format', { ...valid(), format: 'other' }],
    ['version', { ...valid(), version: 2 }],
    ['images.a.content', { ...valid(), images: { a: { style: valid().images['trainA/00000.png']!.style } } }],
    ['images.a.content.x', withContent({ x: 'left' })],
    ['images.a.content', withContent({ mood: 1 })],
    [
      'images.a.style.manner',
      { ...valid(), images: { a: { ...valid().images['trainA/00000.png'], style: { manner: 'oil' } } } },
    ],
    ['the whole file', []],
  ])('is rejected with the key if %s is wrong', async (key, value) => {
    await write(JSON.stringify(value));
    await expect(readFactors(root)).rejects.toThrow(InputError);
    await expect(readFactors(root)).rejects.toThrow(`found at ${key}:`);
  });

  test.each([['oil'], [['vivid', 'oil']], [undefined]])(
    'is rejected with the families that there are, and what it has, for family %j',
    async (family) => {
      await write(JSON.stringify({ ...valid(), family }));
      await expect(readFactors(root)).rejects.toThrow(
        `found at family: expected ${FAMILIES.join(', ')}, or a list of at least two of them, received ${JSON.stringify(family)};`,
      );
    },
  );

  function withContent(change: object) {
    const factors = valid().images['trainA/00000.png']!;
    return { ...valid(), images: { a: { ...factors, content: { ...factors.content, ...change } } } };
  }
});
