import { expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import type { ParameterSpecs } from '../../src/model/parameters.js';
import { lrMultipliers } from '../../src/optim/lr-multipliers.js';

const spec = { shape: [1], init: { value: 0 }, gain: 1, torch: { kind: 'vector' } } as const;
const specs = (...paths: string[]) =>
  Object.fromEntries(paths.map((path) => [path, spec])) as unknown as ParameterSpecs;
const NETWORKS = { G: specs('encoder.0.weight', 'encoder.10.weight', 'decoder.weight'), D: specs('weight') };

it('gives names the factor of the last pattern that matches, and 1 where none does', () => {
  const rate = lrMultipliers({ 'G/*': 0.5, 'G/encoder.0.*': 0, '*/weight': 2 }, NETWORKS);
  expect(rate('G', 'encoder.0.weight')).toBe(0);
  expect(rate('G', 'encoder.10.weight')).toBe(0.5);
  expect(rate('G', 'decoder.weight')).toBe(0.5);
  expect(rate('D', 'weight')).toBe(2);
  expect(lrMultipliers({}, NETWORKS)('G', 'decoder.weight')).toBe(1);
});

it('takes a point for a point, and refuses a pattern that matches nothing', () => {
  for (const pattern of ['encoder.0.weight', 'G/encoder', 'G/encoderX0.weight', 'E/*'])
    expect(() => lrMultipliers({ [pattern]: 0 }, NETWORKS)).toThrow(InputError);
  expect(() => lrMultipliers({ 'E/*': 0 }, NETWORKS)).toThrow(
    /'E\/\*', which matches none of the 4.*change the pattern/s,
  );
});
