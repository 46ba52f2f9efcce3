import { describe, expect, it } from 'vitest';
import { curveChart, metricCurves, metricCurvesPage } from '../../../src/eval/report/curves-page.js';
import { EVIL, figure } from '../../support/receipt.js';

const pointsOf = (values: number[], given = {}) =>
  values.map((value, i) => ({ step: 100 * (i + 1), figures: [figure({ value, ...given })] }));
const chart = (values: number[], given = {}) => curveChart(metricCurves(pointsOf(values, given))[0]!);

describe('metricCurves', () => {
  it('orders points by step and finds the best, the earliest of equal ones', () => {
    const [fid] = metricCurves(pointsOf([5, 2, 3, 2]).reverse());
    expect(fid!.points.map(({ step }) => step)).toEqual([100, 200, 300, 400]);
    expect(fid!.best).toMatchObject({ step: 200, value: 2 });
    expect(metricCurves(pointsOf([5, 2, 3], { better: 'higher' }))[0]!.best?.step).toBe(100);
  });

  it('has no best point for a single one, for none that is finite, and if neither end is better', () => {
    for (const one of [pointsOf([5]), pointsOf([1, 2], { better: 'neither' }), pointsOf([Number.NaN, 5])])
      expect(metricCurves(one)[0]!.best).toBeUndefined();
  });

  it('includes figures that only some steps have', () => {
    const points = pointsOf([1, 2, 3]);
    points[1]!.figures.push(figure({ metric: 'kid', key: 'kid' }));
    expect(metricCurves(points).map(({ points: list }) => list.length)).toEqual([3, 1]);
  });
});

describe('curveChart', () => {
  it('draws lower values lower, deviations around them, and marks the best', () => {
    const html = chart([5, 2, 3], { deviation: 1 });
    const heights = [...html.matchAll(/<circle[^>]* cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    expect(heights[0]).toBeLessThan(heights[2]!);
    expect(heights[2]).toBeLessThan(heights[1]!);
    expect(html.match(/class="point top"/g)).toHaveLength(1);
    expect(html.match(/class="deviation" d="(M[\d.]+ [\d.]+V[\d.]+){3}"/)).not.toBeNull();
    expect(html).toContain('best 2.00 ± 1.00 at step 200');
    expect(html).toMatch(
      /role="img" aria-label="FID: 5\.00 .* at step 100, 3\.00 .* at step 300; best 2\.00/,
    );
  });

  it.each([[[5]], [[5, 5]], [[0, 0]], [[1e-9, 1e9]], [[-3, Number.NaN]], [[Number.NaN]]])(
    'draws %j without a coordinate that is not a number',
    (values) => {
      for (const deviation of [null, 0.5])
        expect(chart(values, { deviation })).not.toMatch(/NaN|Infinity|undefined/);
    },
  );

  it('draws very many points without marks, except the best', () => {
    expect(chart(Array.from({ length: 300 }, (_, i) => 1 + ((i * 7) % 300))).match(/<circle/g)).toHaveLength(
      1,
    );
  });
});

describe('metricCurvesPage', () => {
  it('has charts, all numbers and descriptions, with every text escaped', () => {
    const html = metricCurvesPage(EVIL, pointsOf([3, 2], { title: EVIL, key: EVIL, how: EVIL }));
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain('2 checkpoints, step 100 to 200.');
    expect(html).toMatch(
      /<tr><th scope="row">200<\/th><td class="best">2\.00<small class="mark">best<\/small><\/td>/,
    );
  });

  it('says that there are no checkpoints', () => {
    expect(metricCurvesPage('Run', [])).toContain('No figure was measured.');
  });
});
