import { mkdtemp, rm } from 'node:fs/promises';
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
import { interpolateStyles, makeStyles, randomStyles, type StyleChoice } from '../../src/translate/styles.js';
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

const NONE: StyleChoice = { codes: [], recorded: [], references: [], random: 0, seed: 5, truncation: 1 };

describe('random styles', () => {
  it('follow from the seed, and have a label and an origin each', () => {
    const styles = randomStyles(3, 5, latentDim);
    expect(styles.map(({ label }) => label)).toEqual(['style-1', 'style-2', 'style-3']);
    expect(styles.map(({ code }) => code.length)).toEqual([latentDim, latentDim, latentDim]);
    expect(styles.map(({ origin }) => origin)).toEqual([0, 1, 2].map((index) => ({ seed: 5, index })));
    expect(randomStyles(3, 5, latentDim)).toEqual(styles);
    expect(randomStyles(1, 5, latentDim)[0]).toEqual(styles[0]);
    expect(randomStyles(1, 6, latentDim)[0]!.code).not.toEqual(styles[0]!.code);
    expect(styles[1]!.code).not.toEqual(styles[0]!.code);
  });

  it('move towards the mean style with truncation', () => {
    const [drawn, half, mean] = [1, 0.5, 0].map(
      (truncation) => randomStyles(1, 5, latentDim, truncation)[0]!,
    );
    expect([...half!.code]).toEqual([...drawn!.code].map((value) => Math.fround(value * 0.5)));
    expect(mean!.code.every((value) => value === 0)).toBe(true);
  });
});

describe('references', () => {
  it('have the style code of their image, encoded in the target domain', async () => {
    const file = join(folder, 'trainB', '00000.png');
    const stylesOf = (path: string) =>
      makeStyles({ ...NONE, references: [{ file: path, name: 'reference' }] }, translator, 'A2B');
    const [style] = await stylesOf(file);
    expect(style!.label).toBe('reference');
    expect(style!.code).toEqual(translator.styleOf('A2B', toFloat(await decodeImage(file, { size }))));
    await expect(stylesOf(join(folder, 'missing.png'))).rejects.toThrow(InputError);
  });

  it('make one style for each image of a folder, under the name of the image', async () => {
    const references = await collectInputs([join(folder, 'trainB')]);
    const styles = await makeStyles({ ...NONE, references }, translator, 'A2B');
    expect(styles.map(({ label }) => label)).toEqual(['00000', '00001', '00002']);
    const last = translator.styleOf('A2B', toFloat(await decodeImage(references[2]!.file, { size })));
    for (const [i, value] of last.entries()) expect(styles[2]!.code[i]).toBeCloseTo(value, 4);
  });
});

describe('interpolateStyles', () => {
  it('cuts the way between two styles into equal steps that include both ends', () => {
    const [a, b] = randomStyles(2, 9, 8) as [never, never];
    const styles = interpolateStyles(a, b, 5);
    expect(styles.map(({ label }) => label)).toEqual(['mix-1', 'mix-2', 'mix-3', 'mix-4', 'mix-5']);
    expect([styles[0]!.code, styles[4]!.code]).toEqual([a, b].map(({ code }) => code));
    expect(styles[1]!.origin).toEqual({ from: 'style-1', to: 'style-2', share: 0.25 });
  });
});

describe('makeStyles', () => {
  const code = Float32Array.from({ length: latentDim }, (_, i) => i - 3);

  it('lists codes, recorded styles, references and random styles in this order, under unique labels', async () => {
    const styles = await makeStyles(
      {
        ...NONE,
        codes: [code],
        recorded: [{ label: 'style-1', code }],
        references: await collectInputs([join(folder, 'trainB', '00001.png')]),
        random: 2,
      },
      translator,
      'A2B',
    );
    expect(styles.map(({ label }) => label)).toEqual(['code-1', 'style-1', '00001', 'style-1-2', 'style-2']);
    expect(styles[3]!.code).toEqual(randomStyles(1, 5, latentDim)[0]!.code);
  });

  it('truncates explicit codes and random styles alike', async () => {
    const styles = await makeStyles(
      { ...NONE, codes: [code], random: 1, truncation: 0.5 },
      translator,
      'A2B',
    );
    expect([...styles[0]!.code]).toEqual([...code].map((value) => value / 2));
    expect(styles[1]!.code).toEqual(randomStyles(1, 5, latentDim, 0.5)[0]!.code);
  });

  it('replaces all styles with an interpolation from the first to the second', async () => {
    const styles = await makeStyles({ ...NONE, codes: [code], random: 3, interpolate: 3 }, translator, 'A2B');
    expect(styles.map(({ label }) => label)).toEqual(['mix-1', 'mix-2', 'mix-3']);
    expect(styles[2]!.code).toEqual(randomStyles(1, 5, latentDim)[0]!.code);
    const alone = makeStyles({ ...NONE, codes: [code], interpolate: 3 }, translator, 'A2B');
    await expect(alone).rejects.toThrow(/two styles to interpolate between but found 1/);
  });

  it('rejects a code whose length differs from that of the model', async () => {
    const short = makeStyles({ ...NONE, codes: [code.slice(1)] }, translator, 'A2B');
    await expect(short).rejects.toThrow(`a style of ${latentDim} numbers for this model but found`);
  });
});
