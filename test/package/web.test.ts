import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { version_core } from '@tensorflow/tfjs-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeImage, toFloat } from '../../src/data/decode.js';
import { loadFaceDetector } from '../../src/faces/detector.js';
import { FACE_WEIGHTS } from '../../src/faces/face-finder.js';
import { loadModel, type Model, translate } from '../../src/index.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { modelBundle } from '../../src/serve/model-bundle.js';
import { ServedFile } from '../../src/serve/served-file.js';
import type { RunningServer } from '../../src/serve/server.js';
import { readModel } from '../../src/translate/model.js';
import type * as webLibrary from '../../src/web.js';
import { hasChromium, startBrowser } from '../support/browser.js';
import { WEIGHTS } from '../support/faces.js';
import { packPackage } from '../support/package.js';
import { WebProject } from '../support/web-project.js';

/** A thousandth of the range [-1, 1]. */
const TOLERANCE = 2e-3;
const folder = hasChromium ? await mkdtemp(join(tmpdir(), 'gnr-web-library-')) : '';
const photo = join(folder, 'data', 'testA', '00000.png');
let project: WebProject;
let browser: Browser;
let example: RunningServer;
let probe: RunningServer;
let model: Model;

/** The sample model as `gnr export --format safetensors` leaves one. */
async function modelFolder(): Promise<ServedFile[]> {
  const names = ['config.json', 'model.safetensors'];
  const read = async (name: string) =>
    new ServedFile(`model/${name}`, [await readFile(join('models/sample', name))]);
  return Promise.all(names.map(read));
}

/** The weights of the face detector beside the page. */
async function faceFolder(): Promise<ServedFile[]> {
  const read = async (name: string) =>
    new ServedFile(`faces/${name}`, [await readFile(join(dirname(WEIGHTS), name))]);
  return Promise.all(Object.values(FACE_WEIGHTS).map(read));
}

