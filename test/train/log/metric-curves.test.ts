import { describe, expect, it } from 'vitest';
import { MetricCurves } from '../../../src/train/log/metric-curves.js';
import type { MetricsRow } from '../../../src/train/log/metrics-log.js';

function seriesOf(rows: readonly MetricsRow[]) {
  const courses = new MetricCurves();
  for (const row of rows) courses.add(row);
  return courses.series();
}

describe('MetricCurves', () => {
  it('draws the mean logits of LeCam regularisation apart from other signals, in a chart for each domain', () => {
    const terms = { 'signals/localRealA': 3, 'signals/diversityFakeB': -4, 'signals/styleDiversity': 0.5 };
    const series = seriesOf([{ step: 1, seconds: 1, terms }]);
    expect(series.map(({ group, name }) => `${group}: ${name}`)).toEqual([
      'Mean logits, domain A: localRealA',
      'Mean logits, domain B: diversityFakeB',
      'Signals: styleDiversity',
    ]);
  });

  it('groups terms by network, followed by signs, learning rate and speed', () => {
    const rows = [1, 2, 4].map((step) => ({
      step,
      seconds: step * 3,
      learningRate: 0.1,
      terms: {
        'signals/realSignA': 0.5,
        'generator/cycle': step,
        plain: -step,
        ...(step === 2 ? { 'discriminator/R1': 9 } : {}),
      },
    }));
    const series = seriesOf(rows);
    expect(series.map(({ group, name }) => `${group}: ${name}`)).toEqual([
      'Generator: cycle',
      'Losses: plain',
      'Discriminator: R1',
      'Mean sign of real logits: realSignA',
      'Learning rate: learning rate',
      'Seconds per step: seconds per step',
    ]);
    expect(series.map(({ range }) => range)).toEqual([
      undefined,
      undefined,
      undefined,
      [-1, 1],
      undefined,
      undefined,
    ]);
    expect(series[2]?.points).toEqual([{ step: 2, value: 9 }]);
    expect(series[5]?.points).toEqual([
      { step: 2, value: 3 },
      { step: 4, value: 3 },
    ]);
  });

  it('has no series without rows', () => expect(seriesOf([])).toEqual([]));
});
