import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { complaints, gnr, type Outcome, type TinyTraining, tinyTraining } from '../support/gnr.js';

let shared: string;
let tiny: TinyTraining;
let run: string;
let photos: string;
let photo: string;
let folder: string;
let out: string;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-cli-translate-'));
  tiny = await tinyTraining(shared);
  run = join(shared, 'run');
  photos = join(tiny.dataset, 'testA');
  photo = join(photos, '00000.png');
  const { code } = await gnr('train', '--config', tiny.config, '--out', run, '--steps', '1');
  expect(code).toBe(0);
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cli-translate-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const translate = (...words: string[]): Promise<Outcome> =>
  gnr('translate', '--checkpoint', run, '--out', out, ...words);
const written = async (): Promise<string[]> => (await readdir(out)).sort();
const bytesOf = (name: string): Promise<Buffer> => readFile(join(out, name));
const pathsOf = (names: string[]): string => names.map((name) => `${join(out, name)}\n`).join('');

describe('gnr translate', () => {
  it('makes a picture of the model size in every style, and tells their paths', async () => {
    const large = join(folder, 'Me on Holiday.JPG');
    await sharp(photo).resize(90, 70).jpeg().toFile(large);
    const { code, stdout, stderr } = await translate(large, '--styles', '3');
    const names = [1, 2, 3].map((style) => `Me on Holiday_style-${style}.png`);
    expect([code, complaints(stderr), stdout]).toEqual([0, [], pathsOf(names)]);
    expect(await written()).toEqual(names);
    const made = await Promise.all(names.map(bytesOf));
    for (const png of made) expect(await sharp(png).metadata()).toMatchObject({ width: 32, height: 32 });
    expect(new Set(made.map((png) => png.toString('base64'))).size).toBe(3);
  });

  it('takes files and folders together, without mixing up equal names', async () => {
    const { code, stdout } = await translate(photos, photo, '--styles', '1');
    const names = ['00000_style-1.png', '00001_style-1.png', '00000-2_style-1.png'];
    expect([code, stdout]).toEqual([0, pathsOf(names)]);
    expect(await written()).toEqual(names.toSorted());
    expect((await bytesOf(names[0]!)).equals(await bytesOf(names[2]!))).toBe(true);
  });

  it('has four styles where nobody says how many', async () => {
    await translate(photo);
    expect(await written()).toEqual([1, 2, 3, 4].map((style) => `00000_style-${style}.png`));
  });

  it('puts inputs and results into one picture with --grid', async () => {
    const { code, stdout } = await translate(photos, '--grid', '--styles', '2');
    expect([code, stdout]).toEqual([0, pathsOf(['grid.png'])]);
    expect(await written()).toEqual(['grid.png']);
    expect((await sharp(await bytesOf('grid.png')).metadata()).width).toBe(3 * 96 + 4 * 4);
  });

  it('takes the style of a picture with --style-image', async () => {
    const drawings = [0, 1].map((i) => join(tiny.dataset, 'testB', `0000${i}.png`));
    const results: Buffer[] = [];
    for (const drawing of [drawings[0]!, drawings[0]!, drawings[1]!]) {
      expect((await translate(photo, '--style-image', drawing)).code).toBe(0);
      expect(await written()).toEqual(['00000_reference.png']);
      results.push(await bytesOf('00000_reference.png'));
    }
    expect(results[1]!.equals(results[0]!)).toBe(true);
    expect(results[2]!.equals(results[0]!)).toBe(false);
  });

  /** The first picture of a call with these words. */
  async function result(...words: string[]): Promise<string> {
    expect((await translate(photo, '--styles', '2', ...words)).code).toBe(0);
    return (await bytesOf('00000_style-1.png')).toString('base64');
  }

  it('gives the same bytes for the same seed, and others for another', async () => {
    const first = await result('--seed', '5');
    expect(await result('--seed', '5')).toBe(first);
    expect(await result('--seed', '6')).not.toBe(first);
    expect(await result()).toBe(await result('--seed', '1'));
  });

  it('goes the other way with --direction B2A', async () => {
    const there = await result();
    expect(await result('--direction', 'A2B')).toBe(there);
    expect(await result('--direction', 'B2A')).not.toBe(there);
  });

  it('pulls styles together with --truncation, onto one at 0', async () => {
    const plain = await result();
    expect(await result('--truncation', '1')).toBe(plain);
    expect(await result('--truncation', '0.5')).not.toBe(plain);
    const mean = await result('--truncation', '0');
    expect((await bytesOf('00000_style-2.png')).toString('base64')).toBe(mean);
    expect(await result('--truncation', '0', '--seed', '9')).toBe(mean);
  });

  it('takes a run, a checkpoint, latest and an exported model alike', async () => {
    const checkpoint = join(run, 'checkpoints', 'step-000001');
    const exported = join(folder, 'model');
    await mkdir(exported);
    for (const name of ['model.safetensors', 'config.json'])
      await cp(join(checkpoint, name), join(exported, name));
    const expected = await result();
    for (const path of [checkpoint, join(run, 'checkpoints', 'latest'), exported]) {
      const { code } = await gnr('translate', photo, '--checkpoint', path, '--out', out);
      expect([code, (await bytesOf('00000_style-1.png')).toString('base64')]).toEqual([0, expected]);
    }
  });
});

