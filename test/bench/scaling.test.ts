import { expect, test } from 'vitest';
import { ASSUMPTIONS, predictGpus, predictStep, transferSeconds } from '../../src/bench/scaling.js';

test('ranks send two thirds of a vector twice with three of them, and one rank sends nothing', () => {
  const link = { bytes: 3e9, buckets: 5, bandwidth: 1e9, latency: 0.01 };
  expect(transferSeconds({ ...link, ranks: 3 })).toBeCloseTo(4 + 0.1, 12);
  expect(transferSeconds({ ...link, ranks: 1 })).toBe(0);
});

test('ranks that share a link send over it only what leaves their machine', () => {
  // Four ranks on two machines: each of two sends half of the vector out, and its own half to two ranks.
  const link = { ranks: 4, ranksPerLink: 2, bytes: 1e9, buckets: 1, bandwidth: 1e9, latency: 0 };
  expect(transferSeconds(link)).toBeCloseTo(2, 12);
});

test('a step is longer by what its backward pass does not hide, which is the last bucket at least', () => {
  const step = { stepSeconds: 1, buckets: 4, overlapShare: 0.5 };
  expect(predictStep({ ...step, transfer: 0.4 })).toEqual({
    seconds: 1.1,
    efficiency: 1 / 1.1,
    hidden: 0.75,
  });
  const slow = predictStep({ ...step, transfer: 1.5 });
  expect(slow.seconds).toBeCloseTo(2, 12);
  expect(slow.hidden).toBeCloseTo(1 / 3, 12);
  expect(predictStep({ ...step, transfer: 0 }).efficiency).toBe(1);
});

test('a faster connection and fewer copies predict a better efficiency, and networks count across machines only', () => {
  const efficiency = (ranks: number, name: string, viaHost: boolean): number =>
    predictGpus(ranks, name, viaHost)!.efficiency;
  expect(efficiency(16, '10 GbE', false)).toBeLessThan(efficiency(16, '100 GbE', false));
  expect(efficiency(16, '100 GbE', false)).toBeLessThan(efficiency(16, 'NVLink', false));
  expect(efficiency(8, 'PCIe', true)).toBeLessThan(efficiency(8, 'PCIe', false));
  expect(efficiency(ASSUMPTIONS.ranksPerHost, '10 GbE', false)).toBe(
    efficiency(ASSUMPTIONS.ranksPerHost, 'PCIe', false),
  );
  expect(predictGpus(16, 'NVLink', true)).toBeUndefined();
});
