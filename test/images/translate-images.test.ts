import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { type DecodedImage, decodeImage, toFloat } from '../../src/data/decode.js';
import { splitImages } from '../../src/data/image-arrays.js';
import type { FaceMode } from '../../src/faces/square.js';
import { turnImage } from '../../src/faces/turn-pixels.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { collectInputs } from '../../src/images/inputs.js';
import {
  type TranslateEvent,
  type TranslateOptions,
  translateImages,
} from '../../src/images/translate-images.js';
import { loadEngine } from '../../src/runtime/node.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import { randomStyles } from '../../src/translate/styles.js';
import type { Translator } from '../../src/translate/translator.js';
import { tinyConfig } from '../support/config.js';
import { fixedDetector } from '../support/faces.js';
import { leaveTemporary } from '../support/leftovers.js';

const config = tinyConfig();
const { size, latentDim } = config.model;
let shared: string;
let data: string;
let folder: string;
let outDir: string;
let translator: Translator;

beforeAll(async () => {
  await loadEngine();
  shared = await mkdtemp(join(tmpdir(), 'gnr-translate-data-'));
  data = join(shared, 'data');
  await drawSampleDataset({ dir: data, images: 3, testImages: 1, size: 40 });
  translator = openTranslator(config.model, initNetworks(buildNetworks(config), new Rng(1, 'init')));
});
afterAll(async () => {
  translator.dispose();
  await rm(shared, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-translate-'));
  outDir = join(folder, 'out');
  await mkdir(outDir);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function translate(
  paths: string[],
  options: Partial<TranslateOptions> = {},
): Promise<TranslateEvent[]> {
  const events: TranslateEvent[] = [];
  const all: TranslateOptions = {
    translator,
    direction: 'A2B',
    inputs: await collectInputs(paths),
    styles: randomStyles(2, 7, latentDim),
    outDir,
    grid: false,
    ...options,
  };
  for await (const event of translateImages(all)) events.push(event);
  return events;
}

const written = async (): Promise<string[]> => (await readdir(outDir)).sort();

describe('translateImages without a grid', () => {
  it('rejects more results than their names can be kept of, before it plans one', async () => {
    const inputs = Array.from({ length: 100_000 }, (_, i) => ({ file: `${i}.png`, name: `${i}` }));
    const styles = randomStyles(168, 1, latentDim);
    const events = translateImages({
      translator,
      direction: 'A2B',
      model: '',
      inputs,
      styles,
      outDir,
      grid: false,
    });
    await expect(events.next()).rejects.toThrow(
      /at most 1048576 results at a time but found 16800000 \(100000 images in 168 styles\)/,
    );
  });

  it('writes a file for every image and style, named after both', async () => {
    const events = await translate([join(data, 'trainA')]);
    const files = [0, 1, 2].flatMap((i) => [`0000${i}_style-1.png`, `0000${i}_style-2.png`]);
    expect(await written()).toEqual(files);
    expect(events.map(({ type }) => type)).toEqual(['image', 'image', 'image']);
    expect(events[1]).toEqual({
      type: 'image',
      file: join(data, 'trainA', '00001.png'),
      outputs: files.slice(2, 4).map((name) => join(outDir, name)),
      isFaceless: false,
    });
  });

  it.each(['A2B', 'B2A'] as const)(
    'single files hold the output of the translator (%s)',
    async (direction) => {
      const file = join(data, 'trainA', '00000.png');
      const styles = randomStyles(1, 3, latentDim);
      await translate([file], { direction, styles });
      const made = await decodeImage(join(outDir, '00000_style-1.png'));
      expect([made.width, made.height]).toEqual([size, size]);
      const image = toFloat(await decodeImage(file, { size }));
      const [expected] = splitImages(translator.translate(direction, image, styles[0]!.code), size);
      expect(Buffer.from(made.data).equals(Buffer.from(expected!.data))).toBe(true);
    },
  );

  it('clears what a killed process was writing there, and nothing else that begins with a dot', async () => {
    await leaveTemporary(join(outDir, 'x-style-1.png'), 'half');
    await writeFile(join(outDir, '.notes'), 'mine');
    await translate([join(data, 'testA')]);
    expect((await readdir(outDir)).filter((name) => name.startsWith('.'))).toEqual(['.notes']);
  });

  it('writes the same files for the same seed', async () => {
    const file = join(data, 'trainA', '00000.png');
    const bytes = async (seed: number): Promise<Buffer> => {
      await translate([file], { styles: randomStyles(1, seed, latentDim) });
      return readFile(join(outDir, '00000_style-1.png'));
    };
    const first = await bytes(1);
    expect((await bytes(1)).equals(first)).toBe(true);
    expect((await bytes(2)).equals(first)).toBe(false);
  });
});

describe('an image that cannot be read', () => {
  it('is reported and skipped', async () => {
    const bad = join(folder, 'bad.jpg');
    await writeFile(bad, Buffer.from('ffd8ffe000104a4649460001', 'hex'));
    const good = join(data, 'trainA', '00000.png');
    const before = tf.memory().numTensors;
    const events = await translate([bad, good]);
    expect(events.map(({ type }) => type)).toEqual(['failed', 'image']);
    const [failed] = events;
    expect(failed).toMatchObject({ type: 'failed', file: bad });
    expect(failed?.type === 'failed' && failed.error).toBeInstanceOf(InputError);
    expect(await written()).toEqual(['00000_style-1.png', '00000_style-2.png']);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a bad input among twenty, whatever is wrong with it, costs none of the other nineteen', async () => {
    const good = join(data, 'trainA', '00000.png');
    const bad = ['gone.png', 'empty', 'text.jpg', 'photo.heic', 'cut.png', `${'long'.repeat(100)}.png`];
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'text.jpg'), 'no image');
    await writeFile(join(folder, 'photo.heic'), Buffer.from('00000018667479706865696300000000', 'hex'));
    await writeFile(join(folder, 'cut.png'), (await readFile(good)).subarray(0, 500));
    const names = Array.from({ length: 19 }, (_, i) => join(folder, `${i}.png`));
    for (const name of names) await copyFile(good, name);
    for (const name of bad) {
      const paths = names.toSpliced(7, 0, join(folder, name));
      const inputs = await collectInputs(paths, { isTolerant: true });
      const events = await translate([], { inputs, styles: randomStyles(1, 7, latentDim) });
      const failed = events.filter((event) => event.type === 'failed');
      expect(failed.map(({ file }) => file)).toEqual([join(folder, name)]);
      expect(failed[0]!.error.message).toMatch(/^Expected an? .* but found .*; .*\.$/);
      expect(await written()).toHaveLength(19);
      await rm(outDir, { recursive: true });
      await mkdir(outDir);
    }
  });

  it('an image whose name has 250 bytes gets results with shortened names of their own', async () => {
    const good = join(data, 'trainA', '00000.png');
    const names = ['x', 'y'].map((end) => `${'é'.repeat(122)}${end}.png`);
    for (const name of names) await copyFile(good, join(folder, name));
    const events = await translate(names.map((name) => join(folder, name)));
    expect(events.map(({ type }) => type)).toEqual(['image', 'image']);
    const files = await written();
    expect(files).toHaveLength(4);
    for (const file of files) {
      expect(Buffer.byteLength(file)).toBeLessThanOrEqual(255);
      expect(file).toMatch(/^é{90,}~[0-9a-f]{8}_style-[12]\.png$/);
    }
  });

  it('leaves nothing to write if it is the only one, with or without a grid', async () => {
    const bad = join(folder, 'bad.png');
    await writeFile(bad, 'no image');
    for (const grid of [false, true]) {
      const events = await translate([bad], { grid });
      expect(events.map(({ type }) => type)).toEqual(['failed']);
    }
    expect(await written()).toEqual([]);
  });
});

/** Levels by which translations of an image and of its turned copy may differ. */
const MAX_ROUNDING = 4;

describe('faces in translateImages', () => {
  const face = (left: number, top: number, side: number) => ({ left, top, width: side, height: side });
  const options = (mode: FaceMode, paste: boolean, ...faces: ReturnType<typeof face>[]) => {
    const detector = vi.fn(async () => fixedDetector(...faces));
    return { faces: { mode, margin: 0, paste, detector }, styles: randomStyles(1, 3, latentDim), detector };
  };
  /** Left half dark, right half light. */
  const halves = async (width: number, height: number): Promise<string> => {
    const path = join(folder, `${width}x${height}.png`);
    const light = { create: { width: width / 2, height, channels: 3 as const, background: '#d0d0d0' } };
    await sharp({ create: { width, height, channels: 3, background: '#303030' } })
      .composite([{ input: light, left: width / 2, top: 0 }])
      .png()
      .toFile(path);
    return path;
  };

  it('are cropped and translated', async () => {
    const file = await halves(120, 60);
    await translate([file], options('largest', false, face(70, 20, 40)));
    const made = await decodeImage(join(outDir, '120x60_style-1.png'));
    const image = toFloat(await decodeImage(file, { size, square: { left: 70, top: 16, side: 40 } }));
    const [expected] = splitImages(
      translator.translate('A2B', image, randomStyles(1, 3, latentDim)[0]!.code),
      size,
    );
    expect(Buffer.from(made.data).equals(Buffer.from(expected!.data))).toBe(true);
  });

  it('are not searched for in images that are crops already, by default', async () => {
    const square = join(data, 'trainA', '00000.png');
    const auto = options('auto', false, face(5, 5, 10));
    await translate([square], auto);
    expect(auto.detector).not.toHaveBeenCalled();
    const told = options('largest', false, face(5, 5, 10));
    await translate([square], told);
    expect(told.detector).toHaveBeenCalledOnce();
  });

  it('are pasted back in the order of their size, the largest on top', async () => {
    const file = await halves(120, 60);
    const two = [face(40, 10, 40), face(60, 20, 30)];
    await translate([file], options('all', true, ...two));
    const both = await decodeImage(join(outDir, '120x60_style-1.png'));
    await translate([file], options('all', true, two[0]!));
    const one = await decodeImage(join(outDir, '120x60_style-1.png'));
    const at = (image: DecodedImage, x: number, y: number) => [
      ...image.data.subarray((y * 120 + x) * 3, (y * 120 + x) * 3 + 3),
    ];
    expect([both.width, both.height]).toEqual([120, 60]);
    expect(at(both, 66, 28)).toEqual(at(one, 66, 28));
    expect(at(both, 84, 32)).not.toEqual(at(one, 84, 32));
  });

  it('transparency stays where faces are pasted back, and colours behind it are not mixed with white', async () => {
    const file = join(folder, 'clear.png');
    const [width, height] = [80, 60];
    const pixels = Uint8Array.from({ length: width * height * 4 }, (_, i) =>
      i % 4 === 3 ? (i * 3) % 256 : 60 + (i % 100),
    );
    await sharp(pixels, { raw: { width, height, channels: 4 } })
      .png()
      .toFile(file);
    await translate([file], options('largest', true, face(40, 20, 20)));
    const made = sharp(join(outDir, 'clear_style-1.png'));
    expect((await made.metadata()).channels).toBe(4);
    const data = await made.raw().toBuffer();
    const alphas = (bytes: Uint8Array) => [...bytes].filter((_, i) => i % 4 === 3);
    expect(alphas(data)).toEqual(alphas(pixels));
    // Far from the face nothing has changed.
    expect([...data.subarray(0, 4 * 30)]).toEqual([...pixels.subarray(0, 4 * 30)]);
    const centre = (30 * width + 50) * 4;
    expect([...data.subarray(centre, centre + 3)]).not.toEqual([...pixels.subarray(centre, centre + 3)]);
    // An image with a channel of alpha that is opaque everywhere stays an image of three channels.
    await sharp(pixels, { raw: { width, height, channels: 4 } })
      .removeAlpha()
      .ensureAlpha(1)
      .png()
      .toFile(join(folder, 'opaque.png'));
    await translate([join(folder, 'opaque.png')], options('largest', true, face(40, 20, 20)));
    expect((await sharp(join(outDir, 'opaque_style-1.png')).metadata()).channels).toBe(3);
  });

  it('faces that lie on their side are translated upright, and pasted back as they lay', async () => {
    const upright = join(folder, 'up.png');
    const lying = join(folder, 'lying.png');
    // A gradient, so that no turned copy looks like another.
    const [width, height] = [90, 60];
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      i % 3 === 0
        ? 20 + 2 * (Math.floor(i / 3) % width)
        : i % 3 === 1
          ? 20 + 3 * Math.floor(i / 3 / width)
          : 90,
    );
    const image = sharp(pixels, { raw: { width, height, channels: 3 } });
    await image.clone().png().toFile(upright);
    await image.clone().rotate(270).png().toFile(lying);
    // Faces are higher than wide only where the image is as wide as the upright one.
    const detector = async () => ({
      find: async (seen: DecodedImage) =>
        seen.width === width && seen.data[0]! < 60 && seen.data[1]! < 60
          ? [{ left: 50, top: 15, width: 20, height: 26, score: 0.97 }]
          : [{ left: 10, top: 10, width: 30, height: 20, score: 0.6 }],
      dispose: () => undefined,
    });
    for (const paste of [false, true]) {
      const faces = { mode: 'largest' as const, margin: 0, paste, detector };
      await translate([upright, lying], { faces, styles: randomStyles(1, 3, latentDim) });
      const results = await Promise.all(
        ['up', 'lying'].map((name) =>
          sharp(join(outDir, `${name}_style-1.png`))
            .png()
            .toBuffer(),
        ),
      );
      const [first, second] = await Promise.all([
        decodeImage(results[0]!),
        decodeImage(paste ? await sharp(results[1]).rotate(90).png().toBuffer() : results[1]!),
      ]);
      expect([second.width, second.height]).toEqual([first.width, first.height]);
      const worst = (a: DecodedImage, b: DecodedImage) =>
        Math.max(...a.data.map((level, i) => Math.abs(level - b.data[i]!)));
      // The resampling of a turned copy rounds in other places.
      expect(worst(first, second)).toBeLessThanOrEqual(MAX_ROUNDING);
      expect(worst(first, turnImage(second, 2))).toBeGreaterThan(2 * MAX_ROUNDING);
    }
  });

  it('are rejected before anything is written if their results would share a name', async () => {
    const file = await halves(120, 60);
    const inputs = ['a', 'a_face-2'].map((name) => ({ file, name }));
    await expect(translate([file], { ...options('all', false), inputs })).rejects.toThrow(
      /a_face-2_style-1\.png for .* and /,
    );
    expect(await written()).toEqual([]);
    await translate([file], { ...options('all', true), inputs });
    expect(await written()).toEqual(['a_face-2_style-1.png', 'a_style-1.png']);
  });

  it('never have results that overwrite earlier inputs', async () => {
    const names = ['a.png', 'a_face-1_style-1.png'];
    for (const name of names) await copyFile(await halves(120, 60), join(outDir, name));
    const before = await readFile(join(outDir, names[1]!));
    const two = options('all', false, face(70, 20, 20), face(20, 20, 20));
    await expect(translate([outDir], two)).rejects.toThrow(/a_face-\*_style-1\.png for both/);
    expect(await written()).toEqual(names);
    expect(await readFile(join(outDir, names[1]!))).toEqual(before);
    // Faces that are images of their own are no results of one another.
    await rename(join(outDir, names[1]!), join(outDir, 'a_face-1.png'));
    await rename(join(outDir, names[0]!), join(outDir, 'a_face-2.png'));
    await translate([outDir], two);
    expect((await written()).length).toBe(2 + 2 * 2);
  });
});

