// Checks values against zod schemas and reports what is wrong on one line.
import { z } from 'zod';
import { type ErrorDetails, InputError } from './errors.js';

/** All issues of a failed check on one line: `Invalid input: expected string → at model.name`. */
export function formatIssues(error: z.ZodError): string {
  return z.prettifyError(error).replaceAll('\n', ' ');
}

/**
 * The value as the schema parses it.
 *
 * @param details what the value should be and what to do otherwise; `found` lists the issues.
 * @throws InputError if the value does not fit the schema.
 */
export function parseOrThrow<T>(
  schema: z.ZodType<T>,
  value: unknown,
  details: Omit<ErrorDetails, 'found'>,
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InputError({ ...details, found: formatIssues(parsed.error) }, { cause: parsed.error });
}
