import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { formatJson, parseJson } from '../../src/base/json-text.js';

describe('parseJson', () => {
  it.each([
    ['{\n  "a": 1,\n}', 'a key in double quotes (x.json, line 3, column 1)', '"}"'],
    ['{"a": 1', '"," or "}" (x.json, line 1, column 8)', 'the end of the file'],
    ['', 'a JSON value (x.json, line 1, column 1)', 'the end of the file'],
    ['{"a": 1} 2', 'nothing after the value (x.json, line 1, column 10)', '"2"'],
    ['{\n// note\n"a": 1}', 'line 2, column 1', 'a comment'],
    ["{'a': 1}", 'a key in double quotes (x.json, line 1, column 2)', '"\'"'],
    ['{"a" 1}', '":" after the key (x.json, line 1, column 6)', '"1"'],
    ['[1, 2\n, 03]', 'line 2, column 4', '"3"'],
    ['["a\nb"]', 'a string that ends on its line', 'control character'],
    ['{"a": tru}', 'a JSON value (x.json, line 1, column 7)', '"t"'],
    ['["\\x"]', 'valid escapes (x.json, line 1, column 3)', '"\\"'],
  ])('%j', (text, expected, found) => {
    const error = inputErrorOf(text);
    expect(error.details.expected).toContain(expected);
    expect(error.details.found).toContain(found);
  });

  it.each([
    ['lists without an end', '['.repeat(200_000), 'nested at most 200 deep (x.json, line 1, column 201)'],
    [
      'lists',
      '['.repeat(200_000) + ']'.repeat(200_000),
      'nested at most 200 deep (x.json, line 1, column 201)',
    ],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 'nested at most 200 deep'],
    ['a string of 20 MB without an end', `"${'a'.repeat(20_000_000)}`, 'a string that ends on its line'],
    ['a string of 20 MB of escapes', `"${'\\n'.repeat(10_000_000)}`, 'a string that ends on its line'],
    ['20 MB of spaces', ' '.repeat(20_000_000), 'a JSON value'],
    ['20 MB of digits', `${'1'.repeat(20_000_000)}x`, 'nothing after the value'],
  ])('names the place in %s, however deep or long', (_, text, expected) => {
    expect(inputErrorOf(text).details.expected).toContain(expected);
  });

  it('takes what is nested 200 deep', () => {
    const text = '['.repeat(200) + ']'.repeat(200);
    expect(JSON.stringify(parseJson(text, 'x.json'))).toBe(text);
  });

  it('parses JSON with and without a byte order mark', () => {
    expect(parseJson('\uFEFF{"a": [1e3, -0.5, "\\u0041", null]}', 'x.json')).toEqual({
      a: [1000, -0.5, 'A', null],
    });
  });

  it('rejects every text that JSON.parse rejects, at a position inside the text', () => {
    for (const text of [
      '{',
      '[',
      '"',
      '-',
      '1.',
      '1e',
      '[1,]',
      '{"a"}',
      '{"a":}',
      'nul',
      '\u0000',
      '[1 2]',
    ]) {
      expect(inputErrorOf(text).message).toMatch(/line \d+, column \d+/);
    }
  });
});

function inputErrorOf(text: string): InputError {
  try {
    parseJson(text, 'x.json');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error(`${text.slice(0, 100)} was accepted`);
}

describe('formatJson', () => {
  it('writes short lists on one line and everything else on a line each', () => {
    expect(formatJson({ a: [1, 2], b: [], c: {}, d: [{ e: 1 }], f: undefined })).toBe(
      '{\n  "a": [1, 2],\n  "b": [],\n  "c": {},\n  "d": [\n    {\n      "e": 1\n    }\n  ]\n}\n',
    );
  });

  it('breaks long lists into lines without changing the value', () => {
    const value = { list: Array.from({ length: 60 }, (_, i) => i) };
    const text = formatJson(value);
    expect(text.split('\n').length).toBeGreaterThan(60);
    expect(JSON.parse(text)).toEqual(value);
  });
});
