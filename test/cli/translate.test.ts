import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { imageDescription } from '../../src/data/description.js';
import { NOSES_OF_THREE, PHOTO_OF_THREE } from '../support/faces.js';
import { errorMessages, gnr, type Outcome, type TinyTraining, tinyTraining } from '../support/gnr.js';

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
const pixelsOf = async (name: string): Promise<string> =>
  (
    await sharp(await bytesOf(name))
      .raw()
      .toBuffer()
  ).toString('base64');
const pathsOf = (names: string[]): string => names.map((name) => `${join(out, name)}\n`).join('');

describe('gnr translate', () => {
  it('writes an image of the model size in every style, and prints their paths', async () => {
    const large = join(folder, 'Me on Holiday.JPG');
    await sharp(photo).resize(90, 70).jpeg().toFile(large);
    const { code, stdout, stderr } = await translate(large, '--styles', '3', '--face', 'off');
    const names = [1, 2, 3].map((style) => `Me on Holiday_style-${style}.png`);
    expect([code, errorMessages(stderr), stdout]).toEqual([0, [], pathsOf(names)]);
    expect(await written()).toEqual(names);
    const made = await Promise.all(names.map(bytesOf));
    for (const png of made) expect(await sharp(png).metadata()).toMatchObject({ width: 32, height: 32 });
    expect(new Set(made.map((png) => png.toString('base64'))).size).toBe(3);
  });

  it('accepts files and folders together, and numbers results of equal names', async () => {
    const { code, stdout } = await translate(photos, photo, '--styles', '1');
    const names = ['00000_style-1.png', '00001_style-1.png', '00000-2_style-1.png'];
    expect([code, stdout]).toEqual([0, pathsOf(names)]);
    expect(await written()).toEqual(names.toSorted());
    expect((await bytesOf(names[0]!)).equals(await bytesOf(names[2]!))).toBe(true);
  });

  it('makes four styles by default', async () => {
    await translate(photo);
    expect(await written()).toEqual([1, 2, 3, 4].map((style) => `00000_style-${style}.png`));
  });

  it('writes inputs and results into one image with --grid', async () => {
    const { code, stdout } = await translate(photos, '--grid', '--styles', '2');
    expect([code, stdout]).toEqual([0, pathsOf(['grid.png'])]);
    expect(await written()).toEqual(['grid.png']);
    // Two rows of an input and two results, at the size of the model or larger.
    const { width, height } = await sharp(await bytesOf('grid.png')).metadata();
    expect(width).toBeGreaterThanOrEqual(3 * 32);
    expect(height).toBeGreaterThanOrEqual(2 * 32);
    expect(width).toBeGreaterThan(height);
  });

  it('uses the style of an image with --style-image', async () => {
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
    return pixelsOf('00000_style-1.png');
  }

  it('gives the same pixels for the same seed, and others for another seed', async () => {
    const first = await result('--seed', '5');
    expect(await result('--seed', '5')).toBe(first);
    expect(await result('--seed', '6')).not.toBe(first);
    expect(await result()).toBe(await result('--seed', '1'));
  });

  it('translates in the other direction with --direction B2A', async () => {
    const there = await result();
    expect(await result('--direction', 'A2B')).toBe(there);
    expect(await result('--direction', 'B2A')).not.toBe(there);
  });

  it('draws styles together with --truncation, to a single one at 0', async () => {
    const plain = await result();
    expect(await result('--truncation', '1')).toBe(plain);
    expect(await result('--truncation', '0.5')).not.toBe(plain);
    const mean = await result('--truncation', '0');
    expect(await pixelsOf('00000_style-2.png')).toBe(mean);
    expect(await result('--truncation', '0', '--seed', '9')).toBe(mean);
  });

  it('gives the same result from a run, a checkpoint, latest and an exported model', async () => {
    const checkpoint = join(run, 'checkpoints', 'step-000001');
    const exported = join(folder, 'model');
    await mkdir(exported);
    for (const name of ['model.safetensors', 'config.json'])
      await cp(join(checkpoint, name), join(exported, name));
    const expected = await result();
    for (const path of [checkpoint, join(run, 'checkpoints', 'latest'), exported]) {
      const { code } = await gnr('translate', photo, '--checkpoint', path, '--out', out);
      expect([code, await pixelsOf('00000_style-1.png')]).toEqual([0, expected]);
    }
  });
});

describe('the styles of gnr translate', () => {
  const codes = Array.from({ length: 8 }, (_, i) => (i - 4) / 4).join(',');

  it('come as numbers with --style-code, from the command line or a file', async () => {
    expect((await translate(photo, '--style-code', codes)).code).toBe(0);
    expect(await written()).toEqual(['00000_code-1.png']);
    const given = await bytesOf('00000_code-1.png');
    const file = join(folder, 'code.json');
    await writeFile(file, `[${codes}]`);
    expect((await translate(photo, '--style-code', file)).code).toBe(0);
    expect((await bytesOf('00000_code-1.png')).equals(given)).toBe(true);
  });

  it('come from a folder of references with --style-image, one style for each image', async () => {
    expect((await translate(photo, '--style-image', join(tiny.dataset, 'testB'))).code).toBe(0);
    expect(await written()).toEqual(['00000_00000.png', '00000_00001.png']);
  });

  it('are interpolated between the first two with --interpolate', async () => {
    expect((await translate(photo, '--seed', '4', '--interpolate', '3')).code).toBe(0);
    expect(await written()).toEqual(['00000_mix-1.png', '00000_mix-2.png', '00000_mix-3.png']);
    const ends = await Promise.all(['00000_mix-1.png', '00000_mix-3.png'].map(pixelsOf));
    await translate(photo, '--seed', '4', '--styles', '2');
    expect(await Promise.all(['00000_style-1.png', '00000_style-2.png'].map(pixelsOf))).toEqual(ends);
  });

  it('come from an earlier result with --like, which gives the same bytes', async () => {
    await translate(photo, '--seed', '11', '--styles', '3', '--truncation', '0.6', '--direction', 'B2A');
    const made = await bytesOf('00000_style-2.png');
    const again = join(folder, 'again');
    const like = join(out, '00000_style-2.png');
    const { code, stderr } = await gnr(
      'translate',
      photo,
      '--checkpoint',
      run,
      '--out',
      again,
      '--like',
      like,
    );
    expect([code, errorMessages(stderr), await readdir(again)]).toEqual([0, [], ['00000_style-2.png']]);
    expect((await readFile(join(again, '00000_style-2.png'))).equals(made)).toBe(true);
  });

  it('come from an earlier grid with --like, all of them', async () => {
    await translate(photo, '--styles', '2', '--grid');
    const grid = join(out, 'grid.png');
    await translate(photo, '--like', grid);
    expect(await written()).toEqual(['00000_style-1.png', '00000_style-2.png', 'grid.png']);
  });

  it('come from a result of another model with --like, with a warning', async () => {
    await translate(photo, '--styles', '1');
    const other = join(folder, 'other');
    const words = ['--config', tiny.config, '--out', other, '--steps', '1', '--set', 'training.seed=9'];
    expect((await gnr('train', ...words)).code).toBe(0);
    const like = ['--like', join(out, '00000_style-1.png')];
    const { code, stderr } = await gnr('translate', photo, '--checkpoint', other, '--out', out, ...like);
    expect([code, errorMessages(stderr)]).toEqual([0, [expect.stringContaining('another model')]]);
  });
});

describe('standard input of gnr translate', () => {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  afterEach(() => Object.defineProperty(process, 'stdin', stdin));
  const pipe = (bytes: Buffer) =>
    Object.defineProperty(process, 'stdin', {
      configurable: true,
      value: Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]),
    });

  it('is read as an image for the argument -', async () => {
    pipe(await readFile(photo));
    const { code } = await translate('-', photo, '--styles', '1');
    expect([code, await written()]).toEqual([0, ['00000_style-1.png', 'stdin_style-1.png']]);
    expect(await bytesOf('stdin_style-1.png')).toEqual(await bytesOf('00000_style-1.png'));
  });

  it.each([
    ['nothing', Buffer.alloc(0), /standard input but found no bytes/],
    ['no image', Buffer.from('x'.repeat(300)), /standard input but found a file that is not an image/],
  ])('is rejected if it holds %s', async (_, bytes, message) => {
    pipe(bytes);
    const { code, stderr } = await translate('-');
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('is rejected if it is named twice', async () => {
    const { code, stderr } = await translate('-', '-');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/at most once/)]);
  });

  it('is rejected if it is a terminal', async () => {
    Object.defineProperty(process, 'stdin', { configurable: true, value: { isTTY: true } });
    const { code, stderr } = await translate('-');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/found a terminal/)]);
  });
});

