import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  removeDirectory,
  removeLeftovers,
  replaceDirectory,
  replaceEntry,
  writeFileAtomic,
} from '../../src/base/atomic-files.js';
import { RunError } from '../../src/base/errors.js';
import { canMount, compileForChild, startChild } from '../support/child-process.js';

/** No process has this number: it is above Linux's limit of 2^22. */
const DEAD = 99_999_999;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-atomic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function thrown(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable('was accepted'),
    (error: Error) => error,
  );
}

describe('writeFileAtomic', () => {
  it('writes text, bytes and chunks, creates the folders above, and leaves no temporary file', async () => {
    const path = join(folder, 'a', 'b', 'file');
    await writeFileAtomic(path, 'héllo');
    expect(await readFile(path, 'utf8')).toBe('héllo');
    await writeFileAtomic(path, Uint8Array.of(0, 255));
    expect([...(await readFile(path))]).toEqual([0, 255]);
    await writeFileAtomic(path, async (handle) => {
      await handle.write('one ');
      await handle.write('two');
    });
    expect(await readFile(path, 'utf8')).toBe('one two');
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['file']);
  });

  it('keeps the old file until the new one is complete, and after an error', async () => {
    const path = join(folder, 'file');
    await writeFileAtomic(path, 'old');
    const failing = writeFileAtomic(path, async (handle) => {
      await handle.write('new');
      expect(await readFile(path, 'utf8')).toBe('old');
      throw new Error('writer broke');
    });
    await expect(failing).rejects.toThrow('writer broke');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('gives each of several simultaneous writes to one path its own temporary file', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => writeFileAtomic(join(folder, 'file'), text)));
    expect(texts).toContain(await readFile(join(folder, 'file'), 'utf8'));
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('names the remedy if part of the path is a file or the target is a folder', async () => {
    await writeFile(join(folder, 'file'), 'x');
    const inFile = await thrown(writeFileAtomic(join(folder, 'file', 'below'), 'x'));
    expect(inFile).toBeInstanceOf(RunError);
    expect(inFile.message).toMatch(/^Cannot write .*file\/below: a file has the name of a folder/);
    await mkdir(join(folder, 'dir', 'full'), { recursive: true });
    const onFolder = await thrown(writeFileAtomic(join(folder, 'dir'), 'x'));
    expect(onFolder).toBeInstanceOf(RunError);
    expect(onFolder.message).toMatch(/a folder has that name \(EISDIR\)/);
    expect((await readdir(folder)).sort()).toEqual(['dir', 'file']);
  });

  it('throws a RunError on a full device and keeps the previous file', async () => {
    const path = join(folder, 'file');
    await writeFileAtomic(path, 'old');
    const error = await thrown(
      writeFileAtomic(path, async () => {
        await writeFile('/dev/full', 'x');
      }),
    );
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/no space is left on the disk \(ENOSPC\); free some space/);
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});

describe('replaceDirectory', () => {
  const fill = (text: string) => async (temporary: string) => {
    await mkdir(join(temporary, 'sub'));
    await writeFile(join(temporary, 'sub', 'file'), text);
  };
  const content = () => readFile(join(folder, 'target', 'sub', 'file'), 'utf8');

  it('creates and replaces a folder as a whole', async () => {
    await replaceDirectory(join(folder, 'target'), fill('one'));
    await writeFile(join(folder, 'target', 'extra'), 'x');
    await replaceDirectory(join(folder, 'target'), async (temporary) => {
      expect(temporary).toBe(join(folder, `.tmp-target-${process.pid}`));
      expect(await content()).toBe('one');
      await fill('two')(temporary);
    });
    expect(await content()).toBe('two');
    expect(await readdir(join(folder, 'target'))).toEqual(['sub']);
    expect(await readdir(folder)).toEqual(['target']);
  });

  it('keeps the previous folder if the writer fails, also because the disk is full', async () => {
    await replaceDirectory(join(folder, 'target'), fill('one'));
    const full = await thrown(
      replaceDirectory(join(folder, 'target'), async (temporary) => {
        await fill('two')(temporary);
        await symlink('/dev/full', join(temporary, 'link'));
        await writeFile(join(temporary, 'link'), 'x');
      }),
    );
    expect(full).toBeInstanceOf(RunError);
    expect(full.message).toContain(`Cannot write ${join(folder, 'target')}: no space`);
    expect(await content()).toBe('one');
    expect(await readdir(folder)).toEqual(['target']);
    expect((await stat('/dev/full')).isCharacterDevice()).toBe(true);
  });
});

describe('removeLeftovers', () => {
  it('clears only what dead processes left', async () => {
    await mkdir(join(folder, `.tmp-step-${DEAD}`, 'sub'), { recursive: true });
    await writeFile(join(folder, `.tmp-latest-${DEAD}`), '');
    await mkdir(join(folder, `.tmp-live-${process.ppid}`));
    await mkdir(join(folder, `.tmp-own-${process.pid}`));
    await writeFile(join(folder, '.tmp-mine'), 'no number');
    await writeFile(join(folder, 'kept'), '');
    const cleared = await removeLeftovers(folder);
    expect(cleared).toEqual([`.tmp-latest-${DEAD}`, `.tmp-own-${process.pid}`, `.tmp-step-${DEAD}`].sort());
    expect((await readdir(folder)).sort()).toEqual(['.tmp-mine', `.tmp-live-${process.ppid}`, 'kept'].sort());
  });

  it('keeps what this process is writing', async () => {
    await replaceDirectory(join(folder, 'target'), async (temporary) => {
      expect(await removeLeftovers(folder)).toEqual([]);
      await writeFile(join(temporary, 'file'), 'x');
    });
    expect(await readdir(join(folder, 'target'))).toEqual(['file']);
  });

  it('restores a folder that was set aside unless its successor has arrived', async () => {
    for (const name of [`.old-lost-${DEAD}`, `.old-there~0123abcd-${DEAD}`, 'there']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'file'), name);
    }
    await removeLeftovers(folder);
    expect((await readdir(folder)).sort()).toEqual(['lost', 'there']);
    expect(await readFile(join(folder, 'lost', 'file'), 'utf8')).toBe(`.old-lost-${DEAD}`);
    expect(await readFile(join(folder, 'there', 'file'), 'utf8')).toBe('there');
  });

  it('clears only the leftovers of the given name', async () => {
    for (const name of ['a', 'a~0123abcd', 'a-b']) await writeFile(join(folder, `.tmp-${name}-${DEAD}`), '');
    await removeLeftovers(folder, 'a');
    expect(await readdir(folder)).toEqual([`.tmp-a-b-${DEAD}`]);
  });

  it('accepts a folder that does not exist', async () => {
    expect(await removeLeftovers(join(folder, 'gone'))).toEqual([]);
  });
});

