import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { describeValue, shortText, visibleLine, visibleText } from '../../src/base/visible-text.js';

const HOSTILE = 'c\u001b]0;owned\u0007\u001b[2Jos\nsystem\u009b1m\u007f\tend';

it('visibleText and visibleLine write out what terminals act on', () => {
  expect(visibleText(HOSTILE)).toBe('c\\x1b]0;owned\\x07\\x1b[2Jos\nsystem\\x9b1m\\x7f\tend');
  expect(visibleLine(HOSTILE)).toBe('c\\x1b]0;owned\\x07\\x1b[2Jos\\nsystem\\x9b1m\\x7f\\tend');
  expect(visibleText('Ä 猫 😺')).toBe('Ä 猫 😺');
});

it('shortText keeps start and end of a long text', () => {
  expect(shortText('short', 5)).toBe('short');
  expect(shortText('abcdefghijklmnopqrstuvwxyz', 20)).toBe('abcdefghi ... uvwxyz');
});

describe('describeValue', () => {
  it.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [JSON.parse('1e400'), 'Infinity'],
    ['text', '"text"'],
    [[1, 'a', [true]], '[1,"a",[true]]'],
    [{ a: { b: [1] } }, '{"a":{"b":[1]}}'],
    [[[[[1]]]], '[[[[...]]]]'],
  ])('shows %j as JSON', (value, expected) => expect(describeValue(value)).toBe(expected));

  it('looks at no more of a value than it shows', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(describeValue(deep)).toBe('[[[[...]]]]');
    const long = Array.from({ length: 1_000_000 }, () => 'x'.repeat(100));
    expect(describeValue(long)).toMatch(/^\["x{58}\.\.\.$/);
  });
});

it('an InputError shows text of files without its control characters, and no more than a page of it', () => {
  const { message, details } = new InputError({
    expected: `the tensor ${HOSTILE}`,
    found: 'x'.repeat(8_000_000),
    remedy: 'do this:\n  - that \u001b[2J',
  });
  expect(message).toMatch(/^[ -~]*\n[ -~]*$/);
  expect(message.length).toBeLessThan(1200);
  expect(message).toContain('the tensor c\\x1b]0;owned\\x07\\x1b[2Jos\\nsystem');
  expect(details.remedy).toBe('do this:\n  - that \\x1b[2J');
});