describe.skipIf(!hasChromium)('gans-n-roses/web', () => {
  beforeAll(async () => {
    project = await WebProject.install(join(folder, 'project'), await packPackage(folder, { types: false }));
    await drawSampleDataset({ dir: join(folder, 'data'), images: 1, testImages: 1, size: 64 });
    [example, probe, browser, model] = await Promise.all([
      project.serveExample(modelBundle(await readModel('models/sample'), 'model')),
      project.serveProbe([...(await modelFolder()), ...(await faceFolder())]),
      startBrowser(),
      loadModel('models/sample'),
    ]);
  });

  afterAll(async () => {
    await browser?.close();
    await Promise.all([example?.close(), probe?.close()]);
    model?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  let context: BrowserContext;
  let page: Page;
  let errors: string[];

  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
    errors = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
  });

  afterEach(async () => {
    await context.close();
  });

  /** The page with the library as a global. */
  async function openProbe(target = page): Promise<void> {
    await target.goto(probe.url);
    await target.waitForFunction(() => 'library' in globalThis);
  }

  it('a bundle contains nothing of Node', () => {
    expect(project.imported.size).toBeGreaterThan(10);
    const packages = [...project.imported].filter((name) => !name.startsWith('.'));
    expect(new Set(packages)).toEqual(
      new Set([
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-backend-wasm',
        '@tensorflow/tfjs-backend-webgl',
        '@tensorflow/tfjs-backend-webgpu',
        'zod',
      ]),
    );
    expect(packages.filter(isBuiltin)).toEqual([]);
    expect([...project.modules].filter((id) => /sharp|yargs|tfjs-node|\/dist\/cli\//.test(id))).toEqual([]);
  });

  it('the example translates to the same images as Node', async () => {
    await page.goto(example.url);
    await page.locator('#status', { hasText: 'Ready: 64 px, wasm' }).waitFor();
    await page.setInputFiles('#photo', photo);
    await page.locator('#status', { hasText: '3 of 3' }).waitFor();
    await expect.poll(() => page.locator('#images canvas').count()).toBe(3);
    const shown = await page
      .locator('#images canvas')
      .evaluateAll((all) =>
        (all as HTMLCanvasElement[]).map((canvas) => [
          ...canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data,
        ]),
      );
    const expected = await translate(model, photo, { styles: 3, seed: 1 });
    for (const [i, { image }] of expected.entries()) {
      const opaque = await sharp(image.data, { raw: { width: 64, height: 64, channels: 3 } })
        .ensureAlpha()
        .raw()
        .toBuffer();
      const levels = shown[i]!.map((level, k) => Math.abs(level - opaque[k]!));
      expect(levels).toHaveLength(64 * 64 * 4);
      // Both round to 8 bits.
      expect(Math.max(...levels)).toBeLessThanOrEqual(1);
    }
    expect(errors).toEqual([]);
  });

  it('the library in browsers computes the numbers of Node with the same styles', async () => {
    await openProbe();
    const pixels = toFloat(await decodeImage(photo));
    const found = await page.evaluate(
      async (numbers) => {
        const { loadModel, translate } = globalThis.library;
        const opened = await loadModel('model/', { backend: 'wasm', wasmPaths: globalThis.wasmPaths });
        const { translator, engine } = opened;
        const image = Float32Array.from(numbers);
        const drawn = await translate(opened, new ImageData(64, 64), { styles: 2, seed: 7, truncation: 0.5 });
        const content = await translator.encode('A2B', image);
        const answer = {
          engine,
          styles: drawn.map(({ style }) => [...style]),
          made: [...(await translator.decode(content, drawn[1]!.style))],
          styleOf: [...(await translator.styleOf('B2A', image))],
        };
        opened.dispose();
        return answer;
      },
      [...pixels],
    );
    expect(found.engine).toMatchObject({ backend: 'wasm', skipped: [] });
    expect(found.engine.detail).toMatch(/^\d+ threads?$/);
    const styles = await translate(model, photo, { styles: 2, seed: 7, truncation: 0.5 });
    expect(found.styles).toEqual(styles.map(({ style }) => [...style]));
    const { translator } = model;
    const made = translator.translate('A2B', pixels, styles[1]!.style);
    const furthest = (a: number[], b: Float32Array) =>
      Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
    expect(furthest(found.made, made)).toBeLessThan(TOLERANCE);
    expect(furthest(found.styleOf, translator.styleOf('B2A', pixels))).toBeLessThan(TOLERANCE);
  });

  it('the library in browsers finds the faces that Node finds, and translates them', async () => {
    await openProbe();
    const file = await readFile('examples/photos/astronaut.jpg');
    const found = await page.evaluate(
      async (bytes) => {
        const { loadFaceFinder, loadModel, translate } = globalThis.library;
        const wasm = { backend: 'wasm', wasmPaths: globalThis.wasmPaths } as const;
        const image = new Blob([Uint8Array.from(bytes)]);
        const opened = await loadModel('model/', wasm);
        const faceFinder = await loadFaceFinder('faces', wasm);
        const say = (work: Promise<unknown>): Promise<string> => work.then(() => 'was accepted', String);
        const answer = {
          faces: await faceFinder.find(image),
          none: await faceFinder.find(new ImageData(100, 60)),
          isShared: faceFinder.engine === opened.engine,
          all: await translate(opened, image, { styles: 2, face: 'all', faceFinder }),
          centre: await translate(opened, image),
          faceless: await translate(opened, new ImageData(200, 100), { face: 'largest', faceFinder }),
          nowhere: await say(loadFaceFinder('nowhere/', wasm)),
          noFinder: await say(translate(opened, image, { face: 'largest' })),
          mode: await say(translate(opened, image, { face: 'left' as never })),
        };
        faceFinder.dispose();
        return {
          ...answer,
          all: answer.all.map(({ square, image: { data } }) => ({ square, data: [...data] })),
          centre: answer.centre.map(({ square }) => square),
          faceless: answer.faceless.map(({ square }) => square),
          disposed: await say(faceFinder.find(image)),
        };
      },
      [...file],
    );
    const detector = await loadFaceDetector();
    const [face] = await detector.find(await decodeImage(file));
    detector.dispose();
    expect(found.faces).toHaveLength(1);
    for (const key of ['left', 'top', 'width', 'height'] as const)
      expect(Math.abs(found.faces[0]![key] - face![key])).toBeLessThan(2);
    expect(found).toMatchObject({ none: [], isShared: true });
    const expected = await translate(model, 'examples/photos/astronaut.jpg', { styles: 2, face: 'all' });
    expect(found.all).toHaveLength(2);
    for (const [i, { square, data }] of found.all.entries()) {
      for (const key of ['left', 'top', 'side'] as const)
        expect(Math.abs(square![key] - expected[i]!.square![key])).toBeLessThan(3);
      expect(data).toHaveLength(64 * 64 * 4);
    }
    expect([found.centre, found.faceless]).toEqual([[undefined], [undefined]]);
    expect(found.nowhere).toMatch(/^InputError: .*weights of the face detector/);
    expect(found.noFinder).toMatch(/^InputError: .*loadFaceFinder/);
    expect(found.mode).toMatch(/^InputError: .*auto, off, largest, all/);
    expect(found.disposed).toMatch(/^RangeError/);
  });

  it('the library in browsers accepts models as files and all kinds of images, and reports progress', async () => {
    await openProbe();
    const found = await page.evaluate(async () => {
      const { loadModel, translate } = globalThis.library;
      const names = ['config.json', 'model.safetensors'];
      const blobs = await Promise.all(names.map(async (name) => (await fetch(`model/${name}`)).blob()));
      const files = blobs.map((blob, i) => new File([blob], names[i]!));
      const phases: string[] = [];
      const { wasmPaths } = globalThis;
      const onProgress = (progress: webLibrary.LoadProgress) => phases.push(progress.phase);
      const first = await loadModel(files, { backend: 'wasm', wasmPaths, onProgress });
      // The backend is there already.
      const second = await loadModel(new Map(files.map((file) => [`mine/${file.name}`, file])));
      const third = await loadModel({ 'config.json': blobs[0]!, 'model.safetensors': blobs[1]! });
      const canvas = document.createElement('canvas');
      canvas.width = 96; // the middle is used
      canvas.height = 64;
      const drawing = canvas.getContext('2d')!;
      for (let i = 0; i < 6; i++) {
        drawing.fillStyle = `hsl(${i * 50} 80% 50%)`;
        drawing.fillRect(i * 16, i * 8, 16, 40);
      }
      const blob = await new Promise<Blob>((resolve) => canvas.toBlob((made) => resolve(made!)));
      const image = new Image();
      image.src = URL.createObjectURL(blob);
      await image.decode();
      const square = drawing.getImageData(16, 0, 64, 64);
      // Transparent parts become white.
      for (let i = 0; i < square.data.length; i += 4)
        if (square.data[i + 3] === 0) square.data.fill(255, i, i + 4);
      const sources = [canvas, blob, image, await createImageBitmap(blob), square];
      const images: string[] = [];
      for (const [i, source] of sources.entries()) {
        const used = [first, second, third][i % 3]!;
        const [made] = await translate(used, source, { seed: 3 });
        images.push(made!.image.data.join());
      }
      const given = await translate(first, canvas, { styleOf: blob, direction: 'B2A' });
      return {
        phases,
        isSame: new Set(images).size === 1,
        length: given.length,
        users: second.engine === first.engine,
      };
    });
    expect(found).toMatchObject({ isSame: true, length: 1, users: true });
    expect(found.phases[0]).toBe('backend');
    expect(found.phases.at(-1)).toBe('weights');
    expect(errors).toEqual([]);
  });

  it('the library in browsers turns photos upright, and accepts frames of a video', async () => {
    await openProbe();
    const lying = await sharp(photo).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const upright = await sharp(lying).rotate().png().toBuffer();
    const [turned, expected, other, frame] = await page.evaluate(
      async (files) => {
        const { loadModel, translate } = globalThis.library;
        const opened = await loadModel('model/', { backend: 'wasm', wasmPaths: globalThis.wasmPaths });
        const blobs = files.map((bytes) => new Blob([Uint8Array.from(bytes)]));
        const canvas = document.createElement('canvas');
        const bitmap = await createImageBitmap(blobs[1]!);
        [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
        canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
        const video = document.createElement('video');
        video.muted = true;
        video.srcObject = canvas.captureStream();
        await video.play();
        const made: number[][] = [];
        for (const source of [...blobs, video])
          made.push([...(await translate(opened, source))[0]!.image.data]);
        return made;
      },
      [[...lying], [...upright], [...(await readFile(photo))]],
    );
    const furthest = (levels: number[]) =>
      Math.max(...levels.map((level, i) => Math.abs(level - expected![i]!)));
    // Decoders of JPEG may differ in a level or two, and videos may keep less of colours.
    expect(furthest(turned!)).toBeLessThan(16);
    expect(furthest(frame!)).toBeLessThan(64);
    expect(furthest(other!)).toBeGreaterThan(64);
  });

  it('the library works in a worker', async () => {
    await openProbe();
    const [inWorker, inPage] = await page.evaluate(async () => {
      const image = new ImageData(64, 64);
      image.data.forEach((_, i) => {
        image.data[i] = i % 4 === 3 ? 255 : (i * 7) % 256;
      });
      const { worker, wasmPaths, library } = globalThis;
      const answer = new Promise<webLibrary.Translation[]>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage({ address: new URL('model/', location.href).href, image, seed: 5 });
      const model = await library.loadModel('model/', { backend: 'wasm', wasmPaths });
      const here = await library.translate(model, image, { seed: 5 });
      return [await answer, here].map(([made]) => made!.image.data.join());
    });
    expect(inWorker).toBe(inPage);
    expect(inPage!.split(',')).toHaveLength(64 * 64 * 4);
  });

  it('loading names the package of a backend that is not installed', async () => {
    await openProbe();
    const message = await page.evaluate(() =>
      globalThis.library.loadModel('model/', { backend: 'webgl' }).catch(String),
    );
    const name = '@tensorflow/tfjs-backend-webgl';
    expect(message).toContain(`webgl: the package ${name} is not installed`);
    expect(message).toContain(`; run npm install ${name}@${version_core}.`);
    expect(message).toMatch(/^InputError: /);
  });

  it('loading uses the first backend that is installed, and reports the others as skipped', async () => {
    await openProbe();
    const info = await page.evaluate(async () => {
      const { engine } = await globalThis.library.loadModel('model/', {
        wasmPaths: globalThis.wasmPaths,
      });
      return engine;
    });
    expect(info).toMatchObject({ backend: 'wasm' });
    expect(info.skipped.map(({ backend }) => backend)).toEqual(['webgpu', 'webgl']);
  });

  it('loading asks for wasmPaths if the binaries of WASM are not found', async () => {
    await openProbe();
    const [first, second] = await page.evaluate(async () => {
      const { loadModel } = globalThis.library;
      const attempt = (wasmPaths?: Record<string, string>) =>
        loadModel('model/', { backend: 'wasm', wasmPaths }).then(() => 'works', String);
      return [await attempt(), await attempt(globalThis.wasmPaths)];
    });
    expect(first).toMatch(
      /^InputError: .*wasm: it does not start; .*set wasmPaths to where the bundler has put/,
    );
    expect(second).toMatch(/^InputError: .*wasm: its start failed before; load the page again;/);
  });

  describe('with invalid input or a signal', () => {
    let said: { answers: Record<string, string>; counted: number[] };
    beforeAll(async () => {
      const own = await (await browser.newContext()).newPage();
      await openProbe(own);
      said = await own.evaluate(async () => {
        const { loadModel, translate, InputError } = globalThis.library;
        const wasm = { backend: 'wasm', wasmPaths: globalThis.wasmPaths } as const;
        const say = (work: Promise<unknown>): Promise<string> =>
          work.then(
            () => 'was accepted',
            (error: Error) => `${error instanceof InputError ? 'InputError' : error.name}: ${error.message}`,
          );
        const opened = await loadModel('model/', wasm);
        const one = new ImageData(1, 1);
        const stopped = new AbortController();
        const counted: number[] = [];
        const onProgress = (done: number): void => {
          counted.push(done);
          if (done === 2) stopped.abort();
        };
        const answers: Record<string, string> = {
          address: await say(loadModel('http://', wasm)),
          nowhere: await say(loadModel('nowhere/', wasm)),
          noFiles: await say(loadModel([], wasm)),
          noBlobs: await say(loadModel({ 'config.json': 'text' } as never, wasm)),
          backend: await say(loadModel('model/', { backend: 'cuda' } as never)),
          otherBackend: await say(loadModel('model/', { backend: 'webgl' })),
          aborted: await say(loadModel('model/', { ...wasm, signal: AbortSignal.abort() })),
          text: await say(translate(opened, 'me.jpg' as never)),
          noImage: await say(translate(opened, new File(['text'], 'me.jpg'))),
          emptyImage: await say(translate(opened, new Image())),
          styles: await say(translate(opened, one, { styles: 0 })),
          otherStyle: await say(translate(opened, one, { styles: [new Float32Array(3)] })),
          seed: await say(translate(opened, one, { seed: -1 })),
          direction: await say(translate(opened, one, { direction: 'B' } as never)),
          stopped: await say(translate(opened, one, { styles: 5, signal: stopped.signal, onProgress })),
        };
        opened.dispose();
        opened.dispose();
        answers.disposed = await say(translate(opened, one));
        return { answers, counted };
      });
      await own.context().close();
    });

    it.each<[string, string, RegExp]>([
      ['loadModel rejects an invalid address', 'address', /^InputError: .*the address of a model .*http:/],
      [
        'loadModel rejects an address without a model',
        'nowhere',
        /^InputError: .*a model in http.*nowhere\//,
      ],
      ['loadModel rejects an empty list of files', 'noFiles', /^InputError: .*a model in the given files/],
      ['loadModel rejects files that are texts', 'noBlobs', /^InputError: .*the files of a model/],
      [
        'loadModel rejects an unknown backend',
        'backend',
        /^InputError: .*backend .*webgpu, webgl, wasm .*cuda/,
      ],
      ['loadModel rejects another backend than that in use', 'otherBackend', /^InputError: .*webgl.*wasm/],
      ['loadModel stops when its signal is aborted', 'aborted', /^AbortError/],
      ['translate rejects a path', 'text', /^InputError: .*an image that this browser can read .*a string/],
      [
        'translate rejects a file that is not an image',
        'noImage',
        /^InputError: .*an image .*me\.jpg of 4 bytes/,
      ],
      [
        'translate rejects an element without an image',
        'emptyImage',
        /^InputError: .*an image .*HTMLImageElement/,
      ],
      ['translate rejects zero styles', 'styles', /^InputError: .*styles .*a whole number/],
      [
        'translate rejects a style code of another length',
        'otherStyle',
        /^InputError: .*codes of \d+ numbers/,
      ],
      ['translate rejects a negative seed', 'seed', /^InputError: .*seed .*from 0 to 4294967295 .*-1/],
      ['translate rejects an unknown direction', 'direction', /^InputError: .*direction .*A2B or B2A .*B/],
      ['translate stops when its signal is aborted', 'stopped', /^AbortError/],
      ['translate rejects a disposed model', 'disposed', /^RangeError/],
    ])('%s', (_, name, pattern) => {
      expect(said.answers[name]).toMatch(pattern);
    });

    it('translate reports no progress after its signal is aborted', () => {
      expect(said.counted).toEqual([1, 2]);
    });
  });
});
