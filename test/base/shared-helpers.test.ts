import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { sha256, sha256OfFile } from '../../src/base/hash.js';
import { parseOrThrow } from '../../src/base/parse-or-throw.js';
import { writeJson } from '../../src/base/write-json.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-helpers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// FIPS 180-2, appendix B.1.
const OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

it('sha256 and sha256OfFile give the published hash of "abc", however the bytes are split', async () => {
  await writeFile(join(folder, 'abc'), 'abc');
  expect(await sha256OfFile(join(folder, 'abc'))).toBe(OF_ABC);
  expect(sha256('abc')).toBe(OF_ABC);
  expect(sha256('a', Buffer.from('bc'))).toBe(OF_ABC);
});

it('writeJson indents by two spaces and ends with a newline', async () => {
  await writeJson(join(folder, 'value.json'), { a: [1] });
  expect(await readFile(join(folder, 'value.json'), 'utf8')).toBe('{\n  "a": [\n    1\n  ]\n}\n');
});

it('parseOrThrow gives the parsed value, or names every issue on one line', () => {
  const schema = z.object({ a: z.number(), b: z.string().default('x') });
  const details = { expected: 'a value', remedy: 'correct it' };
  expect(parseOrThrow(schema, { a: 1 }, details)).toEqual({ a: 1, b: 'x' });
  expect(() => parseOrThrow(schema, { a: 'no', b: 2 }, details)).toThrow(
    /^Expected a value but found [^\n]*at a[^\n]*at b; correct it\.$/,
  );
});
