#!/usr/bin/env node
// Times Node and the browser page, on each backend that runs here, with the same models, and prints times and ratios to
// Node. Needs `npm run build`, `npm run build:web` and a Chromium (GNR_CHROMIUM, or /usr/bin/chromium). Without a GPU,
// SwiftShader emulates WebGL and WebGPU on the CPU.
//
// usage: node bench/web.mjs [--model sample|narrow|full ...] [--backend wasm|webgl|webgpu ...] [--rounds N]
//
// sample: models/sample, 64 px. narrow: 256 px, an eighth of the paper's channels, untrained. full: the paper's network.

import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['sample', 'narrow', 'full'] },
    backend: { type: 'string', multiple: true, default: ['wasm', 'webgl', 'webgpu'] },
    rounds: { type: 'string', default: '3' },
  },
});
const rounds = Number(values.rounds);
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const FLAGS = [
  ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...[
    '--disable-component-update',
    '--disable-sync',
    '--enable-unsafe-webgpu',
    '--enable-unsafe-swiftshader',
  ],
  '--use-webgpu-adapter=swiftshader',
];
const DIVISORS = { narrow: 8, full: 1 };
const STYLES = 6;
const PAGE_LIMIT_MS = 300_000;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
/** Runs a task `count` times in sequence. @returns its results. */
async function all(count, task) {
  const results = [];
  for (let i = 0; i < count; i++) results.push(await task());
  return results;
}
const text = (milliseconds) =>
  milliseconds >= 1000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${milliseconds.toFixed(1)} ms`;

/** The folder of a model; untrained ones are made first. */
async function folderOf(name, work) {
  if (name === 'sample') return fileURLToPath(new URL('../models/sample', import.meta.url));
  const { resolveConfig } = await dist('config/load.js');
  const { buildNetworks, initNetworks } = await dist('gan/networks.js');
  const { writeModelFolder } = await dist('export/model-folder.js');
  const { Rng } = await dist('base/rng.js');
  const config = resolveConfig({
    model: { size: 256, channelDivisor: DIVISORS[name] },
    losses: { lpips: { weight: 0 } },
  });
  const { G_A2B, G_B2A } = initNetworks(buildNetworks(config), new Rng(1, 'init'));
  const folder = join(work, name);
  await writeModelFolder(
    folder,
    { architecture: config.model, values: { G_A2B, G_B2A } },
    { config, card: `# ${name}\n` },
  );
  return folder;
}

/** Milliseconds an image in Node, which encodes a photo once and decodes its styles one by one, as the page does. */
async function inNode(folder, capture) {
  const { readModel } = await dist('translate/model.js');
  const { openTranslator } = await dist('translate/open-translator.js');
  const { architecture, values: weights } = await readModel(folder);
  const translator = openTranslator(architecture, weights, { capture });
  const { size, latentDim } = architecture;
  const image = Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i / 97));
  const style = Float32Array.from({ length: latentDim }, (_, i) => Math.cos(i));
  const content = translator.encode('A2B', image);
  translator.decode(content, style);
  const begun = performance.now();
  for (let i = 0; i < STYLES; i++) translator.decode(content, style);
  const milliseconds = (performance.now() - begun) / STYLES;
  translator.dispose();
  return milliseconds;
}

/** Milliseconds to load the page and model, to the first result, and an image after that; or the reason why it does not run. */
async function inPage(browser, url, backend) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(PAGE_LIMIT_MS);
  try {
    const begun = performance.now();
    await page.goto(`${url}?backend=${backend}`);
    await page.waitForFunction(() => / px/.test(document.querySelector('#engine').textContent));
    const engine = await page.textContent('#engine');
    const names = { wasm: 'WebAssembly', webgl: 'WebGL', webgpu: 'WebGPU' };
    if (!engine.startsWith(names[backend]))
      return { reason: `${names[backend]} does not start here: ${engine}` };
    const loaded = performance.now();
    // The search for a face is no part of translating.
    await page.uncheck('#find-faces');
    await page.click('#example');
    await page.waitForFunction(() => document.querySelector('.tile:not(.waiting)') !== null);
    const first = performance.now();
    const settled = () =>
      page.waitForFunction(
        (count) =>
          document.querySelectorAll('.tile').length === count &&
          document.querySelector('.tile.waiting') === null,
        STYLES,
      );
    await settled();
    // New styles of the same image, with kernels that are compiled by now.
    const again = performance.now();
    const before = await page.evaluate(() => document.querySelector('.tile canvas').toDataURL());
    await page.click('#reroll');
    await page.waitForFunction(
      (old) => document.querySelector('.tile:not(.waiting) canvas')?.toDataURL() !== old,
      before,
    );
    await settled();
    return {
      toLoad: loaded - begun,
      toFirst: first - loaded,
      each: (performance.now() - again) / STYLES,
      engine: engine.split(' · ')[0],
    };
  } finally {
    await page.close();
  }
}

const work = mkdtempSync(join(tmpdir(), 'gnr-bench-web-'));
const browser = await chromium.launch({
  executablePath: process.env.GNR_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: FLAGS,
});
try {
  const { loadEngine } = await dist('runtime/node.js');
  const { openPage, PAGE_FOLDER } = await dist('serve/serve.js');
  await loadEngine();
  process.stdout.write(`medians of ${rounds} rounds, load ${loadavg()[0].toFixed(1)}\n`);
  for (const name of values.model) {
    const folder = await folderOf(name, work);
    const captured = median(await all(rounds, () => inNode(folder, true)));
    const eager = median(await all(rounds, () => inNode(folder, false)));
    process.stdout.write(
      `\n${name}: Node captured ${text(captured)} an image, kernel by kernel ${text(eager)}\n`,
    );
    const { server } = await openPage({
      ...{ pageDir: PAGE_FOLDER, checkpoint: folder },
      ...{ host: '127.0.0.1', port: 0 },
    });
    try {
      for (const backend of values.backend) {
        const runs = [];
        for (let i = 0; i < rounds; i++) runs.push(await inPage(browser, server.url, backend));
        const [{ reason, engine }] = runs;
        if (reason !== undefined) {
          process.stdout.write(`${reason}\n`);
          continue;
        }
        const of = (key) => median(runs.map((run) => run[key]));
        process.stdout.write(
          `${engine}: page and model ${text(of('toLoad'))}, first result ${text(of('toFirst'))} after that, ` +
            `then ${text(of('each'))} an image, ${(of('each') / captured).toFixed(1)} times Node captured\n`,
        );
      }
    } finally {
      await server.close();
    }
  }
} finally {
  await browser.close();
  rmSync(work, { recursive: true, force: true });
}
