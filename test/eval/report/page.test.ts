import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPublished } from '../../../src/eval/published.js';
import type { Receipt } from '../../../src/eval/receipt.js';
import { type EvaluationExtras, evaluationPage } from '../../../src/eval/report/page.js';
import { EVIL, figure, method, receipt } from '../../support/receipt.js';

const red = { data: new Uint8Array(8 * 8 * 3).map((_, i) => (i % 3 === 0 ? 255 : 0)), width: 8, height: 8 };

let full: string;
let extras: EvaluationExtras;
let evil: Receipt;
beforeAll(async () => {
  const bytes = await sharp(red.data, { raw: { width: 8, height: 8, channels: 3 } })
    .webp()
    .toBuffer();
  const encoded = { bytes, type: 'image/webp', width: 8, height: 8 };
  const neighbours = [{ label: EVIL, image: encoded, distance: 3 }];
  extras = {
    published: (await readPublished()).map((table) => ({ ...table, note: EVIL })),
    dataset: 'selfie2anime',
    grids: [
      {
        title: EVIL,
        caption: EVIL,
        columns: [EVIL, EVIL, 'missing'],
        rows: [{ label: EVIL, images: [red, encoded] }],
      },
    ],
    nearest: [
      {
        method: EVIL,
        how: EVIL,
        outputs: [{ label: EVIL, image: red, neighbours }],
        realDistances: [4, 5],
      },
    ],
    receiptPath: `${EVIL} it's`,
  };
  const bad = { title: EVIL, how: EVIL, n: { [EVIL]: 3 } };
  evil = receipt(
    [
      method(EVIL, [figure(bad), figure({ ...bad, metric: 'kid', key: 'kid', title: `KID × 100 ${EVIL}` })], {
        left: [{ metric: EVIL, why: EVIL }],
      }),
      method('b', [figure({ ...bad, metric: EVIL, key: EVIL }), figure({ value: 3, n: { [EVIL]: 4 } })]),
    ],
    {
      protocol: { name: 'u-gat-it', description: EVIL, metrics: {} },
      weights: [{ name: EVIL, sha256: 'a'.repeat(64), verified: false }],
      software: { [EVIL]: EVIL },
      sources: {
        data: EVIL,
        inputs: EVIL,
        real: EVIL,
        fakes: [{ name: EVIL, folder: EVIL }],
        baselines: [EVIL],
      },
      images: [{ role: EVIL, folder: EVIL, count: 3, sha256: 'a'.repeat(64) }],
      model: { path: EVIL, sha256: 'a'.repeat(64), size: 64, step: null },
    },
  );
  full = await evaluationPage(evil, extras);
});

/** Cells of the rows of the first table: what is between their tags. */
const rowsOf = (html: string) =>
  [...html.matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row]) => row!.replaceAll(/<[^>]*>/g, '|'));

describe('evaluationPage', () => {
  it('escapes every text, and needs no other resources', () => {
    expect(full).not.toMatch(/<script|<img onerror/);
    expect(full.match(/&lt;script src=&#39;https:/g)!.length).toBeGreaterThan(30);
    const addresses = [...full.matchAll(/<[^>]*\b(src|href)="([^"]*)"/g)].map(([, , address]) => address!);
    expect(addresses.filter((address) => !/^(data:image\/webp;|#how-)/.test(address))).toEqual([
      'https://github.com/taki0112/UGATIT',
    ]);
    expect(
      full.match(/<img src="data:image\/webp;base64,[\w+/=]+" alt="[^"<>]*" width="8" height="8">/g),
    ).toHaveLength(4);
    expect(full.match(/<img /g)).toHaveLength(4);
  });

  it('has balanced tags, and an anchor for every linked figure', () => {
    for (const tag of 'section figure figcaption table thead tbody tfoot tr td th dl div ul li span p b small details'.split(
      ' ',
    )) {
      const opened = full.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0;
      expect(opened, tag).toBe(full.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0);
    }
    const anchors = [...full.matchAll(/<dt id="([^"]*)"/g)].map(([, id]) => id);
    const links = [...full.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(anchors)).toEqual(new Set(links));
    expect(new Set(anchors).size).toBe(3);
  });

  it('shows value, deviation, interval and counts, and marks the best', async () => {
    const html = await evaluationPage(
      receipt([
        method('A', [
          figure({
            value: 12.345,
            deviation: 0.5,
            over: 'repeats',
            interval: [11.1, 13.59],
            n: { made: 5, real: 7 },
          }),
        ]),
        method('B', [figure({ value: 99, n: { made: 6, real: 7 } })]),
        method('floor', [figure({ value: 1, n: { made: 6, real: 7 } })], { kind: 'baseline' }),
      ]),
    );
    const [a, b, floor, counts] = rowsOf(html);
    expect(a).toMatch(/^A\|+folder of images\|+12.35 ± 0.50\|+\[11.10, 13.59\]\|+5 made\|+best\|+$/);
    expect(b).toMatch(/^B\|+folder of images\|+99.00\|+ ± 0.50\|+6 made\|+$/);
    expect(floor).not.toContain('best');
    expect(counts).toMatch(/^N\|+7 real\|+$/);
    expect(html.match(/class="best"/g)).toHaveLength(1);
    expect(html).toContain('↓ lower is better');
    expect(html).toContain('± over repeats');
  });

  it('leaves the cell of a missing figure empty, and says why it is missing', async () => {
    const left = [{ metric: 'lpipsDiversity', why: 'one output for each input' }];
    const html = await evaluationPage(
      receipt([
        method('A', [figure(), figure({ metric: 'kid', key: 'kid', title: 'KID' })], { kind: 'model' }),
        method('B', [figure()], { left }),
        method('C', [figure()], { left }),
      ]),
    );
    expect(rowsOf(html)[1]).toContain('|–|');
    expect(html).toContain('<b>lpipsDiversity</b> of B, C: one output for each input');
  });

  it('says that nothing was measured', async () => {
    const html = await evaluationPage(receipt([]));
    expect(html).toContain('None was measured.');
    expect(html).not.toMatch(/undefined|NaN|Infinity/);
  });

  it('shows cautions before the figures, and published figures beside them', () => {
    expect(full.indexOf('Unverified weights')).toBeLessThan(full.indexOf('<h2>Similarity'));
    expect(full).toContain('U-GAT-IT, published');
    expect(full).toContain('published, not measured here');
    expect(full).toContain('Read in the source; not measured again.');
  });

  it('ends with the command that verifies it, quoted for a shell', async () => {
    const html = await evaluationPage(receipt([]), { receiptPath: "it's/receipt.json" });
    expect(html).toContain('npx gnr evaluate --verify &#39;it&#39;\\&#39;&#39;s/receipt.json&#39;</pre>');
    expect(await evaluationPage(receipt([]))).toContain('npx gnr evaluate --verify receipt.json</pre>');
    const factors = { sha256: 'f'.repeat(64) };
    expect(await evaluationPage(receipt([], { factors }))).toContain(factors.sha256);
    expect(html).toContain('Evaluation of first/step-000100');
    expect(html.indexOf('a'.repeat(64))).toBeGreaterThan(html.indexOf('<h2>Receipt'));
  });

  it('is the same for the same receipt', async () => {
    expect(await evaluationPage(evil, extras)).toBe(full);
  });
});
