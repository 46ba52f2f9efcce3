import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { replaceDirectory } from '../../src/base/atomic-files.js';
import { removeLeftovers, removeLeftoversOf, restoreSetAside } from '../../src/base/leftovers.js';
import { parseTemporary, storedName, withTemporary } from '../../src/base/temporary-names.js';
import { canUnshare, compileForChild, startChild } from '../support/child-process.js';
import { leaveTemporary, temporaryPath } from '../support/leftovers.js';

const HOUR = 3_600_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-leftovers-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const names = async () => (await readdir(folder)).sort();

/** Moves this process's clock on; the file system's stays. */
function pass(milliseconds: number): void {
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + milliseconds);
}

describe('removeLeftovers', () => {
  it('clears the partial entries of dead processes, and those of this one that it does not use', async () => {
    const left = [
      await leaveTemporary(at('step'), { file: 'half' }),
      await leaveTemporary(at('latest')),
      await leaveTemporary(at('own'), '', { pid: process.pid }),
    ];
    await writeFile(at('kept'), '');
    expect(await removeLeftovers(folder)).toEqual(left.sort());
    expect(await names()).toEqual(['kept']);
  });

  it('keeps the entries of running processes', async () => {
    // A process with that number runs, but it started at another time: it is not the one that made the entry.
    await leaveTemporary(at('reused'), '', { pid: process.ppid });
    await withTemporary(at('mine'), 'tmp', async (path) => {
      await writeFile(path, '');
      await removeLeftovers(folder);
      expect(await names()).toEqual([path.slice(folder.length + 1)]);
    });
  });

  it('keeps what this process is writing', async () => {
    await replaceDirectory(at('target'), async (temporary) => {
      expect(await removeLeftovers(folder)).toEqual([]);
      await writeFile(join(temporary, 'file'), 'x');
    });
    expect(await readdir(at('target'))).toEqual(['file']);
  });

  it('never takes names of other programs and people for its own, nor those of earlier versions', async () => {
    const theirs = [
      '.old-first-20240131',
      '.tmp-anime.mp4-2',
      '.tmp-first-99999999',
      '.gnr-tmp-first-5',
      '.gnr-old-first-20240131',
      '.gnr-tmp-notes~01234567-1-1',
    ];
    for (const name of theirs) await mkdir(at(name));
    await removeLeftovers(folder);
    for (const name of ['first', 'anime.mp4', 'notes']) await removeLeftovers(folder, { name });
    pass(1000 * HOUR);
    expect(await removeLeftovers(folder)).toEqual([]);
    expect(await names()).toEqual(theirs.sort());
  });

  it('restores a folder that was set aside unless its successor has arrived', async () => {
    await leaveTemporary(at('lost'), { file: 'lost' }, { kind: 'old' });
    await leaveTemporary(at('there'), { file: 'old' }, { kind: 'old' });
    await mkdir(at('there'));
    await writeFile(join(at('there'), 'file'), 'new');
    await removeLeftovers(folder);
    expect(await names()).toEqual(['lost', 'there']);
    expect(await readFile(join(at('lost'), 'file'), 'utf8')).toBe('lost');
    expect(await readFile(join(at('there'), 'file'), 'utf8')).toBe('new');
  });

  it('does not remove a folder that was set aside if `inspect` objects', async () => {
    const left = await leaveTemporary(at('there'), { notes: 'mine' }, { kind: 'old' });
    await mkdir(at('there'));
    const inspect = async () => Promise.reject(new Error('has notes'));
    await expect(removeLeftovers(folder, { inspect })).rejects.toThrow('has notes');
    expect(await names()).toEqual([left, 'there'].sort());
  });

  it('clears only the leftovers of the given name, which may be long', async () => {
    const long = 'ä'.repeat(120);
    const other = await leaveTemporary(at('a-b'));
    for (const name of ['a', long]) {
      await leaveTemporary(at(name));
      await removeLeftovers(folder, { name });
      expect(await names()).toEqual([other]);
    }
  });

  it('clears what was temporary beside something temporary', async () => {
    await leaveTemporary(await temporaryPath(at('model.pt')));
    await removeLeftovers(folder, { name: 'model.pt' });
    expect(await names()).toEqual([]);
  });

  it('accepts a folder that does not exist', async () => {
    expect(await removeLeftovers(at('gone'))).toEqual([]);
  });

  it('looks where a link leads', async () => {
    await mkdir(at('disk'));
    await symlink('disk/target', at('link'));
    await leaveTemporary(join(at('disk'), 'target'));
    await removeLeftoversOf(at('link'));
    expect(await readdir(at('disk'))).toEqual([]);
  });
});

