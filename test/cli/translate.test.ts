import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { imageDescription } from '../../src/data/description.js';
import { NOSES_OF_THREE, PHOTO_OF_THREE } from '../support/faces.js';
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
const pixelsOf = async (name: string): Promise<string> =>
  (
    await sharp(await bytesOf(name))
      .raw()
      .toBuffer()
  ).toString('base64');
const pathsOf = (names: string[]): string => names.map((name) => `${join(out, name)}\n`).join('');

describe('gnr translate', () => {
  it('makes a picture of the model size in every style, and tells their paths', async () => {
    const large = join(folder, 'Me on Holiday.JPG');
    await sharp(photo).resize(90, 70).jpeg().toFile(large);
    const { code, stdout, stderr } = await translate(large, '--styles', '3', '--face', 'off');
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
    return pixelsOf('00000_style-1.png');
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
    expect(await pixelsOf('00000_style-2.png')).toBe(mean);
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
      expect([code, await pixelsOf('00000_style-1.png')]).toEqual([0, expected]);
    }
  });
});

describe('styles of other kinds', () => {
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

  it('come from a folder of references, one for each picture', async () => {
    expect((await translate(photo, '--style-image', join(tiny.dataset, 'testB'))).code).toBe(0);
    expect(await written()).toEqual(['00000_00000.png', '00000_00001.png']);
  });

  it('are interpolated between the first two', async () => {
    expect((await translate(photo, '--seed', '4', '--interpolate', '3')).code).toBe(0);
    expect(await written()).toEqual(['00000_mix-1.png', '00000_mix-2.png', '00000_mix-3.png']);
    const ends = await Promise.all(['00000_mix-1.png', '00000_mix-3.png'].map(pixelsOf));
    await translate(photo, '--seed', '4', '--styles', '2');
    expect(await Promise.all(['00000_style-1.png', '00000_style-2.png'].map(pixelsOf))).toEqual(ends);
  });

  it('come from a picture that was made before, with --like, to the same bytes', async () => {
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
    expect([code, complaints(stderr), await readdir(again)]).toEqual([0, [], ['00000_style-2.png']]);
    expect((await readFile(join(again, '00000_style-2.png'))).equals(made)).toBe(true);
  });

  it('come from a grid, all of them', async () => {
    await translate(photo, '--styles', '2', '--grid');
    const grid = join(out, 'grid.png');
    await translate(photo, '--like', grid);
    expect(await written()).toEqual(['00000_style-1.png', '00000_style-2.png', 'grid.png']);
  });

  it('of a picture of another model are taken with a word about it', async () => {
    await translate(photo, '--styles', '1');
    const other = join(folder, 'other');
    const words = ['--config', tiny.config, '--out', other, '--steps', '1', '--set', 'training.seed=9'];
    expect((await gnr('train', ...words)).code).toBe(0);
    const like = ['--like', join(out, '00000_style-1.png')];
    const { code, stderr } = await gnr('translate', photo, '--checkpoint', other, '--out', out, ...like);
    expect([code, complaints(stderr)]).toEqual([0, [expect.stringContaining('another model')]]);
  });
});

describe('standard input', () => {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  afterEach(() => Object.defineProperty(process, 'stdin', stdin));
  const pipe = (bytes: Buffer) =>
    Object.defineProperty(process, 'stdin', {
      configurable: true,
      value: Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]),
    });

  it('is a picture where - stands for it', async () => {
    pipe(await readFile(photo));
    const { code } = await translate('-', photo, '--styles', '1');
    expect([code, await written()]).toEqual([0, ['00000_style-1.png', 'stdin_style-1.png']]);
    expect(await bytesOf('stdin_style-1.png')).toEqual(await bytesOf('00000_style-1.png'));
  });

  it.each([
    ['nothing', Buffer.alloc(0), /standard input but found no bytes/],
    ['no picture', Buffer.from('x'.repeat(300)), /standard input but found a file that is not an image/],
  ])('is named where it holds %s', async (_, bytes, message) => {
    pipe(bytes);
    const { code, stderr } = await translate('-');
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('is refused twice, and where a person sits there', async () => {
    const twice = await translate('-', '-');
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringMatching(/at most once/)]);
    Object.defineProperty(process, 'stdin', { configurable: true, value: { isTTY: true } });
    const terminal = await translate('-');
    expect([terminal.code, terminal.stderr]).toEqual([2, expect.stringMatching(/found a terminal/)]);
  });
});

