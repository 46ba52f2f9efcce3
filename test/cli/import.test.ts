import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { gnr, type Outcome } from '../support/gnr.js';
import { REFERENCE_DIR, ReferenceRun } from '../support/reference.js';
import { pickleOf, writeTorchZip } from '../support/torch-files.js';

const official = join(REFERENCE_DIR, 'checkpoint-main.pt');
const { size, steps } = new ReferenceRun('main').config;

let folder: string;
let run: string;
let data: string;
let imported: Outcome;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-import-cli-'));
  run = join(folder, 'official');
  data = join(folder, 'data');
  await drawSampleDataset({ dir: data, images: 4, testImages: 2, size });
  imported = await gnr('import', official, '--out', run);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a run from gnr import', () => {
  it('translates images', async () => {
    const out = join(folder, 'anime');
    const words = ['--checkpoint', run, '--out', out, '--styles', '1'];
    expect(await gnr('translate', join(data, 'testA'), ...words)).toMatchObject({ code: 0 });
    expect(await readdir(out)).toHaveLength(2);
  });

  it('resumes training, is exported with --format pt, and imports again at the same step', async () => {
    const overrides = [
      `data.root=${data}`,
      'training.batch=2',
      'losses.lpips.weight=0',
      'runtime.capture=false',
    ];
    const sets = overrides.flatMap((override) => ['--set', override]);
    const resumed = await gnr('train', '--out', run, '--resume', '--steps', String(steps + 1), ...sets);
    expect(resumed).toMatchObject({ code: 0 });
    const file = join(folder, 'further.pt');
    const exported = await gnr('export', '--format', 'pt', '--checkpoint', run, '--out', file);
    expect(exported).toMatchObject({ code: 0 });
    expect(exported.stdout).toContain(`(${steps + 1} steps)`);
    const again = join(folder, 'again');
    expect(await gnr('import', file, '--out', again)).toMatchObject({ code: 0, stderr: '' });
    const state = JSON.parse(
      await readFile(join(again, 'checkpoints', 'latest', 'state.json'), 'utf8'),
    ) as object;
    expect(state).toMatchObject({ step: steps + 1 });
  });
});

describe('gnr import', () => {
  it('prints the variant, the size and the folder of the checkpoint', () => {
    expect(imported.code).toBe(0);
    expect(imported.stdout).toContain(`variant main, ${size} px`);
    expect(imported.stdout).toContain(join(run, 'checkpoints'));
  });

  it('names each setting that it assumes because the file does not have it', () => {
    expect(imported.stderr).toMatch(/assumed.*model\.mappingRate 0\.01.*training\.batch 4/);
  });

  it('rejects a pickle that could run a program with exit code 2, and creates no folder', async () => {
    const file = join(folder, 'evil.pt');
    await writeTorchZip(file, pickleOf('cposix\nsystem\n'));
    const { code, stderr } = await gnr('import', file, '--out', join(folder, 'evil'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/evil\.pt but found posix\.system/);
    expect(await readdir(folder)).not.toContain('evil');
  });

  it('rejects a text file', async () => {
    const file = join(folder, 'text.pt');
    await writeFile(file, 'weights\n');
    expect(await gnr('import', file, '--out', join(folder, 'text'))).toMatchObject({ code: 2 });
  });
});

describe('gnr export', () => {
  const out = () => join(folder, 'no.pt');

  it('rejects an unknown format', async () => {
    const words = ['--format', 'pth', '--checkpoint', run, '--out', out()];
    expect(await gnr('export', ...words)).toMatchObject({ code: 2 });
    expect(await readdir(folder)).not.toContain('no.pt');
  });

  it('rejects a folder without a checkpoint, and names it', async () => {
    const { code, stderr } = await gnr('export', '--format', 'pt', '--checkpoint', data, '--out', out());
    expect(code).toBe(2);
    expect(stderr).toContain(data);
    expect(await readdir(folder)).not.toContain('no.pt');
  });
});

describe('a generator alone', () => {
  const bare = join(import.meta.dirname, '../fixtures/checkpoints/bare.pt');

  it('is imported with --as, translates its direction, and names the other generator for the other', async () => {
    const model = join(folder, 'alone');
    const { code, stderr } = await gnr('import', bare, '--as', 'G_A2B_ema', '--out', model);
    expect(code).toBe(0);
    expect(stderr).toMatch(/neither G_B2A_ema nor G_B2A: the model translates in the other direction alone/);
    const out = join(folder, 'alone-images');
    const translate = (...words: string[]) =>
      gnr('translate', join(data, 'testA'), '--checkpoint', model, '--out', out, '--styles', '1', ...words);
    expect(await translate()).toMatchObject({ code: 0 });
    expect(await readdir(out)).toHaveLength(2);
    const other = await translate('--direction', 'B2A');
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/a model with the generator G_B2A for the direction B2A but found one with/);
  });
  it('without --as is refused with the word that is missing', async () => {
    const { code, stderr } = await gnr('import', bare, '--out', join(folder, 'none'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/--as G_A2B_ema/);
  });
});