describe('faces of gnr translate', () => {
  const sizeOf = async (name: string) => {
    const { width, height } = await sharp(await bytesOf(name)).metadata();
    return [width, height];
  };

  it('are cropped: the largest by default, every one with --face all', async () => {
    const { code, stderr } = await translate(PHOTO_OF_THREE, '--styles', '1');
    expect([code, errorMessages(stderr), await written()]).toEqual([0, [], ['sample1_style-1.png']]);
    const usual = await pixelsOf('sample1_style-1.png');
    await translate(PHOTO_OF_THREE, '--styles', '1', '--face', 'off');
    expect(await pixelsOf('sample1_style-1.png')).not.toBe(usual);
    await translate(PHOTO_OF_THREE, '--styles', '1', '--face', 'all');
    const names = [1, 2, 3].map((i) => `sample1_face-${i}_style-1.png`);
    expect(await written()).toEqual([...names, 'sample1_style-1.png']);
    expect(await pixelsOf(names[0]!)).toBe(usual);
    for (const name of names) expect(await sizeOf(name)).toEqual([32, 32]);
  });

  it('are pasted back into the photo with --paste, where nothing else changes', async () => {
    const { code, stdout } = await translate(PHOTO_OF_THREE, '--styles', '1', '--face', 'all', '--paste');
    expect([code, stdout]).toEqual([0, pathsOf(['sample1_style-1.png'])]);
    const made = await bytesOf('sample1_style-1.png');
    const [before, after] = await Promise.all(
      [PHOTO_OF_THREE, made].map((one) => sharp(one).raw().toBuffer({ resolveWithObject: true })),
    );
    expect([after!.info.width, after!.info.height]).toEqual([1920, 1280]);
    const isSame = (x: number, y: number): boolean => {
      const at = (y * 1920 + x) * 3;
      return before!.data.subarray(at, at + 3).equals(after!.data.subarray(at, at + 3));
    };
    for (const [x, y] of NOSES_OF_THREE) expect(isSame(x, y)).toBe(false);
    for (const [x, y] of [
      [5, 5],
      [1200, 300],
      [960, 1270],
    ] as const)
      expect(isSame(x, y)).toBe(true);
    const record = JSON.parse(imageDescription((await sharp(made).metadata()).exif!)!) as object;
    expect(record).toMatchObject({ squares: [{}, {}, {}].map(() => ({ side: expect.any(Number) })) });
    expect((await translate(photo, '--like', join(out, 'sample1_style-1.png'))).code).toBe(0);
  });

  it('are found in a photo with an EXIF orientation', async () => {
    const turned = join(folder, 'turned.jpg');
    const sideways = await sharp(PHOTO_OF_THREE).resize(960).rotate(270).toBuffer();
    await sharp(sideways).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toFile(turned);
    const { code, stderr } = await translate(turned, '--styles', '1', '--face', 'all', '--paste');
    expect([code, errorMessages(stderr)]).toEqual([0, []]);
    expect(await sizeOf('turned_style-1.png')).toEqual([960, 640]);
  });

  it('have a row each in a grid, or a row for the whole photo with --paste', async () => {
    const words = ['--styles', '1', '--grid', '--face', 'all'];
    await translate(PHOTO_OF_THREE, ...words);
    const [, facesHeight] = await sizeOf('grid.png');
    await translate(PHOTO_OF_THREE, ...words, '--paste');
    const [, photoHeight] = await sizeOf('grid.png');
    expect(facesHeight! / photoHeight!).toBeCloseTo(3, 0);
  });

  it('are reported as missing once for all photos without any, which are translated whole', async () => {
    const plain = sharp({ create: { width: 90, height: 60, channels: 3, background: '#405060' } });
    const names = Array.from({ length: 7 }, (_, i) => `${i}.png`);
    for (const name of names) await plain.clone().toFile(join(folder, name));
    const files = names.map((name) => join(folder, name));
    const { code, stderr } = await translate(...files, PHOTO_OF_THREE, '--styles', '1', '--paste');
    expect([code, errorMessages(stderr)]).toEqual([
      0,
      [expect.stringContaining(`found in ${files.slice(0, 5).join(', ')}, 2 more: translated whole`)],
    ]);
    // Its centre goes back then.
    expect(await sizeOf('0_style-1.png')).toEqual([90, 60]);
    expect(await sizeOf('sample1_style-1.png')).toEqual([1920, 1280]);
  });

  it.each([
    [['--face', 'off', '--paste'], /--face auto, largest or all with --paste but found --face off/],
    [['--face-margin', '-1'], /--face-margin to be from 0 to 10 but found -1/],
    [['--face', 'some'], /face/],
  ])('rejects %j', async (words, message) => {
    const { code, stdout, stderr } = await translate(photo, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });
});

describe('gnr translate with unusual images', () => {
  const plain = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#405060' } });

  it.each<[string, () => Promise<Buffer>]>([
    ['in CMYK', () => plain(50, 40).toColourspace('cmyk').jpeg().toBuffer()],
    ['rotated by EXIF', () => plain(50, 40).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['20,000 px wide', () => plain(20_000, 40).png().toBuffer()],
    ['a single pixel', () => plain(1, 1).png().toBuffer()],
    [
      'animated',
      () => {
        const frames = ['#000000', '#ffffff'].map((background) => ({
          create: { width: 40, height: 40, channels: 3 as const, background },
        }));
        return sharp(frames as never, { join: { animated: true } } as never)
          .gif()
          .toBuffer();
      },
    ],
  ])('translates an image that is %s', async (_, make) => {
    const file = join(folder, 'unusual');
    await writeFile(file, await make());
    const { code, stderr } = await translate(file, '--styles', '1', '--face', 'largest');
    const notes = [expect.stringContaining(`no face was found in ${file}: translated whole`)];
    expect([code, errorMessages(stderr), await written()]).toEqual([0, notes, ['unusual_style-1.png']]);
    expect(await sharp(await bytesOf('unusual_style-1.png')).metadata()).toMatchObject({
      width: 32,
      height: 32,
    });
  });
});

it('gnr translate names a damaged newest checkpoint of a run, and uses the one before it', async () => {
  const damaged = join(folder, 'run');
  await cp(run, damaged, { recursive: true, verbatimSymlinks: true });
  const newest = join(damaged, 'checkpoints', 'step-000002');
  await cp(join(damaged, 'checkpoints', 'step-000001'), newest, { recursive: true });
  await truncate(join(newest, 'model.safetensors'), 5000);
  const { code, stderr } = await gnr('translate', photo, '--checkpoint', damaged, '--out', out);
  expect([code, errorMessages(stderr)]).toEqual([
    0,
    [
      expect.stringMatching(
        new RegExp(`^gnr: skipped the damaged checkpoint ${newest}: .*model\\.safetensors`),
      ),
    ],
  ]);
  const expected = await bytesOf('00000_style-1.png');
  await translate(photo);
  expect((await bytesOf('00000_style-1.png')).equals(expected)).toBe(true);
});

describe('gnr translate with wrong arguments', () => {
  /** One line that says what is wrong; nothing printed, nothing made. */
  async function expectRejection(outcome: Outcome, message: RegExp): Promise<void> {
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
    [
      ['--style-image', '/nowhere/style.png'],
      /an image or folder at \/nowhere\/style\.png but found nothing/,
    ],
  ])('rejects %j', async (words, message) => {
    await expectRejection(await translate(photo, ...words), message);
  });

  it.each([
    [['--direction', 'A2C'], /direction.*"A2C".*"A2B", "B2A"/],
    [['--styles', 'many'], /--styles is not a number/],
    [['--seed'], /--seed needs a value/],
    [['--direction'], /direction.*"A2B", "B2A"/],
    [['--stlyes', '3'], /Did you mean --styles\?/],
  ])('rejects %j and points to --help', async (words, message) => {
    const { code, stdout, stderr } = await translate(photo, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(stderr).toContain('--help');
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['missing', async () => {}, /an image or folder at .*input but found nothing/],
    ['an empty folder', (path) => mkdir(path), /an image in .*input but found none; put .* there/],
  ])('rejects an input that is %s', async (_, make, message) => {
    const input = join(folder, 'input');
    await make(input);
    await expectRejection(await translate(input), message);
    const { code, stdout, stderr } = await translate(photo, input);
    expect(code).toBe(2);
    expect(stdout).not.toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^gnr: skipped .*input: Expected/m);
  });

  it('files of a folder that are no images are counted by extension', async () => {
    const inputs = join(folder, 'mixed');
    await mkdir(inputs);
    await cp(photo, join(inputs, 'a.jfif'));
    for (const name of ['b.heic', 'c.heic', 'd.txt', '.DS_Store']) await writeFile(join(inputs, name), 'x');
    const { code, stderr } = await translate(inputs);
    expect(code).toBe(0);
    expect(stderr).toMatch(/left out of .*mixed.*: 2 \.heic, 1 \.txt$/m);
  });

  it('rejects a call without inputs', async () => {
    const { code, stderr } = await translate();
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^gnr: Not enough non-option arguments/)]);
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['missing', async () => {}, /a checkpoint at .*model but found nothing/],
    ['an empty folder', (path) => mkdir(path), /a checkpoint at .*model but found a folder without one/],
    ['an image', (path) => cp(photo, path), /a checkpoint at .*model but found a file/],
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
  ])('rejects a checkpoint that is %s', async (_, make, message) => {
    const model = join(folder, 'model');
    await make(model);
    await expectRejection(await gnr('translate', photo, '--checkpoint', model, '--out', out), message);
  });
});

