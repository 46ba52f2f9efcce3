import { expect, test } from 'vitest';
import { closest } from '../../src/cli/suggest.js';

test('names the nearest known word', () => {
  expect(closest('devcie', ['version', 'device', 'help'])).toBe('device');
  expect(closest('trian', ['translate', 'train', 'setup'])).toBe('train');
});

test('names none where no word is near', () => {
  expect(closest('frobnicate', ['train', 'setup'])).toBeUndefined();
  expect(closest('x', [])).toBeUndefined();
});
