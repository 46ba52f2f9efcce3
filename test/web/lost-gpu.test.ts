import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { WebEngine } from '../../src/browser/engine-session.js';
import type { ModelConfig } from '../../src/config/schema.js';
import { openPage } from '../../src/serve/serve.js';
import type { RunningServer } from '../../src/serve/server.js';
import { buildPage, hasChromium, inWorker, startBrowser } from '../support/browser.js';
import { type GpuFaults, type LossMoment, withGpuFaults } from '../support/lost-gpu.js';
import { writeTinyModel } from '../support/tiny-model.js';

/** A thousandth of the range [-1, 1]. */
const TOLERANCE = 2e-3;

const folder = hasChromium ? await mkdtemp(join(tmpdir(), 'gnr-lost-gpu-')) : '';
let architecture: ModelConfig;
let browser: Browser;
let server: RunningServer;
let worker: string;

/** The numbers that a worker computes on the tiny model. */
interface Computed {
  engine: WebEngine;
  image: number[];
  style: number[];
}

describe.skipIf(!hasChromium)('the page without its GPU', () => {
  beforeAll(async () => {
    const checkpoint = join(folder, 'tiny');
    architecture = await writeTinyModel(checkpoint);
    const pageDir = await buildPage(folder);
    ({ server } = await openPage({ pageDir, host: '127.0.0.1', port: 0, checkpoint }));
    worker = `assets/${(await readdir(join(pageDir, 'assets'))).find((name) => /^worker-.*\.js$/.test(name))}`;
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  let context: BrowserContext;
  let page: Page;
  let errors: string[];

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(120_000);
    errors = [];
    page.on('pageerror', ({ message }) => errors.push(message));
  });

  afterEach(async () => {
    await context.close();
  });

  async function compute(backend: string | undefined, faults: GpuFaults): Promise<Computed> {
    const tab = await context.newPage();
    await withGpuFaults(tab, faults);
    await tab.goto(server.url);
    const rng = new Rng(3, 'picture');
    const pixels = Array.from({ length: architecture.size ** 2 * 4 }, () => rng.integer(256));
    const style = [...new Rng(2, 'styles').normals(architecture.latentDim)];
    const answers = await inWorker(tab, worker, [
      { task: 'engine', argument: backend === undefined ? {} : { backend } },
      { task: 'model', argument: { url: `${server.url}model/` } },
      { task: 'encode', argument: { direction: 'A2B', pixels } },
      { task: 'decode', argument: { style } },
      { task: 'style', argument: { direction: 'A2B', pixels } },
    ]);
    await tab.close();
    return {
      engine: answers[0] as WebEngine,
      image: (answers[3] as { image: number[] }).image,
      style: answers[4] as number[],
    };
  }

  const difference = (a: number[], b: number[]): number =>
    a.length === b.length
      ? Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))
      : Number.POSITIVE_INFINITY;

  const webgl = (task: string, method: string, nth = 1): LossMoment => ({ api: 'webgl', task, method, nth });
  const webgpu = (task: string, nth = 1): LossMoment => ({ api: 'webgpu', task, method: 'submit', nth });

  /** What WebAssembly computes, which no browser takes away. */
  let expected: Computed;

  const assertRight = ({ image, style }: Computed): void => {
    expect(difference(image, expected.image)).toBeLessThan(TOLERANCE);
    expect(difference(Object.values(style), Object.values(expected.style))).toBeLessThan(TOLERANCE);
  };

  beforeAll(async () => {
    context = await browser.newContext();
    expected = await compute('wasm', {});
    await context.close();
  });

  it.each<[when: string, backend: string | undefined, losses: LossMoment[]]>([
    ['WebGL is lost while an image is encoded', undefined, [webgl('encode', 'fenceSync')]],
    ['WebGL is lost in the middle of decoding', undefined, [webgl('decode', 'drawElements', 9)]],
    ['WebGL is lost while a style is read', undefined, [webgl('style', 'clientWaitSync')]],
    ['WebGL is lost while the model is loaded', undefined, [webgl('model', 'texSubImage2D')]],
    ['WebGPU is lost while the model is loaded', 'webgpu', [webgpu('model')]],
    [
      'WebGPU is lost while an image is encoded, and WebGL while it is decoded',
      'webgpu',
      [webgpu('encode'), webgl('decode', 'fenceSync')],
    ],
  ])('every result is right where %s', async (_, backend, losses) => {
    const missing = backend === undefined ? (['webgpu'] as const) : [];
    const actual = await compute(backend, { losses, missing });
    expect(actual.engine.backend).toBe(backend ?? 'webgl');
    assertRight(actual);
  });

  it('the page starts on WebAssembly if WebGL is lost in its self-test', async () => {
    const actual = await compute(undefined, {
      losses: [webgl('engine', 'fenceSync', 2)],
      missing: ['webgpu'],
    });
    expect(actual.engine.backend).toBe('wasm');
    expect(actual.engine.skipped[1]).toEqual({ backend: 'webgl', reason: 'the browser took the GPU away' });
    assertRight(actual);
  });

  it.each(['gpu', 'flag'] as const)(
    'WebGL whose textures hold 16 bits (by the %s) is recognised, and WebAssembly computes',
    async (half) => {
      const actual = await compute(undefined, { half, missing: ['webgpu'] });
      expect(actual.engine.backend).toBe('wasm');
      expect(actual.engine.skipped[1]!.reason).toMatch(
        /^it adds large numbers wrongly \(.+ instead of 180338\), as GPUs do that keep 16 bits of a number$/,
      );
      assertRight(actual);
    },
  );

  const shown = (): Promise<string> =>
    page.evaluate(() => (document.querySelector('#result') as HTMLCanvasElement).toDataURL());

  async function loseWebgl(): Promise<void> {
    for (const each of page.workers()) await each.evaluate(() => globalThis.loseGpu?.('webgl'));
  }

  async function openOnWebgl(faults: GpuFaults = {}): Promise<void> {
    await withGpuFaults(page, { missing: ['webgpu'], ...faults });
    await page.goto(server.url);
    await page.locator('#engine', { hasText: 'WebGL (Graphics of a test) · 32 px' }).waitFor();
  }

  it('a person at the camera sees it go on, and reads what happened', async () => {
    await openOnWebgl();
    await page.click('#camera');
    await page.locator('#engine', { hasText: 'a frame' }).waitFor();
    await loseWebgl();
    await page.locator('#engine', { hasText: /^WebAssembly .* a frame$/ }).waitFor();
    expect(await page.textContent('#engine-note')).toBe(
      'The browser took the GPU away, so WebAssembly goes on. Choose another under “Computes on” to try it again.',
    );
    expect(await page.textContent('#skipped-backends li:last-child')).toBe(
      'WebGL: the browser took the GPU away.',
    );
    const before = await shown();
    await expect.poll(shown, { timeout: 30_000 }).not.toBe(before);
    expect(await page.locator('#camera-buttons').isVisible()).toBe(true);
    expect(await page.locator('#error').isHidden()).toBe(true);
    // As a person who wants the GPU back.
    await page.selectOption('#backend', 'webgl');
    await page.locator('#engine', { hasText: /^WebGL .* a frame$/ }).waitFor();
    expect(await page.locator('#engine-note').isHidden()).toBe(true);
    expect(errors).toEqual([]);
  });

  it('a person reads that the page must be reloaded where nothing else computes', async () => {
    await openOnWebgl({ missing: ['webgpu', 'wasm'] });
    await loseWebgl();
    await page.locator('#error', { hasText: 'nothing else computes here' }).waitFor();
    expect(await page.textContent('#error')).toMatch(
      /^Expected webgl to go on but found that the browser took the GPU away, .*; reload the page\.$/,
    );
  });
});
