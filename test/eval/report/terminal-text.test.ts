import { expect, it } from 'vitest';
import { cutTo, padTo, printable, wrapTo } from '../../../src/eval/report/terminal-text.js';

it('printable replaces the characters that steer a terminal', () => {
  expect(printable('a\u001b[31m\n\u202eb')).toBe('a\ufffd[31m\ufffd\ufffdb');
});

it('cutTo and padTo count two columns for East Asian characters', () => {
  expect(cutTo(4, 'abcdef')).toBe('abc…');
  expect(cutTo(4, 'アニメ')).toBe('ア…');
  expect(cutTo(6, 'アニメ')).toBe('アニメ');
  expect(padTo(5, 'アニ')).toBe('アニ ');
  expect(padTo(3, 'a', 'left')).toBe('  a');
  expect(padTo(1, 'long')).toBe('long');
});

it('wrapTo breaks between words, and within words that are wider than a line', () => {
  expect(wrapTo(9, 'one two three', '  ')).toEqual(['one two', '  three']);
  expect(wrapTo(4, 'ab abcdefgh', ' ')).toEqual(['ab', ' abc', ' def', ' gh']);
  expect(wrapTo(4, 'abcdefgh')).toEqual(['abcd', 'efgh']);
  expect(wrapTo(4, ' ')).toEqual([]);
});
