import { describe, expect, it } from 'vitest';
import {
  countsOf,
  decimalsFor,
  figureColumns,
  formatCount,
  formatFigure,
  formatInterval,
  formatValue,
} from '../../../src/eval/report/figure-table.js';
import { figure, method } from '../../support/receipt.js';

const bestOf = (...methods: Parameters<typeof method>[]) => [
  ...figureColumns(methods.map((given) => method(...given)))[0]!.best,
];

describe('figureColumns', () => {
  it('has a column for each key of any method, and empty cells for missing figures', () => {
    const kid = figure({ metric: 'kid', key: 'kid' });
    const columns = figureColumns([method('a', [figure()]), method('b', [kid, figure({ value: 1 })])]);
    expect(columns.map(({ key }) => key)).toEqual(['fid', 'kid']);
    expect(columns.map(({ cells }) => cells.map((cell) => cell?.value))).toEqual([
      [45.234, 1],
      [undefined, 45.234],
    ]);
  });

  it('finds the best of models and folders, regardless of baselines', () => {
    expect(
      bestOf(
        ['a', [figure({ value: 3 })], { kind: 'model' }],
        ['b', [figure({ value: 2 })]],
        ['floor', [figure({ value: 1 })], { kind: 'baseline' }],
      ),
    ).toEqual([1]);
    const higher = (value: number) => [figure({ value, better: 'higher' })];
    expect(bestOf(['a', higher(-3)], ['b', higher(-2)], ['c', higher(-2)])).toEqual([1, 2]);
  });

  it('marks no best method if there is nothing to compare', () => {
    expect(bestOf(['a', [figure()]], ['floor', [figure()], { kind: 'baseline' }])).toEqual([]);
    const neither = [figure({ better: 'neither' })];
    expect(bestOf(['a', neither], ['b', neither])).toEqual([]);
    expect(bestOf(['a', [figure({ value: Number.NaN })]], ['b', [figure()]])).toEqual([]);
  });
});

describe('numbers of a column', () => {
  it.each([
    [[45.234, 187.2, 0.4], 2],
    [[0.61, 0.02, 0.55], 3],
    [[0.0213], 4],
    [[1e-9], 6],
    [[123456], 0],
    [[0, Number.NaN], 0],
    [[], 0],
  ])('%j have %d decimals', (values, decimals) => expect(decimalsFor(values)).toBe(decimals));

  it('are formatted with the decimals of their column', () => {
    expect(formatValue(-0.31, 2)).toBe('−0.31');
    expect(formatValue(-0.001, 2)).toBe('0.00');
    expect(formatValue(3.2e-9, 6)).toBe('3.2e−9');
    expect(formatValue(2e12, 0)).toBe('2e12');
    expect(formatValue(Number.NaN, 2)).toBe('not a number');
    expect(formatFigure({ value: 12.345, deviation: 0.5 }, 2)).toBe('12.35 ± 0.50');
    expect(formatFigure({ value: 12.345, deviation: null }, 1)).toBe('12.3');
    expect(formatInterval(figure({ interval: [-1, 2.25] }), 1)).toBe('[−1.0, 2.3]');
    expect(formatInterval(figure(), 1)).toBeUndefined();
    expect([9999, 50_000, 1_234_567].map(formatCount)).toEqual([
      '9999',
      '50\u202f000',
      '1\u202f234\u202f567',
    ]);
  });

  it('countsOf separates the counts that all methods share from the others', () => {
    const column = figureColumns([
      method('a', [figure({ n: { outputs: 10, real: 100 } })]),
      method('b', [figure({ n: { outputs: 20, real: 100 } })]),
    ])[0]!;
    expect(countsOf(column)).toEqual({ shared: { real: 100 }, differing: new Set(['outputs']) });
  });
});