describe('results of translateImages', () => {
  const image = () => join(data, 'trainA', '00000.png');
  const style = (label: string) => ({ label, code: new Float32Array(latentDim) });

  it('are rejected before anything is written if two have the same name', async () => {
    const inputs = ['a', 'a_b'].map((name) => ({ file: image(), name }));
    const attempt = translate([image()], { inputs, styles: [style('b_c'), style('c')] });
    await expect(attempt).rejects.toThrow(/a_b_c\.png for .* and /);
    await expect(attempt).rejects.toThrow(InputError);
    expect(await written()).toEqual([]);
  });

  it.each([false, true])('are rejected if they would overwrite an input (grid: %s)', async (grid) => {
    const names = grid ? ['grid.png'] : ['a.png', 'a_style-1.png'];
    for (const name of names) await copyFile(image(), join(outDir, name));
    const before = await readFile(join(outDir, names.at(-1)!));
    const roundabout = join(folder, '..', basename(folder), 'out');
    await expect(translate([outDir], { outDir: roundabout, grid })).rejects.toThrow(/for both/);
    expect(await written()).toEqual(names);
    expect(await readFile(join(outDir, names.at(-1)!))).toEqual(before);
  });
});

it('translateImages reports a grid whose record is too long for a file', async () => {
  const label = 'x'.repeat(40_000);
  const styles = [0, 1].map((i) => ({ label: `${i}`, code: new Float32Array(latentDim), origin: { label } }));
  const events = await translate([join(data, 'trainA', '00000.png')], { grid: true, styles });
  expect(events.slice(1)).toEqual([
    { type: 'grid', path: join(outDir, 'grid.png') },
    { type: 'unrecorded', path: join(outDir, 'grid.png') },
  ]);
});