describe('the entries of another container or machine', () => {
  const ELSEWHERE = { place: '01234567', pid: 1 };

  it('stay for an hour after the last change in them', async () => {
    const left = [
      await leaveTemporary(at('file'), 'half', ELSEWHERE),
      await leaveTemporary(at('folder'), { file: 'half' }, ELSEWHERE),
      await leaveTemporary(at('aside'), { file: 'whole' }, { ...ELSEWHERE, kind: 'old' }),
    ];
    pass(HOUR / 2);
    expect(await removeLeftovers(folder)).toEqual([]);
    expect(await restoreSetAside(at('aside'))).toBe(false);
    expect(await names()).toEqual(left.sort());
    pass(HOUR + 1000);
    expect(await removeLeftovers(folder)).toEqual(left.sort());
    expect(await names()).toEqual(['aside']);
  });

  it.skipIf(!canUnshare())('stay while a process there writes them', async () => {
    await compileForChild(folder);
    const script = `
      import { mkdirSync } from 'node:fs';
      import { withTemporary } from './src/base/temporary-names.js';
      await withTemporary(process.argv[2], 'tmp', async (path) => {
        mkdirSync(path);
        process.stdout.write('ready');
        await new Promise((settle) => process.stdin.on('end', settle).resume());
      });
    `;
    const target = join(folder, 'runs', 'step-000001');
    await mkdir(join(folder, 'runs'));
    const { child, done, output } = await startChild(folder, script, {
      wrapper: ['unshare', '--fork', '--pid', '--mount-proc'],
      args: [target],
      keepInput: true,
    });
    try {
      await vi.waitUntil(() => output() === 'ready' || child.exitCode !== null, { timeout: 600_000 });
      expect(await removeLeftovers(join(folder, 'runs'))).toEqual([]);
      const [name = ''] = await readdir(join(folder, 'runs'));
      expect(parseTemporary(name)).toMatchObject({ kind: 'tmp', name: 'step-000001' });
    } finally {
      child.stdin!.end();
    }
    expect((await done).stderr).toBe('');
  });
});

describe('restoreSetAside', () => {
  it('gives a missing folder its name back, and leaves a successor alone', async () => {
    await leaveTemporary(at('export'), { file: 'old' }, { kind: 'old' });
    const partial = await leaveTemporary(at('export'), { file: 'half' });
    expect(await restoreSetAside(at('export'))).toBe(true);
    expect(await names()).toEqual([partial, 'export'].sort());
    await leaveTemporary(at('export'), { file: 'older' }, { kind: 'old' });
    expect(await restoreSetAside(at('export'))).toBe(false);
    expect(await readFile(join(at('export'), 'file'), 'utf8')).toBe('old');
  });

  it('restores nothing where there is nothing', async () => {
    expect(await restoreSetAside(at('export'))).toBe(false);
    expect(await restoreSetAside(join(at('gone'), 'export'))).toBe(false);
  });
});

it('storedName shortens long names, so that different ones stay different', () => {
  const long = [`${'n'.repeat(220)}a`, `${'n'.repeat(220)}b`, '😀'.repeat(60)].map(storedName);
  expect(new Set(long).size).toBe(3);
  for (const name of long) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
  expect(storedName('n'.repeat(200))).toBe('n'.repeat(200));
});
