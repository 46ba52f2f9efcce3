import { expect, it } from 'vitest';
import { cutTo, padTo, printable, widthOf, wrapTo } from '../../../src/eval/report/text-width.js';

it.each([
  ['abc', 3],
  ['アニメ', 6],
  ['🎨', 2],
  ['e\u0301', 1],
  ['\u200b', 0],
  ['± − ↓ …', 7],
  ['', 0],
])('%j takes %d columns', (text, width) => expect(widthOf(text)).toBe(width));

it('makes one line of anything', () => {
  expect(printable('a\u001b[31m\n\u202eb')).toBe('a\ufffd[31m\ufffd\ufffdb');
});

it('cuts and pads by columns', () => {
  expect(cutTo(4, 'abcdef')).toBe('abc…');
  expect(cutTo(4, 'アニメ')).toBe('ア…');
  expect(cutTo(6, 'アニメ')).toBe('アニメ');
  expect(padTo(5, 'アニ')).toBe('アニ ');
  expect(padTo(3, 'a', 'left')).toBe('  a');
  expect(padTo(1, 'long')).toBe('long');
});

it('wraps between words, and within those that are too long', () => {
  expect(wrapTo(9, 'one two three', '  ')).toEqual(['one two', '  three']);
  expect(wrapTo(4, 'ab abcdefgh', ' ')).toEqual(['ab', ' abc', ' def', ' gh']);
  expect(wrapTo(4, 'abcdefgh')).toEqual(['abcd', 'efgh']);
  expect(wrapTo(4, ' ')).toEqual([]);
});
