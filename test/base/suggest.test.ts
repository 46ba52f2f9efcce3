import { expect, test } from 'vitest';
import { nearestKey, nearestName } from '../../src/base/suggest.js';

test('the nearest known name is found, whatever its case and dashes', () => {
  expect(nearestName('devcie', ['version', 'device', 'help'])).toBe('device');
  expect(nearestName('trian', ['translate', 'train', 'setup'])).toBe('train');
  expect(nearestName('styleImage', ['style-image', 'styles'])).toBe('style-image');
});

test('no name is found where none is near', () => {
  expect(nearestName('frobnicate', ['train', 'setup'])).toBeUndefined();
  expect(nearestName('x', [])).toBeUndefined();
});

test('a key is looked for among its siblings first, then in other sections', () => {
  const known = ['training.steps', 'training.batch', 'model.size'];
  expect(nearestKey('training.stepps', known)).toBe('training.steps');
  expect(nearestKey('training.size', known)).toBe('model.size');
});
