import { describe, expect, it } from 'vitest';
import { slerp } from '../../src/translate/style-math.js';
import { constantStyles, flowingStyles } from '../../src/video/style-schedule.js';

const codes = [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(-1, 0)];

it('constantStyles gives each cell the same style at any time', () => {
  const schedule = constantStyles(codes);
  expect([schedule.at(0, 0), schedule.at(99, 1), schedule.at(5, 2)]).toEqual(codes);
});

describe('flowingStyles', () => {
  const schedule = flowingStyles(codes, 2);

  it('reaches a style at every multiple of the period, and begins again after the last', () => {
    expect([0, 2, 4, 6].map((seconds) => schedule.at(seconds, 0))).toEqual([...codes, codes[0]]);
    expect([0, 1, 2].map((cell) => schedule.at(2, cell))).toEqual([codes[1], codes[2], codes[0]]);
  });

  it('moves smoothly between styles: half way in the middle, slow at both ends', () => {
    expect(schedule.at(1, 0)).toEqual(slerp(codes[0]!, codes[1]!, 0.5));
    const angle = (seconds: number): number => {
      const [x, y] = schedule.at(seconds, 0) as unknown as [number, number];
      return Math.atan2(y, x);
    };
    expect(angle(0.02)).toBeLessThan(0.001);
    expect(angle(1.02) - angle(1)).toBeGreaterThan(0.02);
    let last = 0;
    for (let t = 0; t <= 2; t += 0.1) {
      expect(angle(t)).toBeGreaterThanOrEqual(last - 1e-6);
      last = angle(t);
    }
  });
});
