import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { placeOf, weightsState } from '../../src/weights/cache.js';
import { importWeights } from '../../src/weights/import.js';
import { KNOWN_WEIGHTS } from '../../src/weights/known.js';
import { listWeights } from '../../src/weights/list.js';
import { loadWeights } from '../../src/weights/load.js';
import { WEIGHT_NAMES } from '../../src/weights/names.js';
import { rejectionMessage } from '../support/rejection.js';
import { formulaCache, formulaWeights } from '../support/weights.js';

const NAME = 'lpips-alex';
let folder: string;
let env: NodeJS.ProcessEnv;
let place: ReturnType<typeof placeOf>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-load-'));
  env = { GNR_CACHE_DIR: folder };
  place = placeOf(NAME, env);
  const file = join(folder, 'alex.safetensors');
  await writeSafetensors(file, formulaWeights(NAME));
  await importWeights(file, { env, unverified: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function changeByte(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  const { size } = await handle.stat();
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, size - 3);
  byte[0]! ^= 1;
  await handle.write(byte, 0, 1, size - 3);
  await handle.close();
}

async function changeRecord(change: (record: Record<string, unknown>) => unknown): Promise<void> {
  const record = JSON.parse(await readFile(place.record, 'utf8')) as Record<string, unknown>;
  change(record);
  await writeFile(place.record, JSON.stringify(record));
}

describe('loadWeights', () => {
  it('names missing weights, and how to get them', async () => {
    expect(await rejectionMessage(loadWeights('inception', env))).toBe(
      `Expected the weights inception at ${join(folder, 'weights', 'inception.safetensors')} but found none; ` +
        'run gnr weights fetch inception, or gnr weights import FILE with pt_inception-2015-12-05-6726825d.pth.',
    );
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['one other byte', () => changeByte(place.file), /other bytes than those that were written/],
    ['a missing end', () => truncate(place.file, 1000), /other bytes/],
    ['no file', () => rm(place.file), /nothing that can be read/],
    ['a record of nothing', () => writeFile(place.record, '{'), /a record that cannot be read/],
    [
      'a record of another version',
      () => changeRecord((r) => Object.assign(r, { converter: 0 })),
      /another version/,
    ],
    [
      'a record of other weights',
      () => changeRecord((r) => Object.assign(r, { name: 'vgg16' })),
      /a record of vgg16/,
    ],
    [
      'a record that claims too much',
      () => changeRecord((r) => Object.assign(r, { verified: true })),
      /not official/,
    ],
  ])('rejects %s, with the remedy', async (_, spoil, problem) => {
    await spoil();
    const message = await rejectionMessage(loadWeights(NAME, env));
    expect(message).toMatch(problem);
    expect(message).toMatch(
      /damaged ones .*; run gnr weights fetch lpips-alex, or gnr weights import FILE with alex\.pth\.$/,
    );
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'damaged' });
    const row = (await listWeights(env)).find(({ name }) => name === NAME)!;
    expect(row).toMatchObject({
      state: 'damaged',
      bytes: null,
      source: null,
      problem: expect.stringMatching(problem),
    });
  });

  it('rejects tensors of another network, whatever their record says', async () => {
    await writeSafetensors(place.file, formulaWeights('lpips-vgg'));
    expect(await rejectionMessage(loadWeights(NAME, env))).toMatch(/other bytes/);
  });
});

it('the formula of the tests gives all known weights', async () => {
  const shared = await formulaCache(...WEIGHT_NAMES);
  for (const name of WEIGHT_NAMES) {
    const { tensors, verified } = await loadWeights(name, shared);
    expect([tensors.size, verified]).toEqual([KNOWN_WEIGHTS[name].tensors.size, false]);
  }
  expect((await listWeights(shared)).map(({ state }) => state)).toEqual(WEIGHT_NAMES.map(() => 'unverified'));
  const { tensors } = await loadWeights('inception', shared);
  const numbers = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  // torchvision's 23,834,568 parameters without AuxLogits, less the classifier's, and two moments of 17,216 channels.
  expect(numbers).toBe(23_834_568 - 2048 * 1000 - 1000 + 2 * 17_216);
});
