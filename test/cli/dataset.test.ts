import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import yargs from 'yargs';
import { InputError } from '../../src/base/errors.js';
import { datasetCommand } from '../../src/cli/dataset.js';
import type { DatasetCheck } from '../../src/data/check/dataset-check.js';
import { FINDING_KINDS, FINDING_TEXTS } from '../../src/data/check/findings.js';
import { readFactors } from '../../src/sample/factors-file.js';
import { blocks, put } from '../data/check/check-images.js';
import { errorMessages, gnr } from '../support/gnr.js';

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
    expect(written.join('')).toContain(`${dir}: trainA and trainB with 2 images each`);
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

describe('gnr dataset check', () => {
  let dir: string;
  beforeEach(async () => {
    dir = join(root, 'set');
    for (let i = 0; i < 13; i++) await put(join(dir, 'trainA', `${i}.png`), blocks(i));
    await put(join(dir, 'trainB', 'b.png'), blocks(50));
  });
  const check = (...words: string[]) => gnr('dataset', 'check', dir, '--size', '64', ...words);

  test('exits with 0 where there are notes at most', async () => {
    await put(join(dir, 'trainB', 'grey.png'), blocks(51).greyscale());
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).toContain('Note: Images without colour (1)\n  trainB/grey.png: has no colour\n');
    expect(stdout).toContain('trainA: 13 images\n');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`${dir}: 15 images: 0 problems, 1 note`);
  });

  test('exits with 1 where there are problems, and names ten of each kind', async () => {
    await writeFile(join(dir, 'trainB', 'empty.jpg'), '');
    const { code, stdout: text } = await gnr('dataset', 'check', dir, '--size', '65');
    expect(code).toBe(1);
    expect(text.indexOf('Problem: Unreadable files (1)\n  trainB/empty.jpg: an empty file\n')).toBe(0);
    const tiny = text.split('\n\n').find((part) => part.startsWith('Problem: Images smaller'))!;
    expect(tiny.split('\n')).toHaveLength(1 + 10 + 1 + 1);
    expect(tiny).toContain('\n  and 4 more\n');
  });

  test('exits with 0 where all problems are allowed, and shows them all the same', async () => {
    await put(join(dir, 'testA', 'copy.png'), blocks(3));
    expect((await check()).code).toBe(1);
    expect((await check('--allow', 'tiny')).code).toBe(1);
    const { code, stdout } = await check('--allow', 'leaked', 'tiny');
    expect(code).toBe(0);
    expect(stdout).toContain('testA/copy.png: the same bytes as trainA/3.png');
  });

  test('every kind that counts can be allowed', async () => {
    const problems = FINDING_KINDS.filter((kind) => FINDING_TEXTS[kind].level === 'problem');
    expect((await check('--allow', ...problems)).code).toBe(0);
    expect((await check('--allow', 'grayscale')).code).toBe(2);
  });

  test('answers JSON, and writes a page that needs nothing else', async () => {
    await put(join(dir, 'testA', 'copy.png'), blocks(3));
    const html = join(root, 'page.html');
    const { stdout } = await check('--json', '--html', html);
    const answer = JSON.parse(stdout) as DatasetCheck;
    expect(answer).toMatchObject({ dir, problems: 1, notes: 0, counts: { leaked: 1 } });
    expect(answer.folders.trainA).toMatchObject({ files: 13, formats: { png: 13 } });
    const page = await readFile(html, 'utf8');
    expect(page).toContain('testA/copy.png: the same bytes as trainA/3.png');
    expect(page).not.toMatch(/<script|(src|href)="(?!data:)/);
    // 13 + 1 + 1 on the sheets, and the leak beside its original.
    expect(page.match(/<img src="data:image\/webp;base64,/g)).toHaveLength(17);
  });

  test('makes names harmless in the page', async () => {
    await put(join(dir, 'trainB', '<b>&"quoted".png'), blocks(52));
    const html = join(root, 'page.html');
    expect((await check('--html', html)).code).toBe(0);
    const page = await readFile(html, 'utf8');
    expect(page).toContain('alt="trainB/&lt;b&gt;&amp;&quot;quoted&quot;.png"');
    expect(page).not.toContain('<b>&');
  });

  test.each([
    [['--size', '0'], '--size'],
    [['--aspect', '0.5'], '--aspect'],
    [['--distance', '40'], '--distance'],
  ])('refuses %j as wrong usage', async (words, flag) => {
    const { code, stderr } = await gnr('dataset', 'check', dir, ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(flag);
  });

  test('refuses a folder without any of the four', async () => {
    const { code, stderr } = await gnr('dataset', 'check', join(dir, 'trainA'));
    expect(code).toBe(2);
    expect(errorMessages(stderr)).toEqual([
      expect.stringContaining('one of the folders trainA, trainB, testA, testB'),
    ]);
  });
});
