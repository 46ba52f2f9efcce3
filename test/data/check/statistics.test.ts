import { describe, expect, it } from 'vitest';
import { EXAMINED_PX, type Examined } from '../../../src/data/check/examine.js';
import { StatisticsCollector } from '../../../src/data/check/statistics.js';

function image(colour: readonly [number, number, number], rest: Partial<Examined> = {}): Examined {
  const pixels = Uint8Array.from({ length: EXAMINED_PX ** 2 * 3 }, (_, i) => colour[i % 3]!);
  const common = { sha256: '', format: 'jpeg', isGrey: false, isTransparent: false };
  return { ...common, bytes: 100, width: 64, height: 64, pixels, ...rest };
}

describe('StatisticsCollector', () => {
  it('computes counts, spreads and colours of a folder', () => {
    const collector = new StatisticsCollector();
    collector.add(image([0, 100, 255], { width: 10, bytes: 5 }));
    collector.add(image([200, 100, 55], { width: 30, bytes: 7, format: 'png' }));
    collector.add(image([100, 100, 155], { width: 20, bytes: 6 }));
    const result = collector.result(4, { '.txt': 2 });
    expect(result).toMatchObject({
      files: 4,
      readable: 3,
      otherFiles: { '.txt': 2 },
      formats: { jpeg: 2, png: 1 },
      width: { min: 10, median: 20, max: 30 },
      height: { min: 64, median: 64, max: 64 },
      bytes: { min: 5, median: 6, max: 7, total: 18 },
    });
    const { mean, deviation } = result.colour!;
    expect(mean).toEqual([100, 100, 155]);
    const spread = Math.sqrt(20000 / 3);
    for (const [c, value] of [spread, 0, spread].entries()) expect(deviation[c]).toBeCloseTo(value, 9);
  });

  it('sorts pixels into bins of brightness and saturation', () => {
    const collector = new StatisticsCollector();
    collector.add(image([0, 0, 0]));
    collector.add(image([255, 255, 255]));
    collector.add(image([255, 0, 0]));
    collector.add(image([128, 64, 64]));
    const { brightness, saturation } = collector.result(4, {});
    const filled = (bins: number[]) => bins.flatMap((share, bin) => (share > 0 ? [[bin, share]] : []));
    // Red has 76 of 255, the last one 83: both in bin 9 and 10 of 32.
    expect(filled(brightness!)).toEqual([
      [0, 0.25],
      [9, 0.25],
      [10, 0.25],
      [31, 0.25],
    ]);
    expect(filled(saturation!)).toEqual([
      [0, 0.5],
      [16, 0.25],
      [31, 0.25],
    ]);
  });

  it('returns only counts for a folder without readable images', () => {
    expect(new StatisticsCollector().result(2, {})).toEqual({
      files: 2,
      readable: 0,
      otherFiles: {},
      formats: {},
    });
  });
});
