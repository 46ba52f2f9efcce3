import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { centreSquare, type Extent, type Square } from '../../src/base/geometry.js';
import { decodeImage } from '../../src/data/decode.js';
import { type FaceDetector, loadFaceDetector } from '../../src/faces/detector.js';
import type { Face } from '../../src/faces/face.js';
import { faceSquares, wholePixels } from '../../src/faces/square.js';
import { loadModel, type Model, translate } from '../../src/index.js';
import { openPage } from '../../src/serve/serve.js';
import type { RunningServer } from '../../src/serve/server.js';
import { buildPage, hasChromium, inWorker, startBrowser } from '../support/browser.js';

const ASTRONAUT = 'examples/photos/astronaut.jpg';
const HOPPER = 'examples/photos/grace_hopper.jpg';
/** Browsers and sharp decode and scale slightly differently. */
const TOLERANCE_PX = 4;

const folder = hasChromium ? await mkdtemp(join(tmpdir(), 'gnr-page-faces-')) : '';
let browser: Browser;
let server: RunningServer;
let worker: string;
let detector: FaceDetector;
let model: Model;

/** The squares that Node frames in a photo, the largest face first; one face alone as `auto` does it. */
async function framedByNode(file: string): Promise<Square[]> {
  const image = await decodeImage(file, { longest: 1024 });
  const faces = await detector.find(image);
  const squares = faceSquares(faces.length === 1 ? 'auto' : 'all', faces, image);
  return squares.map((square) => wholePixels(square, image));
}

async function besideEachOther(name: string): Promise<string> {
  const path = join(folder, name);
  const right = await sharp(HOPPER).resize({ height: 512 }).png().toBuffer({ resolveWithObject: true });
  await sharp({ create: { width: 512 + right.info.width, height: 512, channels: 3, background: '#ffffff' } })
    .composite([
      { input: await readFile(ASTRONAUT), left: 0, top: 0 },
      { input: right.data, left: 512, top: 0 },
    ])
    .png()
    .toFile(path);
  return path;
}

/** A gradient, which has no face. */
async function gradient(name: string, { width, height }: Extent): Promise<string> {
  const path = join(folder, name);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return i % 3 === 0 ? (255 * (pixel % width)) / width : (255 * Math.floor(pixel / width)) / height;
  });
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

/** Frames of a camera at which a face is left for 4 seconds, then right for as long, then missing: 30 JPEG files a second. */
async function cameraFile(name: string): Promise<string> {
  const path = join(folder, name);
  const face = await sharp(ASTRONAUT)
    .extract({ left: 100, top: 0, width: 250, height: 250 })
    .resize(360)
    .toBuffer();
  const frame = (left: number): Promise<Buffer> =>
    sharp({ create: { width: 1280, height: 480, channels: 3, background: '#7f8fa0' } })
      .composite([{ input: face, left, top: 60 }])
      .jpeg({ quality: 90 })
      .toBuffer();
  const [left, right] = await Promise.all([frame(60), frame(860)]);
  await writeFile(path, Buffer.concat([left, right].flatMap((each) => Array<Buffer>(120).fill(each!))));
  return path;
}

