import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/data/decode.js';
import { InputError, loadModel, type Model, saveImage, translate } from '../../src/index.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { NOSES_OF_THREE, PHOTO_OF_THREE } from '../support/faces.js';
import { gnr } from '../support/gnr.js';

let folder = '';
let photo = '';
let model: Model;

const greyImage = (): Promise<Buffer> =>
  sharp({ create: { width: 90, height: 60, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-library-'));
  await drawSampleDataset({ dir: join(folder, 'data'), images: 1, testImages: 1, size: 64 });
  photo = join(folder, 'data', 'testA', '00000.png');
  model = await loadModel('models/sample');
});
afterAll(async () => {
  model.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe('the library', () => {
  it('makes the images of the command line, from a path and from bytes', async () => {
    const out = join(folder, 'out');
    const words = ['--checkpoint', 'models/sample', '--out', out, '--styles', '3', '--seed', '5'];
    expect((await gnr('translate', photo, ...words)).code).toBe(0);
    const images = await translate(model, photo, { styles: 3, seed: 5 });
    expect(images).toHaveLength(3);
    for (const [i, { image }] of images.entries())
      expect(image).toEqual(await decodeImage(join(out, `00000_style-${i + 1}.png`)));
    expect(await translate(model, await readFile(photo), { styles: 3, seed: 5 })).toEqual(images);
  });

  it('accepts styles of earlier translations and of images, and writes files', async () => {
    const [, second] = await translate(model, photo, { styles: 2, seed: 1 });
    const [again] = await translate(model, photo, { styles: [second!.style] });
    // Alone and among others an image goes through programs of other sizes.
    const difference = second!.image.data.map((value, i) => Math.abs(value - again!.image.data[i]!));
    expect(Math.max(...difference)).toBeLessThanOrEqual(1);
    const anime = join(folder, 'anime.png');
    await saveImage(second!.image, anime);
    const [styled] = await translate(model, photo, { styleOf: anime });
    expect(styled!.style).toHaveLength(model.styleLength);
    expect(await decodeImage(anime)).toEqual(second!.image);
  });

  it('crops to faces on request', async () => {
    const whole = await translate(model, PHOTO_OF_THREE, { seed: 3 });
    expect(whole.map(({ square }) => square)).toEqual([undefined]);
    const faces = await translate(model, PHOTO_OF_THREE, { styles: 2, seed: 3, face: 'all' });
    const squares = faces.map(({ square }) => square!);
    expect(squares).toHaveLength(6);
    for (const [i, [x, y]] of NOSES_OF_THREE.entries()) {
      const at = squares.findIndex(
        ({ left, top, side }) => x > left && x < left + side && y > top && y < top + side,
      );
      expect([at, squares[at + 1]]).toEqual([2 * i, squares[at]]);
    }
    const bytes = await readFile(PHOTO_OF_THREE);
    const [largest] = await translate(model, bytes, { styles: [faces[1]!.style], face: 'largest' });
    expect(largest!.square).toEqual(squares[0]);
    const difference = largest!.image.data.map((value, i) => Math.abs(value - faces[1]!.image.data[i]!));
    expect(Math.max(...difference)).toBeLessThanOrEqual(1);
    const [none] = await translate(model, await greyImage(), { face: 'all' });
    expect(none!.square).toBeUndefined();
  });

  it.each([
    ['an unknown value of face', { face: 'some' as never }],
    ['zero styles', { styles: 0 }],
    ['a style of another model', { styles: [new Float32Array(3)] }],
    ['an empty list of styles', { styles: [] }],
    ['a fractional seed', { seed: 1.5 }],
    ['a seed beyond 32 bits', { seed: 2 ** 32 }],
    ['a truncation of NaN', { truncation: Number.NaN }],
    ['an unknown direction', { direction: 'B2B' as never }],
    ['an image of a style that does not exist', { styleOf: 'nothing.png' }],
  ])('rejects %s', async (_, options) => {
    await expect(translate(model, photo, options)).rejects.toBeInstanceOf(InputError);
  });

  it('rejects translations by a disposed model', async () => {
    const other = await loadModel('models/sample', { batch: 1 });
    other.dispose();
    await expect(translate(other, photo)).rejects.toThrow(RangeError);
  });
});
