import { expect, test } from 'vitest';
import { nearestKey, nearestName } from '../../src/base/suggest.js';

test('nearestName finds the closest known name, ignoring case and dashes', () => {
  expect(nearestName('devcie', ['version', 'device', 'help'])).toBe('device');
  expect(nearestName('trian', ['translate', 'train', 'setup'])).toBe('train');
  expect(nearestName('styleImage', ['style-image', 'styles'])).toBe('style-image');
});

test('nearestName finds no name if none is close', () => {
  expect(nearestName('frobnicate', ['train', 'setup'])).toBeUndefined();
  expect(nearestName('x', [])).toBeUndefined();
});

test('nearestKey searches the siblings of a key first, then other sections', () => {
  const known = ['training.steps', 'training.batch', 'model.size'];
  expect(nearestKey('training.stepps', known)).toBe('training.steps');
  expect(nearestKey('training.size', known)).toBe('model.size');
});