it('a damaged newest checkpoint of a run is named, and the one before it taken', async () => {
  const damaged = join(folder, 'run');
  await cp(run, damaged, { recursive: true, verbatimSymlinks: true });
  const newest = join(damaged, 'checkpoints', 'step-000002');
  await cp(join(damaged, 'checkpoints', 'step-000001'), newest, { recursive: true });
  await truncate(join(newest, 'model.safetensors'), 5000);
  const { code, stderr } = await gnr('translate', photo, '--checkpoint', damaged, '--out', out);
  expect([code, complaints(stderr)]).toEqual([
    0,
    [
      expect.stringMatching(
        new RegExp(`^gnr: passed over the damaged checkpoint ${newest}: .*model\\.safetensors`),
      ),
    ],
  ]);
  const expected = await bytesOf('00000_style-1.png');
  await translate(photo);
  expect((await bytesOf('00000_style-1.png')).equals(expected)).toBe(true);
});

describe('wrong usage and input', () => {
  /** One line that says what is wrong; nothing printed, nothing made. */
  async function expectRefusal(outcome: Outcome, message: RegExp): Promise<void> {
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).toMatch(/^gnr: Expected [^\n]* but found [^\n]*; [^\n]*\.\n$/);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    await expect(stat(out)).rejects.toThrow('ENOENT');
  }

  it.each([
    [['--styles', '0'], /--styles to be a whole number from 1 to 1000 but found 0/],
    [['--styles', '2.5'], /--styles to be a whole number .* 2\.5/],
    [['--styles', '1001'], /--styles .* 1001/],
    [['--seed', '-1'], /--seed to be a whole number from 0 to 2\^32 - 1 but found -1/],
    [['--seed', '4294967296'], /--seed .* 4294967296/],
    [['--truncation', '-0.5'], /--truncation to be 0 or more but found -0\.5/],
    [['--style-image', '/nowhere/style.png'], /a picture at \/nowhere\/style\.png but found nothing/],
  ])('%j is refused', async (words, message) => {
    await expectRefusal(await translate(photo, ...words), message);
  });

  it.each([
    [['--direction', 'A2C'], /direction.*"A2C".*"A2B", "B2A"/],
    [['--styles', 'many'], /--styles is no number/],
    [['--seed'], /--seed needs a value/],
    [['--direction'], /--direction needs a value/],
    [['--stlyes', '3'], /Did you mean --styles\?/],
  ])('%j is refused with a word about --help', async (words, message) => {
    const { code, stdout, stderr } = await translate(photo, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(stderr).toContain('--help');
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['nothing', async () => {}, /a picture or folder at .*input but found nothing/],
    ['an empty folder', (path) => mkdir(path), /a picture in .*input but found none; put .* there/],
  ])('an input that is %s is refused', async (_, make, message) => {
    const input = join(folder, 'input');
    await make(input);
    await expectRefusal(await translate(photo, input), message);
  });

  it('a call without inputs is refused', async () => {
    const { code, stderr } = await translate();
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^gnr: Not enough non-option arguments/)]);
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['nothing', async () => {}, /a checkpoint at .*model but found nothing/],
    ['an empty folder', (path) => mkdir(path), /a checkpoint at .*model but found a folder without one/],
    ['a picture', (path) => cp(photo, path), /a checkpoint at .*model but found a file/],
    [
      'an interrupted download',
      async (path) => {
        await cp(join(run, 'checkpoints', 'step-000001'), path, { recursive: true });
        await truncate(join(path, 'model.safetensors'), 5000);
      },
      /model\.safetensors/,
    ],
    [
      'a model with the config of another one',
      async (path) => {
        await cp(join(run, 'checkpoints', 'step-000001'), path, { recursive: true });
        const config = join(path, 'config.json');
        const text = await readFile(config, 'utf8');
        expect(text).toContain('"channelDivisor": 64');
        await writeFile(config, text.replace('"channelDivisor": 64', '"channelDivisor": 32'));
      },
      /the tensor G_A2B\/\S+ of shape .*model\.safetensors but found one of shape .*config\.json/,
    ],
    [
      'a model without its config',
      async (path) => {
        await cp(join(run, 'checkpoints', 'step-000001'), path, { recursive: true });
        await rm(join(path, 'config.json'));
      },
      /the model's config at .*model\/config\.json but found nothing/,
    ],
    [
      'a run whose only checkpoint is damaged',
      async (path) => {
        await cp(run, path, { recursive: true });
        await truncate(join(path, 'checkpoints', 'step-000001', 'model.safetensors'), 5000);
      },
      /step-000001\/model\.safetensors/,
    ],
  ])('a checkpoint that is %s is refused', async (_, make, message) => {
    const model = join(folder, 'model');
    await make(model);
    await expectRefusal(await gnr('translate', photo, '--checkpoint', model, '--out', out), message);
  });
});

