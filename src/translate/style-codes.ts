// Reads style codes as a user types them.
import { readFile } from 'node:fs/promises';
import { InputError, messageOf } from '../base/errors.js';

/**
 * Parses style codes: numbers separated by commas, or the path of a JSON file with an array of numbers or an array of
 * such arrays.
 *
 * @returns codes of any length; `makeStyles` checks it against the model.
 * @throws InputError for anything else, and for numbers beyond the range of float32.
 */
export async function readStyleCodes(text: string): Promise<Float32Array[]> {
  const reject = (found: string, cause?: unknown): InputError =>
    new InputError(
      {
        expected: 'a style code: numbers separated by commas, or a JSON file with an array of numbers',
        found,
        remedy: 'give as many numbers as the model has style dimensions',
      },
      { cause },
    );
  let parsed: unknown;
  // Text that starts like a list of numbers is no file name: 1,2,x is a typing error.
  const [start] = /^[\s+\-.\d]*/.exec(text)!;
  const isList = /\d/.test(start) && /^[^/,]*,/.test(text.slice(start.length));
  if (isList || Number.isFinite(Number(text))) parsed = text.split(',').map(toNumber);
  else {
    try {
      parsed = JSON.parse(await readFile(text, 'utf8'));
    } catch (error) {
      throw reject(`${text} (${messageOf(error)})`, error);
    }
  }
  if (!Array.isArray(parsed) || parsed.length === 0) throw reject(`none in ${text}`);
  const codes = (Array.isArray(parsed[0]) ? parsed : [parsed]) as unknown[];
  return codes.map((code) => {
    const isCode =
      Array.isArray(code) &&
      code.length > 0 &&
      code.every((value) => typeof value === 'number' && Number.isFinite(Math.fround(value)));
    if (!isCode) throw reject(`something else in ${text}`);
    return Float32Array.from(code as number[]);
  });
}

function toNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
