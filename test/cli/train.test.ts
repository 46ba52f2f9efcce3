import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { loadConfig } from '../../src/config/load.js';
import { CapturedTrainer } from '../../src/train/captured-trainer.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import {
  contentOf,
  errorMessages,
  gnr,
  type Outcome,
  type TinyTraining,
  tinyTraining,
} from '../support/gnr.js';

let shared: string;
let tiny: TinyTraining;
let folder: string;
let runDir: string;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-cli-train-'));
  tiny = await tinyTraining(shared);
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cli-train-'));
  runDir = join(folder, 'run');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const train = (...words: string[]): Promise<Outcome> =>
  gnr('train', '--config', tiny.config, '--out', runDir, ...words);
describe('gnr train', () => {
  it('--dry-run prints the resolved config, a forecast of the run and what a crash would cost, and writes nothing', async () => {
    const { code, stdout } = await train('--dry-run', '--steps', '100');
    expect(code).toBe(0);
    const end = stdout.lastIndexOf('}') + 1;
    expect(JSON.parse(stdout.slice(0, end))).toMatchObject({ training: { steps: 100 } });
    const rows = stdout.slice(end).trim().split('\n');
    for (const name of ['parameters', 'images', 'each step', 'training', 'peak memory'])
      expect(rows).toContainEqual(expect.stringMatching(new RegExp(`^${name} +\\d`)));
    expect(rows).toContainEqual(
      expect.stringMatching(/^a crash loses at most 100 steps, (\d+m )?\d+s of work$/),
    );
    await expect(stat(runDir)).rejects.toThrow(/ENOENT/);
  });

  it('rejects --init together with --resume', async () => {
    const { code, stderr } = await train('--init', folder, '--resume');
    expect(code).toBe(2);
    expect(errorMessages(stderr).join()).toMatch(/--resume or --init, not both.*leave --init out/);
  });

  it.each([
    ['true', 'captured'],
    ['false', 'kernel by kernel'],
  ])('with runtime.capture=%s runs its steps %s', async (value) => {
    const captured = vi.spyOn(CapturedTrainer.prototype, 'step');
    const eager = vi.spyOn(EagerTrainer.prototype, 'step');
    try {
      expect((await train('--steps', '2', '--set', `runtime.capture=${value}`)).code).toBe(0);
      const calls = [captured.mock.calls.length, eager.mock.calls.length];
      expect(calls).toEqual(value === 'true' ? [2, 0] : [0, 2]);
    } finally {
      captured.mockRestore();
      eager.mockRestore();
    }
  });
});

describe('a run of gnr train', () => {
  let whole: string;
  let outcome: Outcome;
  beforeAll(async () => {
    whole = join(shared, 'whole');
    const words = ['--steps', '3', '--set', 'checkpoint.everySteps=2'];
    outcome = await gnr('train', '--config', tiny.config, '--out', whole, ...words);
  });

  it('ends with exit code 0 and no message on standard error', () => {
    expect([outcome.code, errorMessages(outcome.stderr)]).toEqual([0, []]);
  });

  it('prints its last step, the path of all samples and checkpoints in order, and its folder', () => {
    const lines = outcome.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/step 3: .*generator.*discriminator/);
    expect(lines.slice(1, -1).map((line) => line.slice(line.indexOf(whole)))).toEqual([
      join(whole, 'samples', 'step-000000.png'),
      join(whole, 'checkpoints', 'step-000002'),
      join(whole, 'samples', 'step-000003.png'),
      join(whole, 'checkpoints', 'step-000003'),
    ]);
    expect(lines.at(-1)).toContain(whole);
  });

  it('consists of checkpoints, config, metrics, page, samples and a TensorBoard log', async () => {
    // The names of TensorBoard's files hold the time.
    const names = Object.keys(await contentOf(whole)).map((name) => name.replace(/\d{10}/, 'TIME'));
    expect(names.sort()).toEqual(
      [
        ...['step-000002', 'step-000003'].flatMap((step) =>
          ['config.json', 'model.safetensors', 'state.json', 'training.safetensors'].map((name) =>
            join(whole, 'checkpoints', step, name),
          ),
        ),
        join(whole, 'config.json'),
        join(whole, 'metrics.jsonl'),
        join(whole, 'report.html'),
        ...['step-000000-raw', 'step-000000', 'step-000003-raw', 'step-000003'].map((name) =>
          join(whole, 'samples', `${name}.png`),
        ),
        join(whole, 'tensorboard', 'events.out.tfevents.TIME.gnr'),
      ].sort(),
    );
  });

  it('has the resolved config, defaults included', async () => {
    const written = JSON.parse(await readFile(join(whole, 'config.json'), 'utf8')) as object;
    expect(written).toEqual(
      loadConfig({ file: tiny.config, overrides: ['checkpoint.everySteps=2', 'training.steps=3'] }),
    );
    expect(written).toMatchObject({ training: { emaDecay: 0.999 }, losses: { identity: 0 } });
  });

  it('is not changed by gnr train without --resume, which exits with 2 and names that option', async () => {
    const before = await contentOf(whole);
    const { code, stdout, stderr } = await gnr('train', '--config', tiny.config, '--out', whole);
    expect([code, stdout, errorMessages(stderr)]).toEqual([
      2,
      '',
      [expect.stringMatching(new RegExp(`no checkpoints yet in ${whole} .* step 3; .*--resume`))],
    ]);
    expect(await contentOf(whole)).toEqual(before);
  });

  it('continues with --resume, and keeps its earlier checkpoints and samples', async () => {
    await cp(whole, runDir, { recursive: true, verbatimSymlinks: true });
    const before = await contentOf(runDir);
    const { code, stdout, stderr } = await gnr('train', '--out', runDir, '--resume', '--steps', '4');
    expect([code, errorMessages(stderr)]).toEqual([0, []]);
    expect(stdout).toMatch(/from step 3 to step 4/);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: 4 });
    expect(await contentOf(runDir)).toMatchObject(
      Object.fromEntries(Object.entries(before).filter(([file]) => file.includes('step-00000'))),
    );
  });
});

