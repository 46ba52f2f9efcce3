import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProgram, runProgram } from '../../src/base/run-program.js';

const before = process.cwd();
let root: string;

async function plant(folder: string): Promise<string> {
  await fs.mkdir(path.join(root, folder), { recursive: true });
  const file = path.join(root, folder, 'program');
  await fs.writeFile(file, '#!/bin/sh\necho "$PWD"; echo "$PATH"\n', { mode: 0o755 });
  return file;
}

beforeEach(async () => {
  root = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'gnr-programs-')));
});
afterEach(async () => {
  process.chdir(before);
  await fs.rm(root, { recursive: true });
});

test('findProgram finds a name in the absolute folders of PATH alone, and not among npm packages', async () => {
  await plant('.');
  const ofPackages = await plant('node_modules/.bin');
  const ofMachine = await plant('bin');
  process.chdir(root);
  for (const folder of ['', '.', 'bin', path.dirname(ofPackages), `${path.dirname(ofPackages)}/`])
    expect(findProgram('program', { PATH: folder }), folder).toBeUndefined();
  expect(findProgram('program', { PATH: `:.:${path.dirname(ofPackages)}:${root}/bin` })).toBe(ofMachine);
});

test('findProgram takes a path from the working directory on, and no file that cannot be run', async () => {
  const file = await plant('bin');
  process.chdir(root);
  expect(findProgram('bin/program', { PATH: '' })).toBe(file);
  await fs.chmod(file, 0o644);
  expect(findProgram('bin/program', { PATH: '' })).toBeUndefined();
  expect(findProgram('program', { PATH: `${root}/bin` })).toBeUndefined();
  expect(findProgram('bin', { PATH: root })).toBeUndefined();
});

test('runProgram runs a program in an empty folder that is gone afterwards, and without relative folders in PATH', async () => {
  await plant('bin');
  process.chdir(root);
  const env = { PATH: `.:${root}/bin::bin` };
  const { code, stdout } = await runProgram('program', [], { env });
  const [folder, searched] = stdout.split('\n');
  expect({ code, searched }).toEqual({ code: 0, searched: `${root}/bin` });
  expect(folder).not.toBe(root);
  await expect(fs.access(folder!)).rejects.toThrow('ENOENT');
  expect((await runProgram('program', [], { env, cwd: root })).stdout.split('\n')[0]).toBe(root);
});

test('runProgram says that there is no such program', async () => {
  expect(await runProgram('program', [], { env: { PATH: root } })).toMatchObject({ code: undefined });
});
