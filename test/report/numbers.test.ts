import { describe, expect, it } from 'vitest';
import { formatNumber } from '../../src/report/numbers.js';

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [2.34567, '2.35'],
    [-0.5, '−0.5'],
    [4000, '4000'],
    [300000, '300k'],
    [1234567, '1.23M'],
    [0.0005, '0.0005'],
    [0.00001234, '1.23e−5'],
    [2e12, '2e12'],
    [Number.NaN, 'not a number'],
    [Number.NEGATIVE_INFINITY, '−∞'],
  ])('%d', (value, text) => expect(formatNumber(value)).toBe(text));
});
