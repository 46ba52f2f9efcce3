import { expect, it } from 'vitest';
import { parseStepName, stepName } from '../../src/base/step-names.js';

it('a step name has at least six digits, so that names of a run sort by step', () => {
  expect([0, 500, 1_234_567].map(stepName)).toEqual(['step-000000', 'step-000500', 'step-1234567']);
});

it('parseStepName is the inverse of stepName', () => {
  for (const step of [0, 500, 1_234_567]) expect(parseStepName(stepName(step))).toBe(step);
});

it('parseStepName ignores names of another kind', () => {
  for (const name of [
    'step-500',
    'step-000500.png',
    '.tmp-step-000500',
    'latest',
    'step-',
    'step-1234567890123456',
  ])
    expect(parseStepName(name)).toBeUndefined();
});
