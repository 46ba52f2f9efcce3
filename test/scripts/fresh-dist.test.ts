import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root: string;

/** Runs bin/gnr.mjs of a small checkout. */
function start(): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'bin/gnr.mjs')]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += String(text)));
    child.stderr.on('data', (text) => (stderr += String(text)));
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

const write = (text: string) =>
  writeFile(join(root, 'src/cli/main.ts'), `const text: string = '${text}';\nconsole.log(text);\n`);
const builtFolders = async () => (await readdir(root)).filter((name) => name.startsWith('dist'));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gnr-fresh-'));
  await mkdir(join(root, 'src/cli'), { recursive: true });
  await mkdir(join(root, 'scripts'));
  await symlink(resolve('node_modules'), join(root, 'node_modules'), 'dir');
  for (const name of ['bin/gnr.mjs', 'scripts/fresh-dist.mjs', 'tsconfig.json', 'tsconfig.build.json'])
    await cp(name, join(root, name));
  await writeFile(join(root, 'package.json'), '{"type": "module"}');
  await write('first');
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('the first start builds the program and says so, and the second starts it as it is', async () => {
  const first = await start();
  expect(first).toMatchObject({ code: 0, stdout: 'first\n' });
  expect(first.stderr).toContain('building the program');
  expect(await start()).toEqual({ code: 0, stdout: 'first\n', stderr: '' });
  expect(await builtFolders()).toEqual(['dist']);
});

test('a change of the sources is built at the next start, and the built page stays', async () => {
  await start();
  await mkdir(join(root, 'dist/web'));
  await writeFile(join(root, 'dist/web/index.html'), 'page');
  await write('second');
  expect(await start()).toMatchObject({ code: 0, stdout: 'second\n' });
  expect(await readFile(join(root, 'dist/web/index.html'), 'utf8')).toBe('page');
  expect(await builtFolders()).toEqual(['dist']);
});

test('a change of times alone builds nothing', async () => {
  await start();
  await utimes(join(root, 'src/cli/main.ts'), new Date(), new Date());
  expect((await start()).stderr).toBe('');
});

test('two that start at the same time build once', async () => {
  const both = await Promise.all([start(), start()]);
  for (const { code, stdout } of both) expect({ code, stdout }).toEqual({ code: 0, stdout: 'first\n' });
  const told = both.map(({ stderr }) => stderr).join('');
  expect(told.match(/waiting for another process/g)?.length ?? 0).toBeLessThanOrEqual(1);
  expect(await builtFolders()).toEqual(['dist']);
});

test('the lock and the leftovers of a build whose process has ended do not stop the next', async () => {
  const { pid } = spawn(process.execPath, ['-e', '0']);
  await new Promise((done) => setTimeout(done, 1000));
  await mkdir(join(root, 'dist.lock'));
  await mkdir(join(root, `dist.building-${pid}`));
  await writeFile(join(root, 'dist.lock/holder.json'), JSON.stringify({ pid, host: hostname() }));
  expect(await start()).toMatchObject({ code: 0, stdout: 'first\n' });
  expect(await builtFolders()).toEqual(['dist']);
});

test('sources that do not build leave the program that there is, with a warning', async () => {
  await start();
  await writeFile(join(root, 'src/cli/main.ts'), 'const = ;\n');
  const { code, stdout, stderr } = await start();
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'first\n' });
  expect(stderr).toContain('dist is older than the sources');
  await rm(join(root, 'dist'), { recursive: true });
  expect((await start()).code).toBe(2);
});
