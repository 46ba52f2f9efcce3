import { describe, expect, it } from 'vitest';
import { slerp } from '../../src/translate/style-math.js';
import { changingStyles, constantStyles, flowingStyles } from '../../src/video/style-schedule.js';

const codes = [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(-1, 0)];

it('constant styles stay, one for each cell', () => {
  const course = constantStyles(codes);
  expect([course.at(0, 0), course.at(99, 1), course.at(5, 2)]).toEqual(codes);
});

describe('flowing styles', () => {
  const course = flowingStyles(codes, 2);

  it('are at a style at every multiple of the time, and around again', () => {
    expect([0, 2, 4, 6].map((seconds) => course.at(seconds, 0))).toEqual([...codes, codes[0]]);
    expect([0, 1, 2].map((cell) => course.at(2, cell))).toEqual([codes[1], codes[2], codes[0]]);
  });

  it('go smoothly: half way in the middle, slow at both ends', () => {
    expect(course.at(1, 0)).toEqual(slerp(codes[0]!, codes[1]!, 0.5));
    const angle = (seconds: number): number => {
      const [x, y] = course.at(seconds, 0) as unknown as [number, number];
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

describe('changing styles', () => {
  const course = changingStyles(codes, [1, 1.1, 3]);

  it('are the next from each moment on, after a fade', () => {
    expect(course.at(0.999, 0)).toEqual(codes[0]);
    expect(course.at(1, 0)).toEqual(codes[0]);
    expect(course.at(1.05, 0)).toEqual(slerp(codes[0]!, codes[1]!, 0.5));
    expect(course.at(2, 0)).toEqual(codes[2]);
    expect(course.at(3.1, 0)[0]).toBeCloseTo(0, 5);
    expect(course.at(100, 0)).toEqual(codes[0]);
    expect(course.at(100, 1)).toEqual(codes[1]);
  });

  it('never jump', () => {
    let last = course.at(0.9, 0);
    for (let t = 0.9; t < 4; t += 0.001) {
      const now = course.at(t, 0);
      expect(Math.hypot(now[0]! - last[0]!, now[1]! - last[1]!)).toBeLessThan(0.06);
      last = now;
    }
  });

  it('stay where there are no changes', () => {
    expect(changingStyles(codes, []).at(50, 1)).toEqual(codes[1]);
  });
});
