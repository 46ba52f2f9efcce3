import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import { formatConfig } from '../../../src/config/load.js';
import type { MetricsRow } from '../../../src/train/log/metrics-log.js';
import { writeRunReport } from '../../../src/train/log/run-report.js';
import { samplePath } from '../../../src/train/log/sample-files.js';
import { trainRun } from '../../../src/train/loop.js';
import { tinyConfig } from '../../support/config.js';
import { rejection } from '../../support/rejection.js';
import { ofType, RunFolders } from '../../support/runs.js';

const runs = RunFolders.prepare();
const NOW = new Date('2026-01-02T13:45:59Z');
const EVIL = '<script>alert(1)</script>';

/** Writes a run folder of 100 steps: rows every 10 steps, 2 s a step, 60 s for the first. */
async function prepare(steps: number): Promise<void> {
  await mkdir(join(runs.runDir, 'samples'), { recursive: true });
  const config = tinyConfig({ data: { root: runs.dataset }, training: { steps: 100 } });
  await writeFile(join(runs.runDir, 'config.json'), formatConfig(config));
  for (const step of [1, ...Array.from({ length: steps / 10 }, (_, i) => 10 * (i + 1))])
    await log({
      step,
      seconds: 60 + 2 * (step - 1),
      learningRate: 0.002,
      rssBytes: step === 20 ? 3e9 : 1e9,
      time: `2026-01-02T10:${String(step % 60).padStart(2, '0')}:00.000Z`,
      terms: { 'generators/cycle': 1 / step, 'signals/realSignA': 0.5 },
    });
}

const log = (row: MetricsRow) => appendFile(join(runs.runDir, 'metrics.jsonl'), `${JSON.stringify(row)}\n`);

async function draw(step: number, background: string, size = 40): Promise<void> {
  const image = sharp({ create: { width: size, height: size, channels: 3, background } });
  for (const weights of ['ema', 'raw'] as const) await image.toFile(samplePath(runs.runDir, step, weights));
}

async function page(options: Parameters<typeof writeRunReport>[1] = {}): Promise<string> {
  const path = await writeRunReport(runs.runDir, { now: NOW, ...options });
  expect(path).toBe(join(runs.runDir, 'report.html'));
  return readFile(path, 'utf8');
}

const factOf = (html: string, label: string) =>
  new RegExp(`<dt>${label.replace(/[()]/g, '\\$&')}</dt><dd>([^<]*)</dd>`).exec(html)?.[1];

/** The mean colours of the images of a page. */
async function coloursOf(html: string): Promise<string[]> {
  const images = [...html.matchAll(/src="data:image\/webp;base64,([^"]*)"/g)].map(([, data]) => data!);
  return Promise.all(
    images.map(async (data) => {
      const { dominant } = await sharp(Buffer.from(data, 'base64')).stats();
      return dominant.r > 200 ? 'red' : dominant.b > 200 ? 'blue' : 'other';
    }),
  );
}