describe('faces', () => {
  const sizeOf = async (name: string) => {
    const { width, height } = await sharp(await bytesOf(name)).metadata();
    return [width, height];
  };

  it('are cropped: the largest by itself, or all of them', async () => {
    const { code, stderr } = await translate(PHOTO_OF_THREE, '--styles', '1');
    expect([code, complaints(stderr), await written()]).toEqual([0, [], ['sample1_style-1.png']]);
    const usual = await pixelsOf('sample1_style-1.png');
    await translate(PHOTO_OF_THREE, '--styles', '1', '--face', 'off');
    expect(await pixelsOf('sample1_style-1.png')).not.toBe(usual);
    await translate(PHOTO_OF_THREE, '--styles', '1', '--face', 'all');
    const names = [1, 2, 3].map((i) => `sample1_face-${i}_style-1.png`);
    expect(await written()).toEqual([...names, 'sample1_style-1.png']);
    expect(await pixelsOf(names[0]!)).toBe(usual);
    for (const name of names) expect(await sizeOf(name)).toEqual([32, 32]);
  });

  it('go back into the photo, where nothing else changes', async () => {
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

  it('are looked for in a photo that is turned by EXIF too', async () => {
    const turned = join(folder, 'turned.jpg');
    const sideways = await sharp(PHOTO_OF_THREE).resize(960).rotate(270).toBuffer();
    await sharp(sideways).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toFile(turned);
    const { code, stderr } = await translate(turned, '--styles', '1', '--face', 'all', '--paste');
    expect([code, complaints(stderr)]).toEqual([0, []]);
    expect(await sizeOf('turned_style-1.png')).toEqual([960, 640]);
  });

  it('fill grids: a row for each, or whole pictures', async () => {
    const words = ['--styles', '1', '--grid', '--face', 'all'];
    await translate(PHOTO_OF_THREE, ...words);
    const rows = (await sizeOf('grid.png'))[1]!;
    await translate(PHOTO_OF_THREE, ...words, '--paste');
    expect(rows - (await sizeOf('grid.png'))[1]!).toBe(2 * 100);
  });

  it('leave the picture whole where there is none, which is said once for all', async () => {
    const plain = sharp({ create: { width: 90, height: 60, channels: 3, background: '#405060' } });
    const names = Array.from({ length: 7 }, (_, i) => `${i}.png`);
    for (const name of names) await plain.clone().toFile(join(folder, name));
    const files = names.map((name) => join(folder, name));
    const { code, stderr } = await translate(...files, PHOTO_OF_THREE, '--styles', '1', '--paste');
    expect([code, complaints(stderr)]).toEqual([
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
  ])('%j is refused', async (words, message) => {
    const { code, stdout, stderr } = await translate(photo, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });
});

describe('unusual pictures', () => {
  const plain = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#405060' } });

  it.each<[string, () => Promise<Buffer>]>([
    ['in CMYK', () => plain(50, 40).toColourspace('cmyk').jpeg().toBuffer()],
    ['turned by EXIF', () => plain(50, 40).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['20,000 px wide', () => plain(20_000, 40).png().toBuffer()],
    ['of one pixel', () => plain(1, 1).png().toBuffer()],
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
  ])('%s are translated', async (_, make) => {
    const file = join(folder, 'unusual');
    await writeFile(file, await make());
    const { code, stderr } = await translate(file, '--styles', '1', '--face', 'largest');
    const notes = [expect.stringContaining(`no face was found in ${file}: translated whole`)];
    expect([code, complaints(stderr), await written()]).toEqual([0, notes, ['unusual_style-1.png']]);
    expect(await sharp(await bytesOf('unusual_style-1.png')).metadata()).toMatchObject({
      width: 32,
      height: 32,
    });
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
        new RegExp(`^gnr: skipped the damaged checkpoint ${newest}: .*model\\.safetensors`),
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
    [
      ['--style-image', '/nowhere/style.png'],
      /an image or folder at \/nowhere\/style\.png but found nothing/,
    ],
  ])('%j is refused', async (words, message) => {
    await expectRefusal(await translate(photo, ...words), message);
  });

  it.each([
    [['--direction', 'A2C'], /direction.*"A2C".*"A2B", "B2A"/],
    [['--styles', 'many'], /--styles is not a number/],
    [['--seed'], /--seed needs a value/],
    [['--direction'], /direction.*"A2B", "B2A"/],
    [['--stlyes', '3'], /Did you mean --styles\?/],
  ])('%j is refused with a word about --help', async (words, message) => {
    const { code, stdout, stderr } = await translate(photo, ...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(stderr).toContain('--help');
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['nothing', async () => {}, /an image or folder at .*input but found nothing/],
    ['an empty folder', (path) => mkdir(path), /an image in .*input but found none; put .* there/],
  ])('an input that is %s is refused', async (_, make, message) => {
    const input = join(folder, 'input');
    await make(input);
    await expectRefusal(await translate(input), message);
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
        expect.stringMatching(new RegExp(`^gnr: skipped ${inputs}/b-cut\\.jpg: .* damaged`)),
        expect.stringMatching(new RegExp(`^gnr: skipped ${inputs}/c-text\\.png: .* not an image`)),
        expect.stringMatching(new RegExp(`^gnr: skipped ${inputs}/d-empty\\.webp: .* empty`)),
        'gnr: Expected 5 readable images but found 3 that could not be read; replace those named above; the others are translated.',
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
