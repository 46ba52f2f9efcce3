import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, messageOf } from '../../src/base/errors.js';
import { examineImage } from '../../src/data/check/examine.js';
import { decodeImage } from '../../src/data/decode.js';
import { hostileImages } from './hostile.js';

const SIDE = 8;
const files = await hostileImages();

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-hostile-'));
  for (const { name, bytes } of files) await writeFile(join(folder, name), bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a file that does harm to careless readers has a right answer:', () => {
  it.each(files)('$name is translated, or refused in one sentence', async ({ name, answer }) => {
    const outcome = await decodeImage(join(folder, name), { size: SIDE }).catch((error: unknown) => error);
    if (answer === 'taken') return expect(outcome).toMatchObject({ width: SIDE, height: SIDE });
    expect(outcome).toBeInstanceOf(InputError);
    expect(messageOf(outcome)).toMatch(answer);
  });

  it.each(files)('$name does not end a check of its dataset', async ({ name }) => {
    expect(await examineImage(join(folder, name))).toBeTypeOf('object');
  });
});
