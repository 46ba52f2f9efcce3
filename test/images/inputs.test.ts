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

  it('names results so that they are files of their own on disks that ignore case or composition', async () => {
    await make('in/a.png', 'in/A.jpg', 'in/\u00e9.png', 'in/e\u0301.png');
    const names = (await collectInputs([at('in')])).map(({ name }) => name);
    expect(new Set(names.map((name) => name.normalize('NFC').toLowerCase())).size).toBe(4);
  });

  it('names results of odd names plainly: no control characters, no hidden files, bytes that are no UTF-8 as %XX', async () => {
    await make('in/line\nbreak.png', 'in/..png', 'in/...', 'in/-rf.png', 'in/50%#1.png');
    const sjis = Buffer.concat([Buffer.from(`${at('in')}/`), Buffer.from('8eca2e706e67', 'hex')]);
    await writeFile(sjis, 'not looked at');
    const listed = await collectInputs([at('in')]);
    expect(listed.map(({ name }) => name)).toEqual(['-rf', '50%#1', 'line_break', '%8E%CA']);
    const dots = await collectInputs([at('in/..png'), at('in/...')]);
    expect(dots.map(({ name }) => name)).toEqual(['_', '__']);
    // The command line shows programs U+FFFD in place of such bytes.
    const [named] = await collectInputs([sjis.toString()]);
    expect(named).toEqual(listed[3]);
  });

  it('counts what it leaves out of folders, also where there is nothing else', async () => {
    await make('in/a.png', 'in/b.heic', 'in/c.heic', 'none/x.heic');
    const noted: unknown[] = [];
    await collectInputs([at('in'), at('in/a.png')], { onOtherFiles: (...args) => noted.push(args) });
    expect(noted).toEqual([[at('in'), { '.heic': 2 }]]);
    expect(await rejectionMessage([at('none')])).toContain('none (other files: 1 .heic)');
  });

  it('keeps paths that lead to nothing with their error if it is tolerant and others can be used', async () => {
    await make('a.png');
    const [image, missing] = await collectInputs([at('a.png'), at('gone.png')], { isTolerant: true });
    expect(image!.error).toBeUndefined();
    expect(missing!.error!.message).toContain(`${at('gone.png')} but found nothing`);
    await expect(collectInputs([at('gone.png')], { isTolerant: true })).rejects.toThrow('found nothing');
  });
});
