import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { reportImage } from '../../src/report/image.js';
import { pickEvenly, type ReportData, renderReport, verdictOf, writeReport } from '../../src/report/page.js';
import { leaveTemporary } from '../support/leftovers.js';

const EVIL = `"><script src='https://evil.example/x.js'></script>&amp;<img onerror=x>`;

async function fullData(): Promise<ReportData> {
  const red = sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } });
  const image = await reportImage(await red.png().toBuffer(), { width: 20, height: 20 });
  const grid = {
    title: `Title ${EVIL}`,
    caption: `Caption ${EVIL}`,
    image,
    columnLabels: [EVIL],
    rowLabels: [EVIL],
  };
  return {
    title: `Run ${EVIL}`,
    summary: `Summary ${EVIL}`,
    facts: [{ label: `Label ${EVIL}`, value: `Value ${EVIL}` }],
    warnings: [`Warning ${EVIL}`],
    grids: [grid, grid],
    earlier: [grid],
    tables: [{ title: EVIL, columns: [EVIL], rows: [[EVIL]] }],
    commands: [{ title: EVIL, explanation: EVIL, lines: [EVIL, EVIL] }],
    measureNames: [EVIL, EVIL],
    measures: [
      { name: `Name ${EVIL}`, explanation: EVIL, untrained: 3, trained: 2, reference: 1, better: 'lower' },
      { name: 'Half', explanation: 'No figures.', better: 'higher' },
    ],
    series: [{ name: EVIL, group: `Group ${EVIL}`, points: [{ step: 1, value: 2 }] }],
    config: { [EVIL]: EVIL },
  };
}

describe('renderReport', () => {
  it('escapes every text', async () => {
    const html = renderReport(await fullData());
    expect(html).not.toMatch(/<script|<img onerror|<b>x/);
    expect(html).toContain('&lt;script src=&#39;https://evil.example');
    // Attributes end where they should: each picture is one tag with its own alt text.
    expect(
      html.match(/<img src="data:image\/webp;base64,[\w+/=]+" alt="[^"<>]*" width="20" height="10"/g),
    ).toHaveLength(3);
  });

  it('loads nothing from elsewhere', async () => {
    const html = renderReport({ ...(await fullData()), title: 'Run', summary: 'Two sentences.' });
    const addresses = [...html.matchAll(/\b(?:src|href|action|srcset|data)=["']?([^"'\s>]*)/g)].map(
      (match) => match[1]!,
    );
    const outside = addresses.filter((address) => !address.startsWith('data:') && !address.includes('&#39;'));
    expect(outside).toEqual([]);
    expect(html).not.toMatch(/@import|url\(|<link|<iframe|<object/);
    expect(html).toContain(`default-src 'none'`);
  });

  it('contains no address if the data has none', () => {
    const html = renderReport({
      title: 'Run',
      series: [{ name: 'a', group: 'g', points: [{ step: 1, value: 2 }] }],
    });
    expect(html).not.toMatch(/https?:|\/\//);
  });

  it('omits missing contents', () => {
    const html = renderReport({ title: 'Run' });
    expect(html).toContain('<h1>Run</h1>');
    expect(html).not.toMatch(/<section|<table|<aside|<dl|<details|undefined/);
    expect(renderReport({ title: 'Run', grids: [], series: [], measures: [], facts: [], warnings: [] })).toBe(
      html,
    );
  });

  it('shows all contents', async () => {
    const html = renderReport(await fullData());
    for (const part of [
      'Warnings',
      'Measures',
      'Training curves',
      'Going on',
      'Earlier samples (1)',
      'Configuration',
      '<caption>',
    ]) {
      expect(html).toContain(part);
    }
    expect(html).toMatch(/<td>3<\/td><td class="trained">2<\/td><td>1<\/td>/);
    expect(html).toContain('Lower is better. <b class="better">Improved.</b>');
    expect(html.match(/<svg viewBox/g)).toHaveLength(1);
  });

  it('has commands line by line, and names for the values before and after training', async () => {
    const commands = [{ title: 'Yours', explanation: 'does it.', lines: ['gnr "a" && b', 'gnr c'] }];
    const measures = [{ name: 'M', explanation: 'E.', untrained: 1, trained: 2, better: 'lower' as const }];
    const html = renderReport({ title: 'Run', commands, measures, measureNames: ['Before', 'After'] });
    expect(html).toContain('>gnr &quot;a&quot; &amp;&amp; b\ngnr c</pre>');
    expect(html).toContain('<th scope="col">Before</th><th scope="col">After</th>');
    expect(html).not.toMatch(/untrained/i);
    expect(renderReport({ title: 'Run', measures })).toContain('<th scope="col">Untrained</th>');
  });

  it('has balanced tags', async () => {
    const html = renderReport(await fullData());
    for (const tag of [
      'section',
      'figure',
      'figcaption',
      'table',
      'tbody',
      'tr',
      'td',
      'th',
      'details',
      'div',
      'ul',
      'svg',
    ]) {
      const opened = html.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0;
      expect(opened, tag).toBe(html.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0);
    }
  });

  it('gives the same page for the same data', async () => {
    expect(renderReport(await fullData())).toBe(renderReport(await fullData()));
  });

  it('says how many earlier samples there are', async () => {
    const { earlier } = await fullData();
    expect(renderReport({ title: 'Run', earlier, earlierCount: 300 })).toContain(
      'Earlier samples (1 of 300)',
    );
  });
});

describe('verdictOf', () => {
  it.each([
    [{ untrained: 3, trained: 2, better: 'lower' }, 'better'],
    [{ untrained: 3, trained: 4, better: 'lower' }, 'worse'],
    [{ untrained: 3, trained: 4, better: 'higher' }, 'better'],
    [{ untrained: 3, trained: 3.001, better: 'higher' }, 'same'],
    [{ untrained: 0, trained: 8, reference: 5, better: 'near reference' }, 'better'],
    [{ untrained: 4, trained: 8, reference: 5, better: 'near reference' }, 'worse'],
    [{ untrained: 4, trained: 8, better: 'near reference' }, 'same'],
    [{ trained: 8, better: 'lower' }, 'same'],
    [{ untrained: 4, trained: Number.NaN, better: 'lower' }, 'same'],
  ] as const)('%j is %s', (measure, verdict) => expect(verdictOf(measure)).toBe(verdict));
});

describe('pickEvenly', () => {
  it('keeps the first and the last', () => {
    const items = Array.from({ length: 100 }, (_, i) => i);
    const picked = pickEvenly(items, 5);
    expect(picked).toEqual([0, 25, 50, 74, 99]);
    expect(pickEvenly([1, 2], 5)).toEqual([1, 2]);
  });
});

describe('writeReport', () => {
  it('replaces the page as a whole, and clears what a killed process was writing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gnr-report-'));
    try {
      const path = join(folder, 'report.html');
      await writeReport(path, { title: 'First' });
      await leaveTemporary(path, 'what a killed process was writing');
      await writeReport(path, { title: 'Second' });
      expect(await readFile(path, 'utf8')).toBe(renderReport({ title: 'Second' }));
      expect(await readdir(folder)).toEqual(['report.html']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