it('replaceEntry swaps a symbolic link, and removeDirectory accepts a folder that is gone', async () => {
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name));
    await replaceEntry(join(folder, 'link'), (temporary) => symlink(name, temporary));
    expect(await readlink(join(folder, 'link'))).toBe(name);
  }
  await removeDirectory(join(folder, 'one'));
  await removeDirectory(join(folder, 'one'));
  expect((await readdir(folder)).sort()).toEqual(['link', 'two']);
});

describe('writeFileAtomic on a disk that is really full', () => {
  const script = `
    import { writeFileAtomic } from './src/base/atomic-files.js';
    import { encodePng } from './src/data/decode.js';
    const [folder] = process.argv.slice(2);
    import { Rng } from './src/base/rng.js';
    const rng = new Rng(1);
    const noise = new Uint8Array(Uint32Array.from({ length: (3 * 512 * 1024) / 4 }, () => rng.uint32()).buffer);
    await writeFileAtomic(folder + '/small', 'small');
    const writes = [writeFileAtomic(folder + '/large', noise), encodePng({ data: noise, width: 512, height: 1024 }, folder + '/p.png')];
    const { readdir } = await import('node:fs/promises');
    const errors = (await Promise.allSettled(writes)).map((result) => result.reason?.name + ': ' + result.reason?.message);
    process.stdout.write(JSON.stringify({ errors, names: await readdir(folder) }));
  `;

  async function expectRejection(code: string, shell: string, wrapper: string[]): Promise<void> {
    await compileForChild(folder);
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const { done } = await startChild(folder, script, {
      shell,
      wrapper,
      args: [disk],
    });
    const { stdout, stderr } = await done;
    expect(stderr).toBe('');
    const { errors, names } = JSON.parse(stdout) as { errors: string[]; names: string[] };
    expect(names).toEqual(['small']);
    expect(errors[0]).toMatch(new RegExp(`^RunError: Cannot write ${disk}/large: .*${code}.*; `));
    expect(errors[1]).toMatch(new RegExp(`^RunError: Cannot write ${disk}/p.png: .*${code}.*; `));
  }

  it('throws a RunError at a limit on the size of files, and leaves no partial file', async () => {
    await expectRejection('EFBIG', 'ulimit -f 100', []);
  });

  it.skipIf(!canMount())('throws a RunError on a small disk, and leaves no partial file', async () => {
    await expectRejection('ENOSPC', `mount -t tmpfs -o size=200k tmpfs ${folder}/disk`, ['unshare', '-rm']);
  });
});
