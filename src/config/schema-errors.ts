// Turns the problems that the config schema finds into one InputError.
import type { z } from 'zod';
import { type ErrorDetails, InputError } from '../base/errors.js';
import { nearestKey } from '../base/suggest.js';
import { describeValue } from '../base/visible-text.js';
import { configKeys } from './json-schema.js';

/** Config values and where they come from. */
export interface Source {
  /** Its name in messages: a file's path, or `--set`. */
  name: string;
  values: unknown;
}

/**
 * One error for all problems that the schema found, naming each key and the file or option that it came from.
 * @param sources the sources of `values`, a later one overriding those before.
 */
export function configError(
  issues: readonly z.core.$ZodIssue[],
  values: unknown,
  sources: Source[],
): InputError {
  const problems = issues.flatMap((issue) => problemsOf(issue, values, sources));
  if (problems.length === 1) return new InputError(problems[0]!);
  // Each as an error of its own would show it: its keys and values may be anything.
  const shown = problems.map((problem) => new InputError(problem).details);
  const list = shown.map(({ expected, found, remedy }) => `\n  - ${expected}, not ${found}: ${remedy}`);
  return new InputError({
    expected: 'a valid configuration',
    found: `${problems.length} problems`,
    remedy: `correct these keys:${list.join('')}`,
  });
}

function problemsOf(issue: z.core.$ZodIssue, values: unknown, sources: Source[]): ErrorDetails[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => unknownKey([...path, name], sources));
  }
  const key = path.join('.');
  const found = describeValue(valueAt(values, path));
  const source = sourceOf(path, sources);
  const remedy =
    issue.code === 'invalid_type' && issue.expected === 'string' && source?.name.startsWith('--set')
      ? `put the value in quotes: --set '${key}="..."'`
      : 'change it';
  return [{ expected: `${key}${placed(source)} to be ${expectation(issue)}`, found, remedy }];
}

function unknownKey(path: string[], sources: Source[]): ErrorDetails {
  const key = path.join('.');
  const meant = nearestKey(key, configKeys());
  return {
    expected: `only keys of the configuration${placed(sourceOf(path, sources))}`,
    found: `the unknown key ${key}`,
    remedy: meant === undefined ? 'remove it' : `did you mean ${meant}? Rename or remove it`,
  };
}

function placed(source: Source | undefined): string {
  return source ? ` (${source.name})` : '';
}

function sourceOf(path: readonly string[], sources: Source[]): Source | undefined {
  return sources.findLast((source) => valueAt(source.values, path) !== undefined);
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  let value = values;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

const KINDS: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  tuple: 'a list of two numbers',
  object: 'a section with keys',
  record: 'a table, such as {"name": 1}',
};

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_key':
      return issue.origin === 'record' && issue.path.includes('channels')
        ? 'a resolution in px: 4, 8, 16 and so on up to 1024'
        : 'a name that is not empty';
    case 'invalid_type':
      return KINDS[issue.expected] ?? `a ${issue.expected}`;
    case 'invalid_value':
      return `one of ${issue.values.map((value) => String(value)).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'array') return `a list of ${issue.minimum} numbers`;
      if (issue.origin === 'string') return 'text that is not empty';
      return issue.inclusive ? `${issue.minimum} or more` : `more than ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'array') return `a list of ${issue.maximum} numbers`;
      return issue.inclusive ? `${issue.maximum} or less` : `less than ${issue.maximum}`;
    default:
      return issue.message;
  }
}