describe.skipIf(!hasChromium)('faces on the page', () => {
  beforeAll(async () => {
    const pageDir = await buildPage(folder);
    ({ server } = await openPage({ pageDir, host: '127.0.0.1', port: 0, checkpoint: 'models/sample' }));
    worker = `assets/${(await readdir(join(pageDir, 'assets'))).find((name) => /^worker-.*\.js$/.test(name))}`;
    browser = await startBrowser([`--use-file-for-fake-video-capture=${await cameraFile('camera.mjpeg')}`]);
    [detector, model] = await Promise.all([loadFaceDetector(), loadModel('models/sample')]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    detector?.dispose();
    model?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  let context: BrowserContext;
  let page: Page;
  let errors: string[];

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
    page = await context.newPage();
    page.setDefaultTimeout(120_000);
    errors = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
  });

  afterEach(async () => {
    await context.close();
  });

  async function open(): Promise<void> {
    await page.goto(`${server.url}?backend=wasm`);
    await page.locator('#engine', { hasText: ' px' }).waitFor();
  }

  async function drop(path: string): Promise<void> {
    const bytes = [...(await readFile(path))];
    const type = path.endsWith('.png') ? 'image/png' : 'image/jpeg';
    const data = await page.evaluateHandle(
      ({ given, mime }) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(given)], 'photo', { type: mime }));
        return transfer;
      },
      { given: bytes, mime: type },
    );
    // The page replaces it, so that nobody takes the results of the photo before for those of this one.
    await page.locator('#face-note').evaluate((note) => {
      note.textContent = 'Looking at the photo before';
    });
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
  }

  /** Waits until faces were looked for, and all results are computed. */
  async function settled(): Promise<void> {
    await page.waitForFunction(
      () =>
        !/^Looking/.test(document.querySelector('#face-note')!.textContent!) &&
        document.querySelectorAll('.tile').length === 6 &&
        document.querySelectorAll('.tile.waiting').length === 0 &&
        (document.querySelector('#progress') as HTMLElement).hidden,
    );
  }

  /** The frame, px of an image of this width. */
  const framed = (width: number): Promise<Square> =>
    page.locator('#frame').evaluate((frame, all) => {
      const photo = document.querySelector('#photo')!.getBoundingClientRect();
      const box = frame.getBoundingClientRect();
      const scale = all / photo.width;
      return {
        left: (box.left - photo.left) * scale,
        top: (box.top - photo.top) * scale,
        side: box.width * scale,
      };
    }, width);

  function expectNear(actual: Square, expected: Square): void {
    for (const key of ['left', 'top', 'side'] as const)
      expect(Math.abs(actual[key] - expected[key]), `${key} of ${JSON.stringify(actual)}`).toBeLessThan(
        TOLERANCE_PX,
      );
  }

  /** The input beside the results, `[64, 64, 3]`. */
  const usedInput = (): Promise<number[]> =>
    page.locator('#input').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
      return [...data].filter((_, i) => i % 4 < 3);
    });

  const result = (): Promise<number[]> =>
    page
      .locator('.tile canvas')
      .first()
      .evaluate((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
        return [...data].filter((_, i) => i % 4 < 3);
      });

  const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
    expect(a.length).toBe(b.length);
    return Array.from(a).reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
  };

  it.each(['wasm', 'webgpu', 'webgl'] as const)(
    'the detector finds on %s what it finds in Node',
    async (backend) => {
      // Small, because graphics processors are imitated here; its odd size makes odd grids.
      const photo = await decodeImage(ASTRONAUT, { longest: 200 });
      const { data, info } = await sharp(photo.data, { raw: { width: 200, height: 200, channels: 3 } })
        .extract({ left: 20, top: 0, width: 180, height: 130 })
        .ensureAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { width, height } = info;
      const rgb = Uint8Array.from(data.filter((_, i) => i % 4 < 3));
      const expected = await detector.find({ data: rgb, width, height }, [2]);
      expect(expected).toHaveLength(1);
      await page.goto(server.url);
      const answers = await inWorker(page, worker, [
        { task: 'engine', argument: { backend } },
        { task: 'faces', argument: { pixels: [...data], width, height, paddings: [2] } },
      ]);
      expect(answers[0]).toMatchObject({ backend });
      const faces = Object.values((answers[1] as { faces: object }).faces) as Face[];
      expect(faces).toHaveLength(1);
      for (const key of ['left', 'top', 'width', 'height'] as const)
        expect(Math.abs(faces[0]![key] - expected[0]![key])).toBeLessThan(0.1);
      expect(Math.abs(faces[0]!.score - expected[0]!.score)).toBeLessThan(0.01);
    },
  );

  it('the face of a dropped photo is framed and translated as Node does it', async () => {
    await open();
    await drop(ASTRONAUT);
    await settled();
    const [expected] = await framedByNode(ASTRONAUT);
    expect(expected!.side).toBeLessThan(300);
    expectNear(await framed(512), expected!);
    expect(await page.textContent('#face-note')).toBe('');
    const [face] = await translate(model, ASTRONAUT, { seed: 1, face: 'auto' });
    const [centre] = await translate(model, ASTRONAUT, { seed: 1 });
    const made = await result();
    expect(distance(made, face!.image.data)).toBeLessThan(distance(made, centre!.image.data) / 4);
    expect(errors).toEqual([]);
  });

  it('of two faces the larger one is framed, and a button takes the other one', async () => {
    const path = await besideEachOther('two.png');
    await open();
    await drop(path);
    await settled();
    const { width } = await sharp(path).metadata();
    const [larger, smaller] = await framedByNode(path);
    expectNear(await framed(width), larger!);
    const buttons = page.getByRole('button', { name: /^Use face/ });
    expect(await buttons.count()).toBe(2);
    expect(await buttons.evaluateAll((all) => all.map((each) => each.getAttribute('aria-pressed')))).toEqual([
      'false',
      'true',
    ]);
    const before = await result();
    await buttons.first().focus();
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await framed(width)).left).toBeLessThan(300);
    await settled();
    expectNear(await framed(width), smaller!);
    expect(await buttons.first().getAttribute('aria-pressed')).toBe('true');
    expect(distance(await result(), before)).toBeGreaterThan(10);
    expect(errors).toEqual([]);
  });

  it('without a face the page says so, and takes the centre', async () => {
    const path = await gradient('gradient.png', { width: 600, height: 400 });
    await open();
    await drop(path);
    await settled();
    expect(await page.textContent('#face-note')).toMatch(/^No face was found/);
    expectNear(await framed(600), centreSquare({ width: 600, height: 400 }));
    expect(errors).toEqual([]);
  });

  it('photos that lie on their side are turned upright, by their EXIF or else by the face', async () => {
    const upright = await sharp(ASTRONAUT)
      .extract({ left: 0, top: 0, width: 512, height: 400 })
      .png()
      .toBuffer();
    const straight = join(folder, 'straight.png');
    await writeFile(straight, upright);
    const lying = join(folder, 'lying.jpg');
    await sharp(upright).rotate(270).jpeg({ quality: 95 }).toFile(lying);
    const noted = join(folder, 'noted.jpg');
    await sharp(lying).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toFile(noted);
    const [expected] = await framedByNode(straight);
    await open();
    for (const path of [lying, noted]) {
      await drop(path);
      await settled();
      await page.waitForFunction(() => {
        const { width, height } = document.querySelector('#crop') as HTMLCanvasElement;
        return width === 512 && height === 400;
      });
      await settled();
      expectNear(await framed(512), expected!);
    }
    expect(errors).toEqual([]);
  });

  it('the frame follows pointer and corners, and the switch turns faces off', async () => {
    await open();
    await drop(ASTRONAUT);
    await settled();
    const before = await framed(512);
    const box = (await page.locator('#frame').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 40, box.y + box.height / 2 + 60, { steps: 4 });
    await page.mouse.up();
    const scale = 512 / (await page.locator('#photo').boundingBox())!.width;
    const moved = await framed(512);
    expect(moved.left - before.left).toBeCloseTo(40 * scale, 0);
    expect(moved.top - before.top).toBeCloseTo(60 * scale, 0);
    expect(moved.side).toBeCloseTo(before.side, 3);
    const now = (await page.locator('#frame').boundingBox())!;
    await page.mouse.move(now.x + now.width - 6, now.y + now.height - 6);
    await page.mouse.down();
    await page.mouse.move(now.x + now.width - 36, now.y + now.height - 36, { steps: 4 });
    await page.mouse.up();
    const smaller = await framed(512);
    expect(smaller.side).toBeCloseTo(moved.side - 30 * scale, 0);
    expect(smaller.left).toBeCloseTo(moved.left, 0);
    await page.uncheck('#find-faces');
    await settled();
    expectNear(await framed(512), { left: 0, top: 0, side: 512 });
    await page.check('#find-faces');
    await settled();
    await expect.poll(async () => (await framed(512)).side).toBeCloseTo(before.side, 0);
    expect(errors).toEqual([]);
  });

  it('where the weights are missing the page says so, and translates the centre', async () => {
    await page.route('**/ssd_mobilenetv1_model-*', (route) => route.fulfill({ status: 404, body: '' }));
    await open();
    await drop(ASTRONAUT);
    await settled();
    expect(await page.textContent('#face-note')).toMatch(
      /^Faces cannot be looked for, so the centre is used:/,
    );
    expect(await page.locator('#error').isHidden()).toBe(true);
    expectNear(await framed(512), { left: 0, top: 0, side: 512 });
    const [centre] = await translate(model, ASTRONAUT, { seed: 1 });
    expect(distance(await result(), centre!.image.data)).toBeLessThan(10);
  });

  it('a translated face goes back into the whole photo, in the size of its file', async () => {
    const large = join(folder, 'large.jpg');
    await sharp(ASTRONAUT).resize(2400).jpeg({ quality: 95 }).toFile(large);
    await open();
    for (const path of [join(folder, 'straight.png'), large]) {
      const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      await drop(path);
      await settled();
      const { left, top, side } = await framed(info.width);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-photo')]);
      expect(download.suggestedFilename()).toBe(
        `photo_style-1_seed-1_photo.${path.endsWith('.png') ? 'png' : 'jpg'}`,
      );
      const saved = await sharp(await readFile((await download.path())!))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([saved.info.width, saved.info.height]).toEqual([info.width, info.height]);
      const meanChange = (isCounted: (shares: number[]) => boolean): number => {
        let [sum, count] = [0, 0];
        for (let i = 0; i < data.length; i += 9) {
          const [x, y] = [Math.floor(i / 3) % info.width, Math.floor(i / 3 / info.width)];
          if (!isCounted([(x - left) / side, (y - top) / side])) continue;
          sum += Math.abs(data[i]! - saved.data[i]!);
          count++;
        }
        return sum / count;
      };
      const inside = meanChange((shares) => shares.every((share) => share > 0.3 && share < 0.7));
      const outside = meanChange((shares) => shares.some((share) => share < -0.02 || share > 1.02));
      expect(inside).toBeGreaterThan(20);
      // A PNG is the same to the bit; a JPEG is compressed again.
      expect(outside).toBeLessThan(path.endsWith('.png') ? 1e-9 : 2);
    }
    expect(errors).toEqual([]);
  });

  it('the frame follows a face at the camera, and stays where a person puts it', async () => {
    await open();
    await page.click('#camera');
    await page.locator('#engine', { hasText: 'a frame' }).waitFor();
    const middle = async (): Promise<number> => {
      const { left, side } = await framed(1280);
      return left + side / 2;
    };
    await expect.poll(middle, { timeout: 120_000 }).toBeLessThan(400);
    await expect.poll(middle, { timeout: 120_000 }).toBeGreaterThan(880);
    expect((await framed(1280)).side).toBeLessThan(420);
    const input = await usedInput();
    expect(input.length).toBe(64 * 64 * 3);
    await page.focus('#frame');
    await page.keyboard.press('-');
    const placed = await framed(1280);
    await page.waitForTimeout(6000);
    expect(await framed(1280)).toEqual(placed);
    expect(errors).toEqual([]);
  });
});
