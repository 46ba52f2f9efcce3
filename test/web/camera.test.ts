import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPage } from '../../src/serve/serve.js';
import type { RunningServer } from '../../src/serve/server.js';
import { buildPage, hasChromium, startBrowser } from '../support/browser.js';
import { writeTinyModel } from '../support/tiny-model.js';

/** A name of this machine that browsers do not take for it. */
const OTHER_HOST = 'anime.test';

const folder = hasChromium ? await mkdtemp(join(tmpdir(), 'gnr-camera-')) : '';
let browser: Browser;
let server: RunningServer;

describe.skipIf(!hasChromium)('the camera', () => {
  beforeAll(async () => {
    const checkpoint = join(folder, 'tiny');
    const [pageDir] = await Promise.all([buildPage(folder), writeTinyModel(checkpoint)]);
    const where = { host: '0.0.0.0', allowedHosts: [OTHER_HOST], port: 0 };
    ({ server } = await openPage({ pageDir, checkpoint, ...where }));
    browser = await startBrowser([`--host-resolver-rules=MAP ${OTHER_HOST} 127.0.0.1`]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  let page: Page;
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(120_000);
  });
  afterEach(async () => {
    await page.close();
  });

  async function open(host: string): Promise<void> {
    await page.goto(`http://${host}:${server.port}/?backend=wasm`);
    await page.locator('#engine', { hasText: ' px' }).waitFor();
  }

  it('says beside its button why plain http from another host has none, and everything else works', async () => {
    await open(OTHER_HOST);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    const button = page.getByRole('button', { name: 'Camera' });
    expect(await button.isDisabled()).toBe(true);
    const { port } = server;
    const here = `http://localhost:${port}/?backend=wasm`;
    const reason = await page.textContent('#camera-note');
    expect(reason).toBe(
      'No camera here: browsers allow it only over https or on localhost. ' +
        `On ${OTHER_HOST} itself, open ${here}. From another machine, run ` +
        `“ssh -L ${port}:${OTHER_HOST}:${port} ${OTHER_HOST}” and open ${here}, or serve the page over https.`,
    );
    expect(await button.evaluate((each) => each.getAttribute('aria-describedby'))).toBe('camera-note');
    expect(await page.locator('#error').isHidden()).toBe(true);
    await page.click('#example');
    await page.locator('#engine', { hasText: 'an image' }).waitFor();
  });

  it.each([
    ['NotAllowedError', /^The camera is blocked for this page\. Allow it in the browser/],
    ['NotFoundError', /^There is no camera\. Connect one, and click Camera again\.$/],
    [
      'NotReadableError',
      /^The camera gives no picture, because another program uses it\. Close that program/,
    ],
    [
      'TypeError',
      /^The camera does not start \(no such thing\)\. Connect it again, or try another browser\.$/,
    ],
  ])('says what is wrong, and what to do, where the browser answers %s', async (name, message) => {
    await open('localhost');
    expect(await page.textContent('#camera-note')).toBe('');
    await page.evaluate((given) => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('no such thing', given);
      };
    }, name);
    await page.click('#camera');
    await page.locator('#error', { hasText: 'amera' }).waitFor();
    expect(await page.textContent('#error')).toMatch(message);
    expect(await page.locator('#camera').isEnabled()).toBe(true);
  });

  it('says so if it is unplugged, and can be turned on again', async () => {
    await open('localhost');
    await page.click('#camera');
    await page.locator('#engine', { hasText: 'a frame' }).waitFor();
    await page.evaluate(() => {
      const { srcObject } = document.querySelector('video')!;
      for (const track of (srcObject as MediaStream).getTracks()) track.dispatchEvent(new Event('ended'));
    });
    await page.locator('#error', { hasText: 'The camera has stopped: it was unplugged' }).waitFor();
    expect(await page.locator('#camera-buttons').isHidden()).toBe(true);
    await page.click('#camera');
    await page.locator('#camera-buttons').waitFor();
    expect(await page.locator('#error').isHidden()).toBe(true);
  });
});
