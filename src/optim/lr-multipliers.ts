// Learning-rate multipliers of parameters, from patterns of their names.

import { InputError } from '../base/errors.js';
import type { ParameterSpecs } from '../model/parameters.js';

function matcher(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
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
    test: matcher(pattern),
    multiplier,
    pattern,
  }));
  for (const { test, pattern } of rules) {
    if (names.some((name) => test.test(name))) continue;
    throw new InputError({
      expected: `training.lrMultipliers to name parameters, such as ${names[0]} or ${Object.keys(networks).at(-1)}/*`,
      found: `'${pattern}', which matches none of the ${names.length} parameters`,
      remedy: 'change the pattern; * stands for any text',
    });
  }
  return (network, path) => rules.findLast(({ test }) => test.test(`${network}/${path}`))?.multiplier ?? 1;
}
