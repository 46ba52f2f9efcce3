import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { readStyleCodes } from '../../src/translate/style-codes.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-style-codes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('readStyleCodes', () => {
  const file = async (text: string): Promise<string> => {
    const path = join(folder, 'code.json');
    await writeFile(path, text);
    return path;
  };

  it('reads comma-separated numbers, and JSON files with one code or several', async () => {
    expect(await readStyleCodes('0.5, -1.5,2e-1')).toEqual([Float32Array.of(0.5, -1.5, 0.2)]);
    expect(await readStyleCodes('3')).toEqual([Float32Array.of(3)]);
    expect(await readStyleCodes('-.5,1')).toEqual([Float32Array.of(-0.5, 1)]);
    expect(await readStyleCodes(await file('[1, 2.5]'))).toEqual([Float32Array.of(1, 2.5)]);
    expect(await readStyleCodes(await file('[[1], [2]]'))).toEqual([Float32Array.of(1), Float32Array.of(2)]);
  });

  it('takes no more looks at a long word of digits than it has characters', async () => {
    await expect(readStyleCodes('1'.repeat(1_000_000))).rejects.toThrow(/a style code/);
  });

  it.each(['1,2,x', '1,,2', '1,', '1e300,2', 'nowhere.json', '[1,2]', '1/2,3', 'a1,2'])(
    'rejects %s',
    async (text) => {
      await expect(readStyleCodes(text)).rejects.toThrow(/a style code: numbers separated by commas/);
    },
  );

  it.each(['', '{}', '[]', '[[]]', '["1"]', '[1, null]', '[[1], 2]', '[1e300]'])(
    'rejects a file that contains %s',
    async (text) => {
      await expect(readStyleCodes(await file(text))).rejects.toThrow(InputError);
    },
  );
});
