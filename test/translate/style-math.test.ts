import { describe, expect, it } from 'vitest';
import { slerp, truncateStyle } from '../../src/translate/style-math.js';
import { randomStyleCodes } from '../../src/translate/translator.js';

const norm = (code: Float32Array): number => Math.hypot(...code);

describe('truncateStyle', () => {
  it('scales a style towards the mean style, which is zero', () => {
    const style = Float32Array.of(2, -4, 1);
    expect([...truncateStyle(style, 1)]).toEqual([2, -4, 1]);
    expect([...truncateStyle(style, 0.5)]).toEqual([1, -2, 0.5]);
  });
});

describe('slerp', () => {
  const from = Float32Array.of(2, 0, 0);
  const to = Float32Array.of(0, 4, 0);

  it('keeps both ends, and changes the length linearly on the way', () => {
    expect([...slerp(from, to, 0)]).toEqual([2, 0, 0]);
    expect([...slerp(from, to, 1)]).toEqual([0, 4, 0]);
    const middle = slerp(from, to, 0.5);
    expect(norm(middle)).toBeCloseTo(3, 5);
    expect(middle[0]).toBeCloseTo(middle[1]!, 5);
  });

  it('keeps the length of random styles all the way, where a straight line shortens them', () => {
    const [a, b] = randomStyleCodes(2, 9, 64);
    const lengths = [0, 0.25, 0.5, 0.75, 1].map((share) => norm(slerp(a!, b!, share)));
    for (const [i, length] of lengths.entries())
      expect(length).toBeCloseTo(norm(a!) + (norm(b!) - norm(a!)) * (i / 4), 3);
    const straight = norm(a!.map((value, i) => (value + b![i]!) / 2));
    expect(straight).toBeLessThan(0.85 * lengths[2]!);
  });

  it('interpolates linearly where no circle is determined: zeros, equal and opposite directions', () => {
    expect([...slerp(from, Float32Array.of(0, 0, 0), 0.5)]).toEqual([1, 0, 0]);
    expect([...slerp(Float32Array.of(0, 0), Float32Array.of(0, 0), 0.5)]).toEqual([0, 0]);
    expect([...slerp(from, from, 0.3)].map((value) => Math.round(value * 1e5) / 1e5)).toEqual([2, 0, 0]);
    expect([...slerp(from, Float32Array.of(-2, 0, 0), 0.5)]).toEqual([0, 0, 0]);
  });
});
