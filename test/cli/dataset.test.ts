import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import yargs from 'yargs';
import { datasetCommand } from '../../src/cli/dataset.js';
import { readFactors } from '../../src/data/sample/factors-file.js';
import { InputError } from '../../src/errors.js';

let root: string;
let written: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gnr-dataset-'));
  written = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true, force: true });
});

/** Runs the command as the program does, with errors thrown. */
async function run(...words: string[]): Promise<void> {
  await yargs(words)
    .command(datasetCommand)
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    })
    .parseAsync();
}

const few = ['--images', '2', '--test-images', '1', '--size', '32'];

describe('gnr dataset sample', () => {
  test('draws what was asked for, and says so', async () => {
    const dir = join(root, 'set');
    await run('dataset', 'sample', dir, ...few, '--seed', '9', '--family', 'pastel');
    const { seed, size, family, images } = await readFactors(dir);
    expect({ seed, size, family }).toEqual({ seed: 9, size: 32, family: 'pastel' });
    expect(Object.keys(images)).toHaveLength(6);
    expect(written.join('')).toContain(`${dir}: trainA and trainB with 2 pictures each`);
  });

  test('answers JSON', async () => {
    const dir = join(root, 'set');
    await run('dataset', 'sample', dir, ...few, '--json');
    expect(JSON.parse(written.join(''))).toEqual({
      dir,
      images: 2,
      testImages: 1,
      size: 32,
      seed: 0,
      family: 'vivid',
    });
  });

  test.each([
    ['--images', 'many'],
    ['--images', '0'],
    ['--test-images', '-3'],
    ['--size', '9000'],
    ['--seed', '1.5'],
    ['--family', 'noir'],
  ])('refuses %s %s as wrong input', async (flag, value) => {
    const refused = run('dataset', 'sample', join(root, 'set'), flag, value);
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(flag);
    expect(await readdir(root)).toEqual([]);
    expect(written).toEqual([]);
  });

  test('refuses a folder that is not empty', async () => {
    await mkdir(join(root, 'used'));
    await writeFile(join(root, 'used', 'mine.txt'), '');
    await expect(run('dataset', 'sample', join(root, 'used'), ...few)).rejects.toThrow(InputError);
    expect(await readdir(join(root, 'used'))).toEqual(['mine.txt']);
  });

  test('needs a folder, and dataset needs to be told what to do', async () => {
    await expect(run('dataset', 'sample')).rejects.toThrow(/dir|Not enough/);
    await expect(run('dataset')).rejects.toThrow(/dataset sample DIR/);
  });
});
