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
import { leaveTemporary } from '../support/leftovers.js';

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
  test('draws the images that the options ask for, and prints their folder and number', async () => {
    const dir = join(root, 'set');
    await run('dataset', 'sample', dir, ...few, '--seed', '9', '--family', 'pastel');
    const { seed, size, family, images } = await readFactors(dir);
    expect({ seed, size, family }).toEqual({ seed: 9, size: 32, family: 'pastel' });
    expect(Object.keys(images)).toHaveLength(6);
    expect(written.join('')).toContain(`${dir}: trainA and trainB with 2 images each`);
  });

  test('prints its settings as JSON with --json', async () => {
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
  ])('rejects %s %s and draws nothing', async (flag, value) => {
    const refused = run('dataset', 'sample', join(root, 'set'), flag, value);
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(flag);
    expect(await readdir(root)).toEqual([]);
    expect(written).toEqual([]);
  });

  test('rejects a folder that is not empty, and keeps its files', async () => {
    await mkdir(join(root, 'used'));
    await writeFile(join(root, 'used', 'mine.txt'), '');
    await expect(run('dataset', 'sample', join(root, 'used'), ...few)).rejects.toThrow(InputError);
    expect(await readdir(join(root, 'used'))).toEqual(['mine.txt']);
  });

  test('rejects a call without a folder', async () => {
    await expect(run('dataset', 'sample')).rejects.toThrow(/dir|Not enough/);
  });
});

test('gnr dataset names its commands if none is given', async () => {
  await expect(run('dataset')).rejects.toThrow(/dataset sample DIR/);
});

describe('gnr dataset check', () => {
  let dir: string;
  beforeEach(async () => {
    dir = join(root, 'set');
    for (let i = 0; i < 13; i++) await put(join(dir, 'trainA', `${i}.png`), blocks(i));
    await put(join(dir, 'trainB', 'b.png'), blocks(50));
  });
  const check = (...words: string[]) => gnr('dataset', 'check', dir, '--size', '64', ...words);

  test('exits with 0 if there are only notes', async () => {
    await put(join(dir, 'trainB', 'grey.png'), blocks(51).greyscale());
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Note: .*\(1\)\n {2}trainB\/grey\.png: /m);
    expect(stdout).toMatch(/^trainA: 13 images$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/15 images.*0 problems.*1 note/);
  });

  test('exits with 1 if there are problems, and lists at most ten of each kind', async () => {
    await writeFile(join(dir, 'trainB', 'empty.jpg'), '');
    const { code, stdout } = await gnr('dataset', 'check', dir, '--size', '65');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Problem: .*\(1\)\n {2}trainB\/empty\.jpg: an empty file$/m);
    const tooSmall = stdout.slice(stdout.indexOf('Problem: Images smaller'));
    const listed = tooSmall.slice(0, tooSmall.indexOf('4 more')).match(/^ {2}train[AB]\/\S+\.png: /gm);
    expect(new Set(listed).size).toBe(10);
  });

  test('exits with 0 if all problems are allowed, and still lists them', async () => {
    await put(join(dir, 'testA', 'copy.png'), blocks(3));
    expect((await check()).code).toBe(1);
    expect((await check('--allow', 'tiny')).code).toBe(1);
    const { code, stdout } = await check('--allow', 'leaked', 'tiny');
    expect(code).toBe(0);
    expect(stdout).toContain('testA/copy.png: the same bytes as trainA/3.png');
  });

  test('accepts every kind of problem with --allow, but no kind of note', async () => {
    const problems = FINDING_KINDS.filter((kind) => FINDING_TEXTS[kind].level === 'problem');
    expect((await check('--allow', ...problems)).code).toBe(0);
    expect((await check('--allow', 'grayscale')).code).toBe(2);
  });

  test('prints all counts as JSON with --json', async () => {
    await put(join(dir, 'testA', 'copy.png'), blocks(3));
    const { stdout } = await check('--json');
    const answer = JSON.parse(stdout) as DatasetCheck;
    expect(answer).toMatchObject({ dir, problems: 1, notes: 0, counts: { leaked: 1 } });
    expect(answer.folders.trainA).toMatchObject({ files: 13, formats: { png: 13 } });
  });

  test('writes a page that shows every image and loads no other files with --html', async () => {
    await put(join(dir, 'testA', 'copy.png'), blocks(3));
    const html = join(root, 'page.html');
    const left = await leaveTemporary(html, 'what a killed process was writing');
    await check('--html', html);
    expect(await readdir(root)).not.toContain(left);
    const page = await readFile(html, 'utf8');
    expect(page).toContain('testA/copy.png: the same bytes as trainA/3.png');
    expect(page).not.toMatch(/<script|(src|href)="(?!data:)/);
    // 13 + 1 + 1 on the sheets, and the leak beside its original.
    expect(page.match(/<img src="data:image\/webp;base64,/g)).toHaveLength(17);
  });

  test('escapes file names in the page', async () => {
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
  ])('rejects %j as wrong usage', async (words, flag) => {
    const { code, stderr } = await gnr('dataset', 'check', dir, ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(flag);
  });

  test('rejects a folder that has none of trainA, trainB, testA and testB', async () => {
    const { code, stderr } = await gnr('dataset', 'check', join(dir, 'trainA'));
    expect(code).toBe(2);
    expect(errorMessages(stderr)).toEqual([
      expect.stringContaining('one of the folders trainA, trainB, testA, testB'),
    ]);
  });
});
