import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { decodeImage, toFloat } from '../../src/data/decode.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { collectInputs } from '../../src/images/inputs.js';
import { loadEngine } from '../../src/runtime/node.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import {
  between,
  interpolateStyles,
  makeStyles,
  randomStyles,
  readStyleCodes,
  type StyleChoice,
} from '../../src/translate/styles.js';
import type { Translator } from '../../src/translate/translator.js';
import { tinyConfig } from '../support/config.js';

const config = tinyConfig();
const { size, latentDim } = config.model;
let folder: string;
let translator: Translator;
beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-styles-'));
  await drawSampleDataset({ dir: folder, images: 3, testImages: 1, size: 40 });
  translator = openTranslator(config.model, initNetworks(buildNetworks(config), new Rng(1, 'init')), {
    capture: false,
  });
});
afterAll(async () => {
  translator.dispose();
  await rm(folder, { recursive: true, force: true });
});

const NONE: StyleChoice = { codes: [], recorded: [], pictures: [], random: 0, seed: 5, truncation: 1 };
const norm = (code: Float32Array): number => Math.hypot(...code);

describe('random styles', () => {
  it('are drawn from the seed, each with its label and origin', () => {
    const styles = randomStyles(3, 5, latentDim);
    expect(styles.map(({ label }) => label)).toEqual(['style-1', 'style-2', 'style-3']);
    expect(styles.map(({ code }) => code.length)).toEqual([latentDim, latentDim, latentDim]);
    expect(styles.map(({ origin }) => origin)).toEqual([0, 1, 2].map((index) => ({ seed: 5, index })));
    expect(randomStyles(3, 5, latentDim)).toEqual(styles);
    expect(randomStyles(1, 5, latentDim)[0]).toEqual(styles[0]);
    expect(randomStyles(1, 6, latentDim)[0]!.code).not.toEqual(styles[0]!.code);
    expect(styles[1]!.code).not.toEqual(styles[0]!.code);
  });

  it('are pulled towards the mean by truncation', () => {
    const [drawn, half, mean] = [1, 0.5, 0].map(
      (truncation) => randomStyles(1, 5, latentDim, truncation)[0]!,
    );
    expect([...half!.code]).toEqual([...drawn!.code].map((value) => Math.fround(value * 0.5)));
    expect(mean!.code.every((value) => value === 0)).toBe(true);
  });
});

describe('references', () => {
  it('give the style of a picture of the target domain', async () => {
    const file = join(folder, 'trainB', '00000.png');
    const stylesOf = (path: string) =>
      makeStyles({ ...NONE, pictures: [{ file: path, name: 'reference' }] }, translator, 'A2B');
    const [style] = await stylesOf(file);
    expect(style!.label).toBe('reference');
    expect(style!.code).toEqual(translator.styleOf('A2B', toFloat(await decodeImage(file, { size }))));
    await expect(stylesOf(join(folder, 'missing.png'))).rejects.toThrow(InputError);
  });

  it('of a folder are one for each picture, under its name', async () => {
    const pictures = await collectInputs([join(folder, 'trainB')]);
    const styles = await makeStyles({ ...NONE, pictures }, translator, 'A2B');
    expect(styles.map(({ label }) => label)).toEqual(['00000', '00001', '00002']);
    const last = translator.styleOf('A2B', toFloat(await decodeImage(pictures[2]!.file, { size })));
    for (const [i, value] of last.entries()) expect(styles[2]!.code[i]).toBeCloseTo(value, 4);
  });
});

