import { expect, test } from 'vitest';
import {
  ASSUMPTIONS,
  predictGpus,
  predictStep,
  readTimeline,
  readTransfers,
  transferSeconds,
} from '../../src/bench/scaling.js';

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

/** Two buckets of two ranks; rank 1 comes to the first one late. */
const CALLS = [
  [
    { enqueued: 1, started: 1, ended: 4, bytes: 8 },
    { enqueued: 2, started: 4, ended: 7, bytes: 4 },
  ],
  [
    { enqueued: 3, started: 3, ended: 4.5, bytes: 8 },
    { enqueued: 6, started: 6, ended: 7, bytes: 4 },
  ],
];

test('a bucket travels once all ranks have come to it, and until then those that were there wait', () => {
  const [first, second] = readTransfers(CALLS);
  expect(first!.buckets).toEqual([
    { bytes: 8, called: 1, met: 3, ended: 4 },
    { bytes: 4, called: 2, met: 6, ended: 7 },
  ]);
  expect(first).toMatchObject({ bytes: 12, waiting: 4, transfer: 2 });
  expect(second).toMatchObject({ waiting: 0, transfer: 2.5 });
  expect(() => readTransfers([CALLS[0]!, CALLS[1]!.slice(1)])).toThrow(RangeError);
});

test('a transfer is hidden while a kernel runs, and hidden by the backward pass until the last gradient of its side', () => {
  const [step] = readTransfers(CALLS);
  const kernels = [
    { label: 'r1 = GnrAllReduce(d)', scheduled: 1, started: 1, ended: 4 },
    { label: 'r2 = GnrAllReduce(g)', scheduled: 2, started: 2, ended: 7 },
    { label: 'd = Conv2DBackpropFilter(x, y)', scheduled: 0, started: 0, ended: 1 },
    { label: 'g = Conv2DBackpropFilter(u, v)', scheduled: 0, started: 1, ended: 3.25 },
    { label: 'u1 = Mul(r1, s)', scheduled: 4, started: 4.5, ended: 6.5 },
    { label: 'u2 = Mul(r2:1, s)', scheduled: 7, started: 7.25, ended: 8 },
  ];
  const timeline = readTimeline(step!, kernels, 8);
  expect(timeline).toMatchObject({
    backwardEnded: { discriminators: 1, generators: 2 },
    started: 0,
    ended: 8,
    hidden: (0.25 + 0.5) / 2,
    hiddenByBackward: 0,
  });
  expect(timeline.buckets.map(({ used }) => used)).toEqual([4.5, 7.25]);
});
