// The messages of InputErrors.
import { expect } from 'vitest';
import { InputError } from '../../src/base/errors.js';

/** The message of the InputError with which a promise rejects. Anything else fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.unreachable('was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}
