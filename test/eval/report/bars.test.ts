import { describe, expect, it } from 'vitest';
import { type BarEntry, barChart } from '../../../src/eval/report/bars.js';
import { figureColumns } from '../../../src/eval/report/figure-table.js';
import { figure, method } from '../../support/receipt.js';

function chart(
  values: number[],
  better: 'lower' | 'higher' | 'neither' = 'lower',
  deviation: number | null = null,
) {
  const [column] = figureColumns(values.map((value, i) => method(`m${i}`, [figure({ value, better })])));
  const entries = values.map(
    (value, i): BarEntry => ({ name: `m${i}`, kind: 'folder', value, deviation, interval: null }),
  );
  return barChart(column!, entries);
}
const order = (html: string) => [...html.matchAll(/class="name">([^<]*)</g)].map(([, name]) => name);
const bars = (html: string) =>
  [...html.matchAll(/<i style="left:([\d.]+)%;width:([\d.]+)%"/g)].map(([, ...numbers]) =>
    numbers.map(Number),
  );
const ends = (html: string) =>
  [...html.matchAll(/<span style="left:[^"]*">([^<]*)</g)].map(([, text]) => text);

describe('barChart', () => {
  it('has the best method first, and values that are not finite last and without a bar', () => {
    expect(order(chart([3, 1, Number.NaN, 2]))).toEqual(['m1', 'm3', 'm0', 'm2']);
    expect(order(chart([3, 1, Number.NaN, 2], 'higher'))).toEqual(['m0', 'm3', 'm1', 'm2']);
    expect(order(chart([3, 1, 2], 'neither'))).toEqual(['m0', 'm1', 'm2']);
    expect(bars(chart([3, 1, Number.NaN, 2]))).toHaveLength(3);
  });

  it('draws lengths in proportion to the values, from zero', () => {
    expect(bars(chart([1, 4, 5]))).toEqual([
      [0, 20],
      [0, 80],
      [0, 100],
    ]);
    expect(ends(chart([1, 4, 5]))).toEqual(['0', '5']);
  });

  it('draws negative values from zero to the left', () => {
    const [first, second] = bars(chart([-0.5, 9.5]));
    expect(first![0]! + first![1]!).toBeCloseTo(second![0]!, 1);
    expect(ends(chart([-0.5, 9.5]))).toEqual(['0', '10']);
    expect(ends(chart([-5, 10]))).toEqual(['−5', '0', '10']);
  });

  it('is logarithmic only if lower is better and values span decades', () => {
    expect(chart([1, 1000])).toMatch(/logarithmic.*<i class="dot" style="left:0%"/);
    for (const html of [chart([1, 1000], 'higher'), chart([0, 1000]), chart([30, 1000])])
      expect(html).not.toContain('logarithmic');
  });

  it('draws the deviation if there is no interval', () => {
    // An axis to 15, since the deviation goes beyond 10.
    expect(chart([5, 10], 'lower', 1)).toContain('<u style="left:60%;width:13.33%">');
    expect(chart([5, 10])).not.toContain('<u ');
  });

  it.each([[[0, 0]], [[Number.NaN, Number.NaN]], [[1e99, -1e99]], [[5]], [[1e-12, 1e-3]]])(
    'draws %j without a place that is not a number',
    (values) => {
      expect(chart(values, 'lower', 0.1)).not.toMatch(/NaN%|Infinity|undefined/);
    },
  );
});