describe('between', () => {
  const from = Float32Array.of(2, 0, 0);
  const to = Float32Array.of(0, 4, 0);

  it('keeps the ends, goes around at linear length', () => {
    expect([...between(from, to, 0)]).toEqual([2, 0, 0]);
    expect([...between(from, to, 1)]).toEqual([0, 4, 0]);
    const middle = between(from, to, 0.5);
    expect(norm(middle)).toBeCloseTo(3, 5);
    expect(middle[0]).toBeCloseTo(middle[1]!, 5);
  });

  it('keeps the length of random styles all the way, where a straight line loses it', () => {
    const [a, b] = randomStyles(2, 9, 64).map(({ code }) => code);
    const lengths = [0, 0.25, 0.5, 0.75, 1].map((share) => norm(between(a!, b!, share)));
    for (const [i, length] of lengths.entries())
      expect(length).toBeCloseTo(norm(a!) + (norm(b!) - norm(a!)) * (i / 4), 3);
    const straight = norm(a!.map((value, i) => (value + b![i]!) / 2));
    expect(straight).toBeLessThan(0.85 * lengths[2]!);
  });

  it('goes straight where there is no circle: zeros, equal, opposite', () => {
    expect([...between(from, Float32Array.of(0, 0, 0), 0.5)]).toEqual([1, 0, 0]);
    expect([...between(Float32Array.of(0, 0), Float32Array.of(0, 0), 0.5)]).toEqual([0, 0]);
    expect([...between(from, from, 0.3)].map((value) => Math.round(value * 1e5) / 1e5)).toEqual([2, 0, 0]);
    expect([...between(from, Float32Array.of(-2, 0, 0), 0.5)]).toEqual([0, 0, 0]);
  });

  it('is cut into equal steps with both ends by interpolateStyles', () => {
    const [a, b] = randomStyles(2, 9, 8) as [never, never];
    const styles = interpolateStyles(a, b, 5);
    expect(styles.map(({ label }) => label)).toEqual(['mix-1', 'mix-2', 'mix-3', 'mix-4', 'mix-5']);
    expect([styles[0]!.code, styles[4]!.code]).toEqual([a, b].map(({ code }) => code));
    expect(styles[1]!.origin).toEqual({ from: 'style-1', to: 'style-2', share: 0.25 });
  });
});

describe('readStyleCodes', () => {
  const file = async (text: string): Promise<string> => {
    const path = join(folder, 'code.json');
    await writeFile(path, text);
    return path;
  };

  it('reads numbers, and JSON files with one code or several', async () => {
    expect(await readStyleCodes('0.5, -1.5,2e-1')).toEqual([Float32Array.of(0.5, -1.5, 0.2)]);
    expect(await readStyleCodes('3')).toEqual([Float32Array.of(3)]);
    expect(await readStyleCodes('-.5,1')).toEqual([Float32Array.of(-0.5, 1)]);
    expect(await readStyleCodes(await file('[1, 2.5]'))).toEqual([Float32Array.of(1, 2.5)]);
    expect(await readStyleCodes(await file('[[1], [2]]'))).toEqual([Float32Array.of(1), Float32Array.of(2)]);
  });

  it.each(['1,2,x', '1,,2', '1,', '1e300,2', 'nowhere.json', '[1,2]'])('refuses %s', async (text) => {
    await expect(readStyleCodes(text)).rejects.toThrow(/a style code: numbers separated by commas/);
  });

  it.each(['', '{}', '[]', '[[]]', '["1"]', '[1, null]', '[[1], 2]', '[1e300]'])(
    'refuses a file with %s',
    async (text) => {
      await expect(readStyleCodes(await file(text))).rejects.toThrow(InputError);
    },
  );
});

describe('makeStyles', () => {
  const code = Float32Array.from({ length: latentDim }, (_, i) => i - 3);

  it('puts codes, recorded ones, references and random ones in order, under labels of their own', async () => {
    const styles = await makeStyles(
      {
        ...NONE,
        codes: [code],
        recorded: [{ label: 'style-1', code }],
        pictures: await collectInputs([join(folder, 'trainB', '00001.png')]),
        random: 2,
      },
      translator,
      'A2B',
    );
    expect(styles.map(({ label }) => label)).toEqual(['code-1', 'style-1', '00001', 'style-1-2', 'style-2']);
    expect(styles[3]!.code).toEqual(randomStyles(1, 5, latentDim)[0]!.code);
  });

  it('pulls all of them by truncation', async () => {
    const styles = await makeStyles(
      { ...NONE, codes: [code], random: 1, truncation: 0.5 },
      translator,
      'A2B',
    );
    expect([...styles[0]!.code]).toEqual([...code].map((value) => value / 2));
    expect(styles[1]!.code).toEqual(randomStyles(1, 5, latentDim, 0.5)[0]!.code);
  });

  it('interpolates from the first to the second in place of all', async () => {
    const styles = await makeStyles({ ...NONE, codes: [code], random: 3, interpolate: 3 }, translator, 'A2B');
    expect(styles.map(({ label }) => label)).toEqual(['mix-1', 'mix-2', 'mix-3']);
    expect(styles[2]!.code).toEqual(randomStyles(1, 5, latentDim)[0]!.code);
    const alone = makeStyles({ ...NONE, codes: [code], interpolate: 3 }, translator, 'A2B');
    await expect(alone).rejects.toThrow(/two styles to interpolate between but found 1/);
  });

  it('refuses a code of another length', async () => {
    const short = makeStyles({ ...NONE, codes: [code.slice(1)] }, translator, 'A2B');
    await expect(short).rejects.toThrow(`a style of ${latentDim} numbers for this model but found`);
  });
});
