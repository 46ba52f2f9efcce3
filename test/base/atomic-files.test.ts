import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  removeDirectory,
  replaceDirectory,
  replaceEntry,
  replaceFile,
  writeFileAtomic,
} from '../../src/base/atomic-files.js';
import { RunError } from '../../src/base/errors.js';
import { canMount, compileForChild, startChild } from '../support/child-process.js';
import { beforeFileCall } from '../support/faults.js';

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
      expect(dirname(temporary)).toBe(folder);
      expect(basename(temporary)).toMatch(/^\.gnr-tmp-target~/);
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

describe('what is at the end of a link', () => {
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  const fill = (temporary: string) => writeFile(join(temporary, 'file'), 'new');

  beforeEach(async () => {
    await mkdir(join(folder, 'disk'));
    await symlink('disk/target', join(folder, 'second'));
    await symlink(join(folder, 'second'), join(folder, 'link'));
  });

  /** Expects that the links are as they were, and that nothing else was left. */
  async function expectLinks(): Promise<void> {
    expect(await readlink(join(folder, 'link'))).toBe(join(folder, 'second'));
    expect(await readlink(join(folder, 'second'))).toBe('disk/target');
    expect((await readdir(folder)).sort()).toEqual(['disk', 'link', 'second']);
    expect(await readdir(join(folder, 'disk'))).toEqual(['target']);
  }

  it('is replaced if it is a file, or missing, and the links stay', async () => {
    const target = join(folder, 'disk', 'target');
    for (const text of ['first', 'second']) {
      await writeFileAtomic(join(folder, 'link'), text);
      expect(await readFile(target, 'utf8')).toBe(text);
      await expectLinks();
    }
    await replaceFile(join(folder, 'link'), (temporary) => writeFile(temporary, 'third'));
    expect(await readFile(target, 'utf8')).toBe('third');
    await expectLinks();
  });

  it('is replaced if it is a folder, or missing, and the links stay', async () => {
    for (let i = 0; i < 2; i++) {
      await replaceDirectory(join(folder, 'link'), fill);
      expect(await readFile(join(folder, 'disk', 'target', 'file'), 'utf8')).toBe('new');
      await expectLinks();
    }
  });

  it('is an error if the links go round in a circle', async () => {
    await symlink('circle', join(folder, 'circle'));
    const error = await thrown(writeFileAtomic(join(folder, 'circle'), 'x'));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain(
      `Cannot write ${join(folder, 'circle')}: it is a link that leads back to itself (ELOOP)`,
    );
  });

  it('keeps its permissions when it is replaced, also while the new content is written', async () => {
    const target = join(folder, 'disk', 'target');
    await writeFile(target, 'old');
    await chmod(target, 0o640);
    await writeFileAtomic(join(folder, 'link'), async (handle) => {
      expect((await handle.stat()).mode & 0o777 & ~0o640).toBe(0);
      await handle.write('new');
    });
    expect(await modeOf(target)).toBe(0o640);
    await replaceFile(target, (temporary) => writeFile(temporary, 'newer', { mode: 0o666 }));
    expect(await modeOf(target)).toBe(0o640);
    await rm(target);
    await mkdir(target);
    await chmod(target, 0o750);
    await replaceDirectory(join(folder, 'link'), fill);
    expect(await modeOf(target)).toBe(0o750);
  });

  it('is not replaced if it is a device', async () => {
    await symlink('/dev/null', join(folder, 'null'));
    await expect(writeFileAtomic(join(folder, 'null'), 'x')).rejects.toThrow(
      /Cannot write \/dev\/null: it is neither a file nor a folder/,
    );
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });
});

it('writeFileAtomic syncs the folders that it makes, and the folder around them', async () => {
  const synced: string[] = [];
  const undo = await beforeFileCall('sync', /./, (path) => synced.push(path));
  try {
    await writeFileAtomic(join(folder, 'a', 'b', 'file'), 'x');
  } finally {
    undo();
  }
  expect(synced).toEqual(expect.arrayContaining([folder, join(folder, 'a'), join(folder, 'a', 'b')]));
});

it('writeFileAtomic ends with an error where no folder can be made', async () => {
  // Node's own mkdir does not end there.
  await expect(writeFileAtomic('/proc/gnr/a/file', 'x')).rejects.toThrow(
    'Cannot write /proc/gnr/a/file: its folder cannot be created, or has been removed (ENOENT)',
  );
});

it('replaceDirectory gives a folder its name back if it has changed in a way that is not to be lost', async () => {
  const target = join(folder, 'target');
  await mkdir(target);
  const inspect = async (setAside: string) => {
    expect(await readdir(setAside)).toEqual(['mine']);
    throw new Error('not mine alone');
  };
  const writer = () => writeFile(join(target, 'mine'), 'kept');
  await expect(replaceDirectory(target, writer, { inspect })).rejects.toThrow('not mine alone');
  expect(await readFile(join(target, 'mine'), 'utf8')).toBe('kept');
  expect(await readdir(folder)).toEqual(['target']);
});

it('writeFileAtomic writes names of up to 255 bytes', async () => {
  for (const name of ['n'.repeat(255), 'ü'.repeat(127)]) {
    await writeFileAtomic(join(folder, name), name);
    expect(await readFile(join(folder, name), 'utf8')).toBe(name);
    await rm(join(folder, name));
  }
  expect(await readdir(folder)).toEqual([]);
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