describe('a grid of translateImages', () => {
  it('has a row for every image: the input and its translations', async () => {
    const events = await translate([join(data, 'trainA')], { grid: true });
    expect(events.map(({ type }) => type)).toEqual(['image', 'image', 'image', 'grid']);
    expect(events[0]).toMatchObject({ outputs: [] });
    expect(await written()).toEqual(['grid.png']);
    const { width, height } = await sharp(join(outDir, 'grid.png')).metadata();
    // Three columns by three rows, of the size of the model or larger, and labels above.
    expect(width).toBeGreaterThanOrEqual(3 * translator.architecture.size);
    expect(height).toBeGreaterThanOrEqual(width);
  });

  it('continues in further files for many images', async () => {
    const many = join(folder, 'many');
    await mkdir(many);
    for (let i = 0; i < 33; i++)
      await copyFile(join(data, 'trainA', '00000.png'), join(many, `${String(i).padStart(2, '0')}.png`));
    const events = await translate([many], { grid: true, styles: randomStyles(1, 1, latentDim) });
    expect(events.filter(({ type }) => type === 'image').length).toBe(33);
    expect(
      events.filter(({ type }) => type === 'grid').map((event) => 'path' in event && basename(event.path)),
    ).toEqual(['grid-001.png', 'grid-002.png']);
    const heights = await Promise.all(
      ['grid-001.png', 'grid-002.png'].map(
        async (name) => (await sharp(join(outDir, name)).metadata()).height,
      ),
    );
    // 32 rows and a single one.
    expect(heights[0]! / heights[1]!).toBeGreaterThan(16);
  });
});

it('translateImages frees everything when the caller stops early', async () => {
  const inputs = await collectInputs([join(data, 'trainA')]);
  const before = tf.memory().numTensors;
  const styles = randomStyles(2, 7, latentDim);
  for await (const event of translateImages({
    translator,
    direction: 'A2B',
    inputs,
    styles,
    outDir,
    grid: false,
  }))
    if (event.type === 'image') break;
  expect(tf.memory().numTensors).toBe(before);
});
