import { describe, expect, it } from 'vitest';
import { renderChart } from '../../src/report/charts.js';

const course = (values: number[], name = 'a') => ({
  name,
  group: 'g',
  points: values.map((value, i) => ({ step: i * 10, value })),
});
const ticks = (html: string) => [...html.matchAll(/text-anchor="end">([^<]*)</g)].map((match) => match[1]);
const paths = (html: string) =>
  [...html.matchAll(/class="line[^"]*" d="(M[^"]*L[^"]*)"/g)].map((match) => match[1]!);

describe('renderChart', () => {
  it.each([
    ['no points', []],
    ['one point', [3]],
    ['only NaN', [Number.NaN, Number.NaN]],
    [
      'NaN and infinities among values',
      [1, Number.NaN, Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY],
    ],
    ['a constant', [5, 5, 5]],
    ['zeros', [0, 0]],
    ['negative values', [-3, -400]],
    ['huge and tiny values', [1e-300, 1e308, 1e99]],
    ['one of each sign', [-1e99, 1e99]],
    ['denormal values', [5e-324, 1e-323]],
  ])('draws %s without a coordinate that is not a number', (_, values) => {
    const html = renderChart('Chart', [course(values)]);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
    expect(html).toContain('</figure>');
  });

  it('draws a dot for one point and a line for two', () => {
    expect(renderChart('Chart', [course([3])])).toContain('<circle');
    expect(paths(renderChart('Chart', [course([3, 4])])).at(-1)).toMatch(/^M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
  });

  it('omits values that are not finite and counts them', () => {
    const html = renderChart('Chart', [course([1, Number.NaN, 3])]);
    expect(html).toContain('(1 not finite)');
    expect(paths(html)[0]?.split('L')).toHaveLength(2);
  });

  it('has nice ticks from zero on a linear axis', () => {
    expect(ticks(renderChart('Chart', [course([1, 4, 9.3])]))).toEqual(['0', '2', '4', '6', '8', '10']);
    expect(ticks(renderChart('Chart', [course([100.11, 100.14])]))).toContain('100.12');
  });

  it('is logarithmic only if positive values span decades', () => {
    const wide = renderChart('Chart', [course([1000, 1, 20])]);
    expect(wide).toContain('logarithmic');
    expect(ticks(wide)).toEqual(['1', '3', '10', '30', '100', '300', '1000']);
    expect(renderChart('Chart', [course([1000, 0, 20])])).not.toContain('logarithmic');
  });

  it('draws higher values higher, and later steps further right', () => {
    const [path] = paths(renderChart('Chart', [course([1, 2, 3])]));
    const places = path!
      .slice(1)
      .split('L')
      .map((place) => place.split(' ').map(Number));
    expect(places[1]![0]).toBeGreaterThan(places[0]![0]!);
    expect(places[1]![1]).toBeLessThan(places[0]![1]!);
  });

  it('smooths a long noisy curve and keeps its raw values; leaves steps as they are', () => {
    const noisy = Array.from({ length: 2000 }, (_, i) => 5 + (i % 2 ? 1 : -1));
    const [raw, smooth] = paths(renderChart('Chart', [course(noisy)]));
    const heights = (path: string) =>
      path
        .slice(1)
        .split('L')
        .map((place) => Number(place.split(' ')[1]));
    const spread = (path: string) => Math.max(...heights(path)) - Math.min(...heights(path));
    expect(spread(raw!)).toBeGreaterThan(50);
    expect(spread(smooth!)).toBeLessThan(5);
    expect(heights(raw!).length).toBeLessThan(600);
    const steps = Array.from({ length: 100 }, (_, i) => (i < 50 ? 0.002 : 0.001));
    expect(paths(renderChart('Chart', [course(steps)]))).toHaveLength(1);
  });

  it('escapes names, names every series and the values under the pointer', () => {
    const html = renderChart('<i>', [course([1, 2], '"><script>'), course([], 'b')]);
    expect(html).not.toContain('<script>');
    expect(html).not.toContain('<i>');
    expect(html).toContain('<title>step 10\n&quot;&gt;&lt;script&gt; 2</title>');
    expect(html).toContain('no values');
  });

  it('uses the range of a series that has one', () => {
    const html = renderChart('Chart', [{ ...course([0.2, 0.3]), range: [-1, 1] as const }]);
    expect(ticks(html)).toEqual(['−1', '−0.5', '0', '0.5', '1']);
  });

  it('smooths the means of a thinned curve, not its extremes', () => {
    const long = Array.from({ length: 200 }, (_, i) => (i % 2 ? 10 : 0));
    const thinned = { ...course(long), means: course(long.map(() => 1)).points };
    const [, smooth] = paths(renderChart('Chart', [thinned]));
    const [height] = new Set(
      smooth!
        .slice(1)
        .split('L')
        .map((place) => place.split(' ')[1]),
    );
    // A tenth of the axis from 0 to 10.
    expect(Number(height)).toBeCloseTo(8 + 200 * 0.9, 0);
  });
});
