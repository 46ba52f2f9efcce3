// Runs the page and its worker in Chromium.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import type { WebBackend } from '../../src/browser/web.js';

const CHROMIUM = process.env.GNR_CHROMIUM ?? '/usr/bin/chromium';

/** Whether there is a browser to test in; `GNR_CHROMIUM` names another one. */
export const hasChromium = existsSync(CHROMIUM);

/** Flags for a browser that contacts no hosts by itself and has a camera with a test image. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-unsafe-swiftshader',
];

export function startBrowser(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...FLAGS, ...more] });
}

/** Builds the page into `folder`/web. */
export async function buildPage(folder: string): Promise<string> {
  const outDir = join(folder, 'web');
  await build({ configFile: resolve('web/vite.config.ts'), logLevel: 'error', build: { outDir } });
  return outDir;
}

/** Runs tasks one after another in a new worker, as the page does. Typed arrays are returned as lists. */
export async function inWorker(
  page: Page,
  worker: string,
  tasks: readonly { task: string; argument: unknown }[],
): Promise<unknown[]> {
  return page.evaluate(
    async ({ address, workerTasks }) => {
      const text = `import ${JSON.stringify(new URL(address, document.baseURI).href)};`;
      const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
      const running = new Worker(url, { type: 'module' });
      const answers: unknown[] = [];
      const plain = (value: unknown): unknown => {
        if (value instanceof Float32Array) return [...value];
        if (typeof value !== 'object' || value === null) return value;
        return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
      };
      try {
        let content: unknown;
        for (const { task, argument } of workerTasks) {
          const { pixels, style, ...rest } = argument as Record<string, unknown>;
          const reply = await new Promise<Record<string, unknown>>((done, fail) => {
            running.onerror = ({ message }) => fail(new Error(message));
            running.onmessage = ({ data }) => {
              if ('id' in data && !('progress' in data)) done(data);
            };
            running.postMessage({
              id: answers.length,
              task,
              argument: {
                ...rest,
                ...(pixels ? { pixels: Uint8ClampedArray.from(pixels as number[]) } : {}),
                ...(style ? { style: Float32Array.from(style as number[]), content } : {}),
              },
            });
          });
          if (typeof reply.error === 'string') throw new Error(reply.error);
          const answer = reply.answer as { content?: unknown };
          content = answer.content ?? content;
          answers.push(plain(answer));
        }
        return answers;
      } finally {
        running.terminate();
      }
    },
    { address: worker, workerTasks: tasks },
  );
}

/** The translated image and the style code from the page's worker on one backend, for a model at an address. */
export async function translatedInBrowser(
  page: Page,
  worker: string,
  backend: WebBackend,
  { model, pixels, style }: { model: string; pixels: number[]; style: number[] },
): Promise<{ backend: string; image: number[]; styleCode: number[] }> {
  const answers = await inWorker(page, worker, [
    { task: 'engine', argument: { backend } },
    { task: 'model', argument: { url: model } },
    { task: 'encode', argument: { direction: 'A2B', pixels } },
    { task: 'decode', argument: { style } },
    { task: 'style', argument: { direction: 'A2B', pixels } },
  ]);
  const { backend: started } = answers[0] as { backend: string };
  const { image } = answers[3] as { image: number[] };
  return { backend: started, image, styleCode: Object.values(answers[4] as object) as number[] };
}
