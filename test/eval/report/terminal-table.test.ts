import { describe, expect, it } from 'vitest';
import { readPublished } from '../../../src/eval/published.js';
import { terminalTable } from '../../../src/eval/report/terminal-table.js';
import { maxWidth } from '../../../src/eval/report/terminal-text.js';
import { figure, method, receipt } from '../../support/receipt.js';

const many = Array.from({ length: 6 }, (_, i) =>
  figure({
    metric: 'factors',
    key: `f${i}`,
    title: `Figure ${i}`,
    better: 'higher',
    value: i + 1.5,
    deviation: 0.25,
  }),
);
const few = { outputs: 10, real: 100 };
const methods = [
  method(
    'GNR',
    [figure({ value: 12.5, deviation: 0.5, interval: [12, 13], over: 'repeats', n: few }), ...many],
    {
      kind: 'model',
    },
  ),
  method('アニメ変換器の一番長い名前アニメ変換器の一番長い名前', [figure({ value: 100, n: few })]),
  method('evil\u001b[31m\nname 🎨', [figure({ value: 7, n: few })], {
    left: [{ metric: 'dfid', why: 'one output\u0007' }],
  }),
];

describe('terminalTable', () => {
  it('puts values and intervals below their figures, and marks the best', () => {
    const two = [
      method('GNR', methods[0]!.figures.slice(0, 2)),
      method('B', [figure({ value: 100, n: few })]),
    ];
    const lines = terminalTable(receipt(two), { width: 60 }).split('\n');
    const row = (start: string) => lines.find((line) => line.startsWith(start))!.split(/ {2,}/);
    expect(row('method')).toEqual(['method', 'FID ↓', 'Figure 0 ↑']);
    expect(row('GNR')).toEqual(['GNR', '12.50 ± 0.50*', '1.50 ± 0.25']);
    expect(row('B')).toEqual(['B', '100.00', '–']);
    const interval = lines.find((line) => line.includes('[12.00, 13.00]'))!;
    expect(lines.indexOf(interval)).toBe(lines.findIndex((line) => line.startsWith('GNR')) + 1);
    // Numbers are flush right: the decimal points of a column stand below one another.
    const points = ['GNR', 'B'].map((start) => lines.find((line) => line.startsWith(start))!.indexOf('.'));
    expect(points[0]).toBe(points[1]);
  });

  it.each([1, 2, 7, 12, 18, 25, 40, 61, 80, 120, 200])('has no line wider than %d', async (width) => {
    const protocol = { name: 'u-gat-it', metrics: {} }; // no metric whose features could differ
    const kid = figure({ metric: 'kid', key: 'kid', title: 'KID × 100' });
    const given = receipt([...methods, method('c', [kid])], { protocol });
    const published = await readPublished();
    const lines = terminalTable(given, { width, published, dataset: 'selfie2anime' }).split('\n');
    // A character of two columns does not fit into one.
    expect(maxWidth(lines)).toBeLessThanOrEqual(Math.max(width, 2));
    const squeezed = lines.join('').replaceAll(/\s/g, '');
    for (const text of ['12.50±0.50', '1.50±0.25', '11.61±0.57', 'Cautions:', 'Notmeasured:'])
      expect(squeezed).toContain(text);
  });

  it('wraps figures into blocks, without the methods that have none', () => {
    const blocks = terminalTable(receipt(methods), { width: 60 }).split('\n\n');
    expect(blocks[0]).toContain('FID ↓');
    expect(blocks[1]).toMatch(/^method +Figure/);
    expect(blocks[1]!.split('\n')).toHaveLength(3);
  });

  it('contains no control character', () => {
    const text = terminalTable(receipt(methods), { width: 80 });
    expect([...text].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
    expect(text).toContain('\ufffd');
  });

  it('explains the figures, those of one kind together', () => {
    const text = terminalTable(receipt(methods), { width: 300 });
    expect(text).toContain('FID: lower is better; 10 outputs, 100 real; ± over repeats');
    expect(text).toContain('Figure 0, Figure 1, Figure 2, Figure 3, Figure 4, Figure 5: higher is better');
    expect(text).toContain('* best of the methods');
    expect(text).toMatch(/Cautions:\n- FID from 10 images/);
  });

  it('says that nothing was measured', () => {
    expect(terminalTable(receipt([method('a', [])]), { width: 80 })).toBe('No figure was measured.');
  });
});