describe('gnr train with wrong arguments', () => {
  const set = (...overrides: string[]) => overrides.flatMap((override) => ['--set', override]);

  /** One line that says what is wrong; nothing printed, nothing made. */
  async function expectRejection(outcome: Outcome, message: RegExp): Promise<void> {
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr.match(/\n/g)).toHaveLength(1);
    expect(outcome.stderr).toMatch(/^gnr: Expected .* but found .*; .*\.\n$/);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    await expect(stat(runDir)).rejects.toThrow('ENOENT');
  }

  it.each<[string, string[], RegExp]>([
    [
      'an unknown key',
      set('training.batchSize=4'),
      /keys of the configuration \(--set\).*the unknown key training\.batchSize; did you mean training\.batch/,
    ],
    ['a value of another kind', set('training.batch=many'), /training\.batch \(--set\).*"many"; change it/],
    ['a value out of range', set('model.size=100'), /model\.size \(--set\).*one of 32, .*512.*100/],
    ['an override without a value', set('training.steps'), /--set KEY=VALUE.*"training\.steps"/],
    ['zero steps', ['--steps', '0'], /training\.steps.* 1 or more but found 0/],
    ['half a step', ['--steps', '1.5'], /training\.steps.* a whole number but found 1\.5/],
    [
      'a value of runtime.capture that is not a boolean',
      set('runtime.capture=yes'),
      /runtime\.capture.*boolean.*"yes"/,
    ],
    [
      'an unknown arithmetic',
      set('runtime.arithmetic=float16'),
      /runtime\.arithmetic.*one of float32, tf32, bfloat16 but found "float16"/,
    ],
    [
      'LPIPS without its weights',
      set('losses.lpips.weight=1'),
      /losses\.lpips\.weights.*Perceptual loss.*losses\.lpips\.weight=0/,
    ],
    [
      'a file of LPIPS weights that does not exist',
      set('losses.lpips.weight=1', 'losses.lpips.weights=/nowhere/lpips.safetensors'),
      /\/nowhere\/lpips\.safetensors/,
    ],
    [
      'a data folder that does not exist',
      set('data.root=/nowhere'),
      /dataset folder at \/nowhere.*found nothing/,
    ],
    ['no data folder', set('data.root=""'), /data\.root/],
    ['a run to resume that has no checkpoint', ['--resume'], /a checkpoint in .*run to resume from.*none/],
  ])('rejects %s', async (_, words, message) => {
    await expectRejection(await train(...words), message);
  });

  it.each<[string, string | undefined, RegExp]>([
    ['that does not exist', undefined, /configuration file at .*given\.json but found none/],
    ['with a syntax error', '{\n  "training": {\n    "steps": 10,,\n  }\n}', /given\.json.*line 3/],
    ['that is not an object', '[1, 2]', /object of configuration keys in .*given\.json but found a list/],
    [
      'with an unknown key',
      '{ "trainig": {} }',
      /given\.json.*the unknown key trainig; did you mean training/,
    ],
    ['with a wrong value', '{ "training": { "steps": -1 } }', /training\.steps \(.*given\.json\).*-1/],
    [
      'without a data folder',
      '{ "losses": { "lpips": { "weight": 0 } } }',
      /data\.root.*--set data\.root=DIR/,
    ],
  ])('rejects a config file %s', async (_, text, message) => {
    const file = join(folder, 'given.json');
    if (text !== undefined) await writeFile(file, text);
    await expectRejection(await gnr('train', '--config', file, '--out', runDir), message);
  });

  it('rejects a call without --config', async () => {
    await expectRejection(
      await gnr('train', '--out', runDir),
      /--config FILE .*none.*configs\/selfie2anime\.json/,
    );
  });

  it.each([[[]], [['--out']], [['--out', '']], [['--out=']], [['--no-out']]])(
    'rejects %j in place of a run directory',
    async (words) => {
      const { code, stderr, stdout } = await gnr('train', '--config', tiny.config, ...words);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^gnr: .*out.*\nRun gnr --help/)]);
    },
  );

  it.each<[string, (root: string) => Promise<void>, RegExp]>([
    [
      'without trainB',
      (root) => rm(join(root, 'trainB'), { recursive: true }),
      /a folder trainB in .*set but found only .*trainA/,
    ],
    [
      'with an empty trainA',
      async (root) => {
        await rm(join(root, 'trainA'), { recursive: true });
        await mkdir(join(root, 'trainA'));
      },
      /an image in .*set\/trainA but found none; put .*there/,
    ],
    [
      'with other files only',
      async (root) => {
        await rm(join(root, 'trainB'), { recursive: true });
        await mkdir(join(root, 'trainB'));
        await writeFile(join(root, 'trainB', 'notes.txt'), 'x');
      },
      /an image in .*set\/trainB but found none \(other files: 1 \.txt\)/,
    ],
  ])('rejects a dataset %s', async (_, spoil, message) => {
    const root = join(folder, 'set');
    await cp(tiny.dataset, root, { recursive: true });
    await spoil(root);
    await expectRejection(await train(...set(`data.root=${root}`)), message);
  });

  it('rejects a run directory that is a file, and keeps the file', async () => {
    await writeFile(runDir, 'mine');
    const { code, stdout, stderr } = await train('--steps', '1');
    expect(code).toBeGreaterThan(0);
    expect([stdout, stderr]).toEqual(['', expect.stringMatching(new RegExp(`^gnr: .*${runDir}.*\n$`))]);
    expect(stderr).not.toContain('unexpected');
    expect(await readFile(runDir, 'utf8')).toBe('mine');
  });
});

