import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { collectInputs } from '../../src/images/inputs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-inputs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (path: string): string => join(folder, path);

async function make(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), 'not looked at');
  }
}

async function rejectionMessage(paths: string[]): Promise<string> {
  const error = await collectInputs(paths).then(
    () => expect.unreachable('was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('collectInputs', () => {
  it('lists files in the order of the arguments, named without extension', async () => {
    await make('b.png', 'a.v2.jpg');
    expect(await collectInputs([at('b.png'), at('a.v2.jpg')])).toEqual([
      { file: at('b.png'), name: 'b' },
      { file: at('a.v2.jpg'), name: 'a.v2' },
    ]);
  });

  it('searches folders in sorted order, and names images by their relative path', async () => {
    await make('in/z.webp', 'in/sub/deep/a.png', 'in/sub/b.png', 'in/notes.txt', 'in/.hidden.png');
    expect(await collectInputs([at('in')])).toEqual([
      { file: at('in/sub/b.png'), name: 'sub-b' },
      { file: at('in/sub/deep/a.png'), name: 'sub-deep-a' },
      { file: at('in/z.webp'), name: 'z' },
    ]);
  });

  it('numbers duplicate names, skipping names that are taken', async () => {
    await make('one/x.png', 'one/x.jpg', 'two/x.png', 'x-2.png');
    const inputs = await collectInputs([at('one'), at('x-2.png'), at('two'), at('two/x.png')]);
    expect(inputs.map(({ name }) => name)).toEqual(['x', 'x-2', 'x-2-2', 'x-3', 'x-4']);
    expect(inputs.map(({ file }) => file)).toEqual(
      ['one/x.jpg', 'one/x.png', 'x-2.png', 'two/x.png', 'two/x.png'].map(at),
    );
  });

  it('accepts a file of any extension that is named explicitly', async () => {
    await make('photo.unknown');
    expect(await collectInputs([at('photo.unknown')])).toEqual([
      { file: at('photo.unknown'), name: 'photo' },
    ]);
  });

  it('rejects a path that does not exist and a folder without images', async () => {
    await make('empty/readme.txt', 'a.png');
    expect(await rejectionMessage([at('a.png'), at('missing.png')])).toBe(
      `Expected an image or folder at ${at('missing.png')} but found nothing; check the path.`,
    );
    expect(await rejectionMessage([at('empty')])).toContain(`an image in ${at('empty')} but found none`);
  });
});
