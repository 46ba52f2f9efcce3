import { expect, test } from 'vitest';
import { decimal, hsl, mix, ramp, smoothClosedPath, svg, symmetricPath } from '../../src/sample/svg.js';

test('decimal writes at most two decimals', () => {
  expect([1, 0.126, -0.001, 1e-7, -2.5].map(decimal)).toEqual(['1', '0.13', '0', '0', '-2.5']);
  expect(svg`M${[1.234, 5]}L${0.5} ${'x'}`).toBe('M1.23 5L0.5 x');
});

test('symmetricPath is its own mirror image', () => {
  const path = symmetricPath(-10, [
    [1, -10, 4, -6, 5, 0],
    [6, 3, 2, 8, 0, 9],
  ]);
  expect(path).toBe('M0 -10C1 -10 4 -6 5 0C6 3 2 8 0 9C-2 8 -6 3 -5 0C-4 -6 -1 -10 0 -10Z');
});

test('smoothClosedPath goes through its points and closes', () => {
  const path = smoothClosedPath([
    [0, 0],
    [6, 0],
    [6, 6],
  ]);
  expect(path).toBe('M0 0C0 -1 5 -1 6 0C7 1 7 6 6 6C5 6 0 1 0 0Z');
});

test('mix, ramp and hsl compute colours', () => {
  expect(mix('#000000', '#ff8040', 0.5)).toBe('#804020');
  expect(ramp(['#000000', '#ffffff', '#ff0000'], 0.5)).toBe('#ffffff');
  expect(ramp(['#000000', '#ffffff', '#ff0000'], 1)).toBe('#ff0000');
  expect([hsl(0, 1, 0.5), hsl(120, 1, 0.5), hsl(-120, 1, 0.5), hsl(77, 0, 1)]).toEqual([
    '#ff0000',
    '#00ff00',
    '#0000ff',
    '#ffffff',
  ]);
});