describe('gnr train with files of all kinds', () => {
  let root: string;
  // Two epochs of all 13 files.
  const steps = ['--steps', '2', '--set', 'training.batch=13'];
  beforeEach(async () => {
    root = join(folder, 'set');
    await cp(tiny.dataset, root, { recursive: true });
  });
  const into = (name: string, data: Uint8Array | string) => writeFile(join(root, 'trainA', name), data);

  it('trains on images of all kinds, and skips files that are not images after naming each once', async () => {
    const picture = await sharp(join(tiny.dataset, 'trainA', '00000.png'))
      .resize(40, 56)
      .png()
      .toBuffer();
    const other = await sharp(picture).negate().png().toBuffer();
    await into('cmyk.jpg', await sharp(picture).toColourspace('cmyk').jpeg().toBuffer());
    await into('grey.png', await sharp(picture).toColourspace('b-w').png().toBuffer());
    await into('alpha.png', await sharp(picture).ensureAlpha(0.5).png().toBuffer());
    await into('deep.png', await sharp(picture).toColourspace('rgb16').png().toBuffer());
    await into(
      'moving.gif',
      await sharp([picture, other], { join: { animated: true } })
        .gif()
        .toBuffer(),
    );
    const jpeg = await sharp(picture).jpeg().toBuffer();
    await into('cut.jpg', jpeg.subarray(0, jpeg.length / 2));
    await into('text.png', 'this is no picture');
    await into('notes.txt', 'and this does not look like one');
    const { code, stdout, stderr } = await train(...steps, '--set', `data.root=${root}`);
    expect(code).toBe(0);
    expect(errorMessages(stderr).sort()).toEqual([
      expect.stringMatching(
        new RegExp(`^gnr: skipped ${root}/trainA/cut\\.jpg: Expected an image .* damaged`),
      ),
      expect.stringMatching(
        new RegExp(`^gnr: skipped ${root}/trainA/text\\.png: Expected an image .* not an image`),
      ),
      expect.stringMatching(/left out.* 1 \.txt of trainA/),
      expect.stringMatching(/trainB has fewer images/),
    ]);
    expect(stdout).toContain('Checkpoint of step 2');
  });

  it('ends with their names and the remedy if too many images are damaged', async () => {
    for (const name of await readdir(join(root, 'trainA'))) await into(name, 'no picture');
    const { code, stderr } = await train(...steps, '--set', `data.root=${root}`);
    expect(code).toBe(1);
    expect(errorMessages(stderr).at(-1)).toMatch(
      new RegExp(
        `^gnr: Cannot decode \\d of the 6 images: ${root}/trainA/0000\\d\\.png .*Replace or remove them`,
      ),
    );
  });
});
