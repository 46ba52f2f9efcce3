// Learning-rate multipliers of parameters, from patterns of their names.

import { InputError } from '../base/errors.js';
import type { ParameterSpecs } from '../model/parameters.js';

/**
 * Whether a name matches a pattern in which `*` stands for any text. The texts between are looked for from left to right,
 * each behind the one before, in one pass: a regular expression tries all ways to divide the name among many `*`.
 */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const text of rest) {
    const found = name.indexOf(text, at);
    if (found < 0) return false;
    at = found + text.length;
  }
  return name.length - at >= last.length && name.endsWith(last);
}

/**
 * Learning-rate multipliers by parameter name (`network/path`), from patterns in which `*` stands for any text. If several
 * patterns match a name, the last one counts; a name that no pattern matches has multiplier 1.
 *
 * @throws InputError for a pattern that matches nothing, such as one that was meant to freeze a layer.
 */
export function lrMultipliers(
  multipliers: Readonly<Record<string, number>>,
  networks: Readonly<Record<string, ParameterSpecs>>,
): (network: string, path: string) => number {
  const names = Object.entries(networks).flatMap(([network, specs]) =>
    Object.keys(specs).map((path) => `${network}/${path}`),
  );
  const rules = Object.entries(multipliers).map(([pattern, multiplier]) => ({
    multiplier,
    pattern,
  }));
  for (const { pattern } of rules) {
    if (names.some((name) => matches(pattern, name))) continue;
    throw new InputError({
      expected: `training.lrMultipliers to name parameters, such as ${names[0]} or ${Object.keys(networks).at(-1)}/*`,
      found: `'${pattern}', which matches none of the ${names.length} parameters`,
      remedy: 'change the pattern; * stands for any text',
    });
  }
  return (network, path) =>
    rules.findLast(({ pattern }) => matches(pattern, `${network}/${path}`))?.multiplier ?? 1;
}