describe('pictures that cannot be read', () => {
  it.each([[[]], [['--grid']]])(
    'are named, the others translated, and the exit code tells (%j)',
    async (words) => {
      const inputs = join(folder, 'inputs');
      await mkdir(inputs);
      const whole = await sharp(photo).jpeg().toBuffer();
      await writeFile(join(inputs, 'a-good.jpg'), whole);
      await writeFile(join(inputs, 'b-cut.jpg'), whole.subarray(0, whole.length / 2));
      await writeFile(join(inputs, 'c-text.png'), 'no picture');
      await writeFile(join(inputs, 'd-empty.webp'), '');
      await writeFile(join(inputs, 'e-good.jpg'), whole);
      const { code, stdout, stderr } = await translate(inputs, '--styles', '1', ...words);
      const names = words.length > 0 ? ['grid.png'] : ['a-good_style-1.png', 'e-good_style-1.png'];
      expect([code, stdout]).toEqual([2, pathsOf(names)]);
      expect(await written()).toEqual(names);
      expect(complaints(stderr)).toEqual([
        expect.stringMatching(new RegExp(`^gnr: passed over ${inputs}/b-cut\\.jpg: .* damaged`)),
        expect.stringMatching(new RegExp(`^gnr: passed over ${inputs}/c-text\\.png: .* no picture`)),
        expect.stringMatching(new RegExp(`^gnr: passed over ${inputs}/d-empty\\.webp: .* empty`)),
        'gnr: Expected 5 readable pictures but found 3 that could not be read; replace those named above; the others are translated.',
      ]);
    },
  );

  it('leave nothing to translate where there are no others', async () => {
    const bad = join(folder, 'bad.png');
    await writeFile(bad, 'no picture');
    const { code, stdout, stderr } = await translate(bad);
    expect([code, stdout]).toEqual([2, '']);
    expect(complaints(stderr)).toHaveLength(2);
  });

  it('and a folder for the results that is a file is an error of the work', async () => {
    await writeFile(out, 'mine');
    const { code, stderr } = await translate(photo);
    expect([code, complaints(stderr)]).toEqual([
      1,
      [
        expect.stringMatching(
          new RegExp(`^gnr: Cannot write ${join(out, basename(photo, '.png'))}_style-\\d\\.png: `),
        ),
      ],
    ]);
    expect(await readFile(out, 'utf8')).toBe('mine');
  });
});
