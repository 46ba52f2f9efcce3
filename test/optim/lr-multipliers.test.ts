import { expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import type { ParameterSpecs } from '../../src/model/parameters.js';
import { lrMultipliers } from '../../src/optim/lr-multipliers.js';

const spec = { shape: [1], init: { value: 0 }, gain: 1, torch: { kind: 'vector' } } as const;
const specs = (...paths: string[]) =>
  Object.fromEntries(paths.map((path) => [path, spec])) as unknown as ParameterSpecs;
const NETWORKS = { G: specs('encoder.0.weight', 'encoder.10.weight', 'decoder.weight'), D: specs('weight') };

it('the last pattern that matches a parameter sets its multiplier, which is 1 if none matches', () => {
  const multiplierOf = lrMultipliers({ 'G/*': 0.5, 'G/encoder.0.*': 0, '*/weight': 2 }, NETWORKS);
  expect(multiplierOf('G', 'encoder.0.weight')).toBe(0);
  expect(multiplierOf('G', 'encoder.10.weight')).toBe(0.5);
  expect(multiplierOf('G', 'decoder.weight')).toBe(0.5);
  expect(multiplierOf('D', 'weight')).toBe(2);
  expect(lrMultipliers({}, NETWORKS)('G', 'decoder.weight')).toBe(1);
});

it('a dot in a pattern is a literal dot, and a pattern that matches nothing is an input error', () => {
  for (const pattern of ['encoder.0.weight', 'G/encoder', 'G/encoderX0.weight', 'E/*'])
    expect(() => lrMultipliers({ [pattern]: 0 }, NETWORKS)).toThrow(InputError);
  expect(() => lrMultipliers({ 'E/*': 0 }, NETWORKS)).toThrow(
    /'E\/\*', which matches none of the 4 parameters.*change the pattern/s,
  );
});

it('* stands for any text, none too, and texts between stay in their order', () => {
  const names = { G: specs('aba', 'abba', 'a') };
  const matching = (pattern: string) => {
    const multiplierOf = lrMultipliers({ '*': 1, [pattern]: 0 }, names);
    return ['aba', 'abba', 'a'].filter((path) => multiplierOf('G', path) === 0);
  };
  expect(matching('G/a*a')).toEqual(['aba', 'abba']);
  expect(matching('G/a*b*b*')).toEqual(['abba']);
  expect(matching('G/*a')).toEqual(['aba', 'abba', 'a']);
  expect(matching('*G/a*')).toEqual(['aba', 'abba', 'a']);
  expect(() => matching('G/ab*ba*a*')).toThrow(InputError);
});

it('a pattern of many * takes no more looks at a name than it has texts', () => {
  const search = vi.spyOn(String.prototype, 'indexOf');
  try {
    const name = 'a'.repeat(5000);
    expect(() => lrMultipliers({ [`G/${'*a'.repeat(100)}*b`]: 0 }, { G: specs(name) })).toThrow(InputError);
    expect(search.mock.calls.filter(([text]) => text === 'a').length).toBe(100);
  } finally {
    search.mockRestore();
  }
});
