import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDataset } from '../../../src/data/folder.js';
import { StyleDiversity } from '../../../src/train/watch/style-diversity.js';
import type { Translator } from '../../../src/translate/translator.js';
import { tinyConfig } from '../../support/config.js';
import { RunFolders } from '../../support/runs.js';

const runs = RunFolders.prepare();
const config = tinyConfig();
const { size } = config.model;

/** A translator whose images are flat, with the value that a style gives. */
function flat(brightness: (styles: Float32Array, image: number) => number): Translator {
  return {
    architecture: config.model,
    encode: (_: string, photos: Float32Array) => ({ count: photos.length / (size * size * 3) }),
    decode: ({ count }: { count: number }, styles: Float32Array) => {
      const out = new Float32Array(count * size * size * 3);
      for (let i = 0; i < count; i++)
        out.fill(brightness(styles, i), i * size * size * 3, (i + 1) * size * size * 3);
      return out;
    },
  } as unknown as Translator;
}

it('style diversity is 0 if styles change nothing, grows with their effect, and is reproducible', async () => {
  const dataset = await openDataset(runs.dataset, { requireTest: false });
  const diversity = (await StyleDiversity.open(config, dataset))!;
  expect(diversity.measure(flat((_, image) => image / 10))).toBe(0);
  const { latentDim } = config.model;
  const small = diversity.measure(flat((styles, image) => 0.1 * styles[image * latentDim]!));
  const large = diversity.measure(flat((styles, image) => 0.3 * styles[image * latentDim]!));
  expect(small).toBeGreaterThan(0.01);
  expect(large / small).toBeCloseTo(3, 4);
  const again = (await StyleDiversity.open(config, dataset))!;
  expect(again.measure(flat((styles, image) => 0.1 * styles[image * latentDim]!))).toBe(small);
});

it('style diversity is undefined with a single anime image', async () => {
  const root = join(runs.folder, 'one');
  await cp(runs.dataset, root, { recursive: true });
  for (const name of ['00001', '00002', '00003', '00004']) await rm(join(root, 'trainB', `${name}.png`));
  const dataset = await openDataset(root, { requireTest: false });
  expect(dataset.trainB.length).toBe(1);
  expect(await StyleDiversity.open(config, dataset)).toBeUndefined();
});
