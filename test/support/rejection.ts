// The errors with which promises reject.
import { expect } from 'vitest';
import { InputError } from '../../src/base/errors.js';

/** The error with which a promise rejects. A promise that resolves fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable('the promise resolved'),
    (error: unknown) => error as Error,
  );
}

/** The message of the InputError with which a promise rejects. Anything else fails the test. */
export async function rejectionMessage(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise);
  expect(error).toBeInstanceOf(InputError);
  return error.message;
}
