import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Download, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { loadEngine } from '../../src/runtime/node.js';
import { readPage } from '../../src/serve/page.js';
import { openPage } from '../../src/serve/serve.js';
import { type RunningServer, startServer } from '../../src/serve/server.js';
import { readModel, type StoredModel } from '../../src/translate/model.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import { buildPage, hasChromium, startBrowser, translatedInBrowser } from '../support/browser.js';
import { writeTinyModel } from '../support/tiny-model.js';

/** A thousandth of the range [-1, 1]. */
const TOLERANCE = 2e-3;
const SIZE = 64;

const folder = hasChromium ? await mkdtemp(join(tmpdir(), 'gnr-page-')) : '';
const imageFile = join(folder, 'face.png');
let browser: Browser;
let server: RunningServer;
let tinyServer: RunningServer;
/** Without a model. */
let bareServer: RunningServer;
let worker: string;
let model: StoredModel;
let tinyModel: StoredModel;
let pixels: number[];

async function paintImage(): Promise<void> {
  const rng = new Rng(5, 'picture');
  // Coarse blocks: noise would be most of what a translation sees.
  const blocks = Uint8Array.from({ length: 8 * 8 * 3 }, () => rng.integer(256));
  const raw = await sharp(blocks, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(SIZE, SIZE)
    .ensureAlpha()
    .raw()
    .toBuffer();
  pixels = [...raw];
  await sharp(raw, { raw: { width: SIZE, height: SIZE, channels: 4 } })
    .png()
    .toFile(imageFile);
}

describe.skipIf(!hasChromium)('the page', () => {
  beforeAll(async () => {
    await paintImage();
    const tinyDir = join(folder, 'tiny');
    const [pageDir] = await Promise.all([buildPage(folder), writeTinyModel(tinyDir)]);
    const where = { pageDir, host: '127.0.0.1', port: 0 };
    ({ server } = await openPage({ ...where, checkpoint: 'models/sample' }));
    ({ server: tinyServer } = await openPage({ ...where, checkpoint: tinyDir }));
    bareServer = await startServer({ files: await readPage(pageDir), host: where.host, port: 0 });
    model = await readModel('models/sample');
    tinyModel = await readModel(tinyDir);
    worker = `assets/${(await readdir(join(pageDir, 'assets'))).find((name) => /^worker-.*\.js$/.test(name))}`;
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), tinyServer?.close(), bareServer?.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  let context: BrowserContext;
  let page: Page;
  let errors: string[];
  let requested: string[];

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    errors = [];
    requested = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    context.on('request', (request) => requested.push(request.url()));
  });

  afterEach(async () => {
    await context.close();
  });

  const results = (): Promise<string[]> =>
    page
      .locator('.tile canvas')
      .evaluateAll((all) => all.map((each) => (each as HTMLCanvasElement).toDataURL()));

  /** Waits until `count` results are computed. */
  const settled = (count: number): Promise<unknown> =>
    page.waitForFunction(
      (expected) =>
        document.querySelectorAll('.tile').length === expected &&
        document.querySelectorAll('.tile.waiting').length === 0 &&
        (document.querySelector('#progress') as HTMLElement).hidden,
      count,
    );

  /** Opens the page, and waits until its model is there. */
  async function open(at: RunningServer, query = ''): Promise<void> {
    await page.goto(at.url + query);
    await page.locator('#engine', { hasText: ' px' }).waitFor();
  }

  async function dropImage(): Promise<void> {
    const bytes = [...(await readFile(imageFile))];
    const data = await page.evaluateHandle((given) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(given)], 'face.png', { type: 'image/png' }));
      return transfer;
    }, bytes);
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
  }

  async function saved(act: () => Promise<void>): Promise<{ download: Download; bytes: Buffer }> {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    return { download, bytes: await readFile((await download.path())!) };
  }

  it('translates a dropped picture on WASM as Node does, and saves the result', async () => {
    await open(server, '?backend=wasm');
    await dropImage();
    await settled(6);
    expect(await page.textContent('#engine')).toMatch(/^WebAssembly \(\d+ threads?\) · 64 px · .+ an image$/);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    const first = await results();
    expect(new Set(first).size).toBe(6);

    const { download, bytes } = await saved(() => page.click('#save'));
    expect(download.suggestedFilename()).toBe('face_style-1_seed-1.png');
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([SIZE, SIZE]);
    await loadEngine();
    const translator = openTranslator(model.architecture, model.values);
    const image = Float32Array.from(
      pixels.filter((_, i) => i % 4 < 3),
      (level) => level / 127.5 - 1,
    );
    const style = new Rng(1, 'styles').normals(model.architecture.latentDim);
    const expected = translator.translate('A2B', image, style);
    translator.dispose();
    const levels = [...data].map((level, i) => Math.abs(level - (expected[i]! + 1) * 127.5));
    expect(Math.max(...levels)).toBeLessThan(0.8); // half a level for rounding
    expect(errors).toEqual([]);
  });

  it('makes other styles on a new roll, and the same ones again for their seed', async () => {
    await open(server, '?backend=wasm');
    await dropImage();
    await settled(6);
    const first = await results();
    await page.click('#reroll');
    await page.waitForFunction((before) => {
      const tile = document.querySelector('.tile:not(.waiting) canvas') as HTMLCanvasElement | null;
      return tile !== null && tile.toDataURL() !== before;
    }, first[0]);
    await settled(6);
    expect((await results()).filter((each) => first.includes(each))).toEqual([]);
    await page.fill('#seed', '1');
    await page.press('#seed', 'Tab');
    await page.waitForFunction(
      (before) => (document.querySelector('.tile canvas') as HTMLCanvasElement).toDataURL() === before,
      first[0],
    );
    expect(errors).toEqual([]);
  });

  it('neither the page nor its worker contacts other hosts, nor can they', async () => {
    let asked = 0;
    const stranger = createServer((_, response) => {
      asked++;
      response.setHeader('Access-Control-Allow-Origin', '*').end('{}');
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = stranger.address() as AddressInfo;
      const address = `http://127.0.0.1:${port}/`;
      await open(tinyServer);
      await page.click('#example');
      await settled(6);
      const origin = new URL(tinyServer.url).origin;
      expect(requested.filter((url) => !url.startsWith(origin) && !url.startsWith(`blob:${origin}`))).toEqual(
        [],
      );
      const fromPage = page.evaluate((url) => fetch(url).then(() => 'answered'), address);
      await expect(fromPage).rejects.toThrow(/Failed to fetch/);
      const beacon = await page.evaluate((url) => {
        const image = new Image();
        image.src = url;
        return new Promise((resolve) => {
          image.onload = () => resolve('loaded');
          image.onerror = () => resolve('refused');
        });
      }, address);
      expect(beacon).toBe('refused');
      const own = page.workers();
      expect(own.length).toBeGreaterThan(0);
      for (const each of own)
        await expect(each.evaluate((url) => fetch(url).then(() => 'answered'), address)).rejects.toThrow(
          /Failed to fetch/,
        );
      expect(asked).toBe(0);
    } finally {
      stranger.close();
    }
  });

  it.each(['wasm', 'webgpu', 'webgl'] as const)(
    'computes on %s what Node computes, captured and kernel by kernel',
    async (backend) => {
      // Graphics processors are imitated here: slow, so with few numbers.
      const isGraphics = backend !== 'wasm';
      const { architecture, values } = isGraphics ? tinyModel : model;
      const { size, latentDim } = architecture;
      const given = pixels.slice(0, size * size * 4);
      const image = Float32Array.from(
        given.filter((_, i) => i % 4 < 3),
        (level) => level / 127.5 - 1,
      );
      const style = new Rng(2, 'styles').normals(latentDim);
      const { url } = isGraphics ? tinyServer : server;
      await page.goto(url);
      const actual = await translatedInBrowser(page, worker, backend, {
        model: `${url}model/`,
        pixels: given,
        style: [...style],
      });
      expect(actual.backend).toBe(backend);
      await loadEngine();
      for (const capture of [true, false]) {
        const translator = openTranslator(architecture, values, { capture });
        const expected = translator.translate('A2B', image, style);
        const code = translator.styleOf('A2B', image);
        translator.dispose();
        expect(actual.image.length).toBe(expected.length);
        expect(Math.max(...actual.image.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(
          TOLERANCE,
        );
        expect(Math.max(...actual.styleCode.map((value, i) => Math.abs(value - code[i]!)))).toBeLessThan(
          TOLERANCE,
        );
      }
    },
  );

  it('translates frames of the camera, records them, and takes a picture', async () => {
    await open(tinyServer);
    await page.click('#camera');
    await page.locator('#engine', { hasText: 'a frame' }).waitFor();
    await settled(6);
    await page.click('#record');
    expect(await page.getAttribute('#record', 'aria-pressed')).toBe('true');
    const shown = () =>
      page.evaluate(() => (document.querySelector('#result') as HTMLCanvasElement).toDataURL());
    const before = await shown();
    await expect.poll(shown).not.toBe(before); // the test image moves
    await page.waitForTimeout(600);
    const { download, bytes } = await saved(() => page.click('#record'));
    expect(download.suggestedFilename()).toMatch(/^camera_seed-1\.(webm|mp4)$/);
    expect(bytes.length).toBeGreaterThan(1000);
    await page.click('#shoot');
    await page.locator('#camera-buttons').waitFor({ state: 'hidden' });
    await settled(6);
    const still = await shown();
    await page.waitForTimeout(200);
    expect(await shown()).toBe(still);
    expect(errors).toEqual([]);
  });

  it('keeps the camera running when backend and model change, and saves what is shown', async () => {
    await open(tinyServer, '?backend=wasm');
    const shown = () =>
      page.evaluate(() => {
        const { width, height } = document.querySelector('#result') as HTMLCanvasElement;
        return [width, height];
      });
    const moves = async (): Promise<void> => {
      const frame = () =>
        page.evaluate(() => (document.querySelector('#result') as HTMLCanvasElement).toDataURL());
      const before = await frame();
      await expect.poll(frame, { timeout: 30_000 }).not.toBe(before);
    };
    await page.click('#camera');
    await page.locator('#engine', { hasText: 'a frame' }).waitFor();
    const { download, bytes } = await saved(() => page.click('#save'));
    expect(download.suggestedFilename()).toBe('camera_seed-1.png');
    const { width } = await sharp(bytes).metadata();
    expect(await shown()).toEqual([width, width]);

    await page.locator('#backend').evaluate((select) => {
      (select as HTMLSelectElement).value = 'auto';
      select.dispatchEvent(new Event('change'));
      (select as HTMLSelectElement).value = 'wasm';
      select.dispatchEvent(new Event('change'));
    });
    await page.locator('#engine', { hasText: 'WebAssembly' }).waitFor();
    await moves();
    const files = ['config.json', 'model.safetensors'].map((name) => join('models/sample', name));
    await page.setInputFiles('#model-files', files);
    await expect.poll(shown, { timeout: 30_000 }).toEqual([SIZE, SIZE]);
    await moves();
    expect(await page.locator('#error').isHidden()).toBe(true);
    expect(await page.locator('#camera-buttons').isVisible()).toBe(true);
    expect(errors).toEqual([]);
  });

  it('blends four styles by keys, pointer and a kept result', async () => {
    await open(tinyServer);
    await page.setInputFiles('#file', imageFile);
    await settled(6);
    await page.getByText('Blend', { exact: true }).click();
    await settled(5);
    const knob = page.locator('#knob');
    const [middle, corner] = await results();
    await knob.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowLeft');
    for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowUp');
    expect(await knob.getAttribute('aria-valuetext')).toBe('0 % to the right, 0 % down');
    // In the corner, the blend is the corner's own style.
    await expect.poll(async () => (await results())[0]).toBe(corner);
    const box = (await page.locator('#pad').boundingBox())!;
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await expect.poll(async () => (await results())[0]).toBe(middle);
    await page.click('#keep');
    await settled(6);
    expect((await results())[5]).toBe(middle);
  });

  it('takes styles from pictures, and translates in the other direction', async () => {
    await open(tinyServer);
    await page.setInputFiles('#file', imageFile);
    await settled(6);
    const forth = await results();
    await page.setInputFiles('#reference-file', [imageFile]);
    await settled(1);
    expect(await page.locator('.caption span').textContent()).toBe('face.png');
    await page.getByText('Anime to photo').click();
    await page.getByText('Random', { exact: true }).click();
    await settled(6);
    expect((await results()).filter((each) => forth.includes(each))).toEqual([]);
  });

  it('moves the crop and the divider by keys', async () => {
    await open(tinyServer);
    await page.setInputFiles('#file', imageFile);
    await settled(6);
    const before = await results();
    await page.focus('#frame');
    for (let i = 0; i < 8; i++) await page.keyboard.press('+');
    await expect.poll(async () => (await results())[0]).not.toBe(before[0]);
    await page.focus('#compare-at');
    await page.keyboard.press('Home');
    expect(await page.locator('#compare').evaluate((frame) => frame.style.getPropertyValue('--at'))).toBe(
      '0%',
    );
  });

  it('loads a model from chosen files, and reports what is wrong with another', async () => {
    await open(tinyServer);
    const files = ['config.json', 'model.safetensors'].map((name) => join('models/sample', name));
    await page.setInputFiles('#model-files', files);
    await page.locator('#model-info', { hasText: '64 × 64 px' }).waitFor();
    const text = JSON.stringify({ format: 'gnr-web-bundle', version: 9 });
    const broken = { name: 'bundle.json', mimeType: 'application/json', buffer: Buffer.from(text) };
    await page.setInputFiles('#model-files', [broken]);
    await page.locator('#error', { hasText: 'whole web bundle' }).waitFor();
    // The model of before is still there.
    await page.setInputFiles('#file', imageFile);
    await settled(6);
    expect(await page.locator('#error').isHidden()).toBe(true);
    const noImage = { name: 'face.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') };
    await page.setInputFiles('#file', [noImage]);
    await page.locator('#error', { hasText: 'face.png is not a picture' }).waitFor();
  });

  it('opens a dropped folder with a model, and one with pictures', async () => {
    const exported = join(folder, 'exported');
    await mkdir(join(exported, 'pictures'), { recursive: true });
    for (const name of ['config.json', 'model.safetensors'])
      await copyFile(join('models/sample', name), join(exported, name));
    await copyFile(imageFile, join(exported, 'pictures', 'face.png'));
    await page.goto(bareServer.url);
    await page.locator('#engine', { hasText: 'There is no model yet' }).waitFor();
    // As the system hands over what a person drags; a page cannot make folders up.
    const devtools = await context.newCDPSession(page);
    const drop = async (path: string): Promise<void> => {
      const data = { items: [], files: [path], dragOperationsMask: 1 };
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
        await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    };
    await drop(exported);
    await page.locator('#model-info', { hasText: '64 × 64 px' }).waitFor();
    await drop(join(exported, 'pictures'));
    await settled(6);
    expect(await page.locator('#error').isHidden()).toBe(true);
  });

  it('translates a pasted picture, and leaves pasted text alone', async () => {
    await open(tinyServer);
    const paste = async (files: number[][], text: string): Promise<void> =>
      page.evaluate(
        ({ files, text }) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData('text/plain', text);
          for (const bytes of files)
            clipboardData.items.add(new File([Uint8Array.from(bytes)], 'image.png', { type: 'image/png' }));
          document.body.dispatchEvent(
            new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }),
          );
        },
        { files, text },
      );
    await paste([], '7');
    await page.waitForTimeout(100);
    expect([await page.locator('.tile').count(), await page.locator('#error').isHidden()]).toEqual([0, true]);
    await paste([[...(await readFile(imageFile))]], '');
    await settled(6);
    expect(errors).toEqual([]);
  });

  it('asks for a model if there is none', async () => {
    await page.goto(bareServer.url);
    await page.locator('#engine', { hasText: 'There is no model yet: open one.' }).waitFor();
    expect(await page.textContent('#model-info')).toMatch(/^There is none beside this page/);
    expect(await page.locator('#error').isHidden()).toBe(true);
    const files = ['config.json', 'model.safetensors'].map((name) => join('models/sample', name));
    await page.setInputFiles('#model-files', files);
    await page.locator('#model-info', { hasText: '64 × 64 px' }).waitFor();
  });

  it('rejects an invalid address of a model', async () => {
    await page.goto(`${server.url}?model=javascript:alert(1)`);
    await page.locator('#error', { hasText: 'is not a web address' }).waitFor();
    await page.goto(`${server.url}?model=nowhere/`);
    await page.locator('#error', { hasText: 'nowhere/' }).waitFor();
  });

  it('names every control, and fits on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await open(tinyServer);
    await page.setInputFiles('#file', imageFile);
    await settled(6);
    for (const mode of ['Blend', 'Reference', 'Random']) {
      await page.getByText(mode, { exact: true }).click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      const roles = ['button', 'slider', 'spinbutton', 'textbox', 'radio', 'combobox', 'img'] as const;
      for (const role of roles)
        for (const control of await page.getByRole(role).all())
          expect(await control.ariaSnapshot(), await control.evaluate((each) => each.outerHTML)).toMatch(
            / "[^"]+"/,
          );
    }
  });
});