describe('writeRunReport', () => {
  beforeEach(() => prepare(50));

  it('shows the progress of a run that trains, its speed and the time left', async () => {
    const html = await page({ isTraining: true, step: 53 });
    expect(html).toContain('In training: 53 of 100 steps are done.');
    expect(factOf(html, 'Steps')).toBe('53 of 100');
    expect(factOf(html, 'Seconds per step')).toBe('2');
    expect(factOf(html, 'Time in training')).toBe('2m 38s');
    expect(factOf(html, 'Time left')).toBe('1m 34s');
    expect(factOf(html, 'Memory')).toBe('1.00 GB');
    expect(factOf(html, 'Memory, peak')).toBe('3.00 GB');
    expect(factOf(html, 'Started (UTC)')).toBe('2026-01-02 10:01');
    expect(factOf(html, 'Newest figures (UTC)')).toBe('2026-01-02 10:50');
    expect(factOf(html, 'Page written (UTC)')).toBe('2026-01-02 13:45');
  });

  it('distinguishes a stopped run from a finished one', async () => {
    const stopped = await page();
    expect(stopped).toContain('Stopped after 50 of 100 steps.');
    expect(factOf(stopped, 'Time left')).toBeUndefined();
    expect(factOf(stopped, 'Ended (UTC)')).toBe('2026-01-02 10:50');
    expect(await page({ step: 100 })).toContain('Finished: all 100 steps are done.');
  });

  it('shows the curves, with the signs in a chart of their own, and the config', async () => {
    const html = await page();
    for (const text of ['Generators', 'cycle', 'Mean sign of real logits', 'channelDivisor'])
      expect(html).toContain(text);
    const labels = (chart: string): string[] =>
      [...chart.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
    const signs = labels(html.slice(html.indexOf('Mean sign of real logits')));
    expect(signs.slice(0, signs.indexOf('1') + 1)).toEqual(expect.arrayContaining(['−1', '0', '1']));
  });

  it('lists each warning once with its steps, the newest first', async () => {
    expect(await page()).not.toContain('<aside');
    const row = { seconds: 500, terms: {} };
    await log({ ...row, step: 60, warnings: ['D_A has collapsed', `evil ${EVIL}`] });
    await log({ ...row, step: 70, warnings: ['step 68: D_A has collapsed'] });
    const html = await page();
    const warned = [...html.slice(html.indexOf('<aside')).matchAll(/<li>([^<]*)<\/li>/g)].map(
      ([, text]) => text,
    );
    expect(warned.slice(0, 2)).toEqual([
      'Steps 60 to 68, 2 times: D_A has collapsed',
      'Step 60: evil &lt;script&gt;alert(1)&lt;/script&gt;',
    ]);
    for (let step = 71; step < 100; step++) await log({ ...row, step, warnings: [`at ${step}`] });
    expect(await page()).toContain('and 11 earlier ones, in metrics.jsonl');
  });

  it('shows the newest samples of both weights, and earlier samples of the EMA weights', async () => {
    for (const step of [0, 20]) await draw(step, 'red');
    await draw(40, 'blue');
    // A stretch that will be trained again.
    await draw(60, 'red');
    const html = await page();
    expect(html).toContain('Samples of step 40');
    expect(html).toContain('Samples of step 40, raw weights');
    expect(html).toContain('Earlier samples (2)');
    expect(await coloursOf(html)).toEqual(['blue', 'blue', 'red', 'red']);
  });

  it('keeps the page below 3 MB, whatever the samples', async () => {
    const rng = new Rng(1, 'noise');
    const noise = Uint8Array.from({ length: 900 * 900 * 3 }, () => rng.uniform(0, 256));
    const image = sharp(noise, { raw: { width: 900, height: 900, channels: 3 } });
    const png = await image.png({ compressionLevel: 1 }).toBuffer();
    for (let step = 0; step <= 50; step += 5) await writeFile(samplePath(runs.runDir, step, 'ema'), png);
    const html = await page();
    expect(html.length).toBeLessThan(3e6);
    expect(html).toContain('Samples of step 50');
    expect(html).toMatch(/Earlier samples \([24] of 10\)/);
  });

  it('rejects a folder that is not a run, and names a damaged sample', async () => {
    const nothing = join(runs.folder, 'nothing');
    expect((await rejection(writeRunReport(nothing))).message).toBe(
      `Expected a run directory at ${nothing} but found no config.json in it; pass the folder that was given to gnr train --out.`,
    );
    const path = samplePath(runs.runDir, 10, 'ema');
    // The second is for a parser that samples never need.
    for (const damaged of ['no image', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>']) {
      await writeFile(path, damaged);
      const error = await rejection(page());
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toContain(path);
    }
  });
});

describe('a run with its report page', () => {
  it('writes the page with all samples and at its end, even if it is interrupted', async () => {
    const pages: string[] = [];
    const read = () => readFile(join(runs.runDir, 'report.html'), 'utf8');
    const controller = new AbortController();
    const config = runs.config(9, { log: { everySteps: 1, sampleEverySteps: 2 } });
    for await (const event of trainRun({ config, runDir: runs.runDir, signal: controller.signal })) {
      if (event.type === 'samples') pages.push(await read());
      if (event.type === 'step' && event.step === 3) controller.abort();
    }
    expect(pages.map((html) => factOf(html, 'Steps'))).toEqual(['0 of 9', '2 of 9']);
    expect(pages[1]).toContain('In training');
    const last = await read();
    expect(last).toContain(`Stopped after 3 of 9 steps. gnr train --out ${runs.runDir} --resume continues`);
    expect(last).toContain('checkpoints/step-000003');
    expect(last).toContain('Samples of step 2, raw weights');
  });

  it('parses no row of its own log, and the rows before a resume once, however many pages it writes', async () => {
    const parse = vi.spyOn(JSON, 'parse');
    const rowsParsed = () => parse.mock.calls.filter(([text]) => text.startsWith('{"step":')).length;
    try {
      const log = { everySteps: 1, sampleEverySteps: 1 };
      await runs.train(runs.config(4, { log }));
      expect(rowsParsed()).toBe(0);
      await runs.train(runs.config(8, { log }), { resume: true });
      expect(rowsParsed()).toBe(4);
    } finally {
      parse.mockRestore();
    }
    const html = await readFile(join(runs.runDir, 'report.html'), 'utf8');
    expect(factOf(html, 'Steps')).toBe('8 of 8');
    // The page of all rows is the same, read from the file.
    const again = await readFile(await writeRunReport(runs.runDir), 'utf8');
    const plain = (text: string) => text.replace(/<dt>Page written.*?<\/dd>/, '');
    expect(plain(again)).toBe(plain(html));
  });

  it('continues if the page cannot be written, and warns once', async () => {
    await mkdir(join(runs.runDir, 'report.html', 'taken'), { recursive: true });
    const events = await runs.train(runs.config(4, { log: { sampleEverySteps: 1 } }));
    expect(ofType(events, 'end')).toMatchObject([{ step: 4, interrupted: false }]);
    expect(ofType(events, 'warning').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^step 0: the report page was not written: .*report\.html/),
    ]);
  });
});