describe('gnr translate with unreadable files', () => {
  it.each([[[]], [['--grid']]])(
    'names unreadable images, translates the others, and exits with 2 (%j)',
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
      expect(errorMessages(stderr)).toEqual([
        expect.stringMatching(new RegExp(`^gnr: skipped ${inputs}/b-cut\\.jpg: .* damaged`)),
        expect.stringMatching(new RegExp(`^gnr: skipped ${inputs}/c-text\\.png: .* not an image`)),
        expect.stringMatching(new RegExp(`^gnr: skipped ${inputs}/d-empty\\.webp: .* empty`)),
        'gnr: Expected 5 readable images but found 3 that could not be read; replace those named above; the others are translated.',
      ]);
    },
  );

  it('exits with 2 and prints no path if no image is readable', async () => {
    const bad = join(folder, 'bad.png');
    await writeFile(bad, 'no picture');
    const { code, stdout, stderr } = await translate(bad);
    expect([code, stdout]).toEqual([2, '']);
    expect(errorMessages(stderr)).toHaveLength(2);
  });

  it('exits with 1 and keeps the file if --out is a file', async () => {
    await writeFile(out, 'mine');
    const { code, stderr } = await translate(photo);
    expect([code, errorMessages(stderr)]).toEqual([
      1,
      [expect.stringMatching(new RegExp(`^gnr: Cannot write ${out}: a part of the path is a file`))],
    ]);
    expect(await readFile(out, 'utf8')).toBe('mine');
  });
});
