// Predicts the seconds of a step on several ranks from bandwidths, bytes and the seconds of a step without transfer, and reads
// what the ranks of a machine recorded.
import type { AllReduceTimes } from '../distributed/mpi-world.js';
import type { KernelTimes } from '../runtime/session.js';

const GIGABYTE = 1e9;
const MICROSECOND = 1e-6;

/**
 * Connections: bytes a second in each direction that one rank has (`perRank`) or all ranks of a machine share (`shared`).
 * NVLink: 450 GB/s, NVIDIA's H100 data sheet (900 GB/s of both directions). PCIe: 32 GB/s, PCI-SIG, generation 4, 16 lanes.
 * Ethernet: the bit rate by its name, over 8. Latencies are assumptions.
 */
export const CONNECTIONS: Readonly<
  Record<string, { bandwidth: number; latency: number; use: 'perRank' | 'shared' }>
> = {
  NVLink: { bandwidth: 450 * GIGABYTE, latency: 10 * MICROSECOND, use: 'perRank' },
  PCIe: { bandwidth: 32 * GIGABYTE, latency: 10 * MICROSECOND, use: 'perRank' },
  '100 GbE': { bandwidth: 12.5 * GIGABYTE, latency: 30 * MICROSECOND, use: 'shared' },
  '10 GbE': { bandwidth: 1.25 * GIGABYTE, latency: 50 * MICROSECOND, use: 'shared' },
};

/** What the predictions assume; none of it was measured on GPUs. */
export const ASSUMPTIONS = {
  /** Gradients of a step at the paper's channel sizes: 99.9 million parameters in float32. */
  gradientBytes: 400e6,
  /** `distributed.bucketMegabytes`, by default. */
  bucketBytes: 25e6,
  /** A step of configs/selfie2anime.json on an H100 in TF32: the floor that docs/gpu.md computes, so efficiency is the least. */
  stepSeconds: (7.4 * 3600) / 300_000,
  /** Share of a step from its first bucket to its last, in which buckets travel beside the backward pass. Assumed. */
  overlapShare: 0.5,
  /** Share of the nominal bandwidth that arrives. Assumed. */
  bandwidthShare: 0.7,
  /** GPUs of a machine, which has one network card for Ethernet. Assumed; NVLink and PCIe are taken to join all GPUs. */
  ranksPerHost: 8,
  /** The engine passes buckets of a GPU through the host's memory: down and up, by PCIe. */
  hostCopies: 2,
  /** Bytes a second that one rank passes to others in the memory of the host, and that one thread adds up. Assumed. */
  hostBandwidth: 10 * GIGABYTE,
};

/** What ranks send in a step, and over what. */
export interface Link {
  ranks: number;
  /** Size of all vectors that are averaged, and their number. */
  bytes: number;
  buckets: number;
  /** Bytes a second in each direction. */
  bandwidth: number;
  /** Seconds of one exchange. */
  latency: number;
  /** Ranks of a machine that share the bandwidth; 1 if each has it for itself. */
  ranksPerLink?: number;
}

/** A step as the model sees it. */
export interface StepPrediction {
  seconds: number;
  /** Share of the time in which the ranks compute. */
  efficiency: number;
  /** Share of the transfer that the backward pass hides. */
  hidden: number;
}

/** A prediction for GPUs; transfers are in seconds. */
export interface GpuPrediction extends StepPrediction {
  ranks: number;
  name: string;
  viaHost: boolean;
  transfer: number;
}

/**
 * Seconds of the transfers of a step, all buckets together. Each rank sends a part of a bucket to every other rank, adds up its
 * own part, and sends the result to all: 2 (N - 1) / N times the bytes leave and reach every rank.
 */
export function transferSeconds(link: Link): number {
  const { ranks, bytes, buckets, bandwidth, latency, ranksPerLink = 1 } = link;
  if (ranks === 1) return 0;
  const sent = (2 * (ranks - 1) * bytes) / ranks;
  // Of the ranks that share a link, what they send each other does not cross it.
  const crossing = ranksPerLink === 1 ? sent : (2 * (ranks - ranksPerLink) * bytes * ranksPerLink) / ranks;
  return crossing / bandwidth + 2 * latency * buckets;
}

/** Seconds of a step: what does not fit beside the backward pass, the last bucket at least, comes on top. */
export function predictStep(step: {
  stepSeconds: number;
  transfer: number;
  buckets: number;
  overlapShare: number;
}): StepPrediction {
  const { stepSeconds, transfer, buckets, overlapShare } = step;
  const exposed = transfer === 0 ? 0 : Math.max(transfer / buckets, transfer - overlapShare * stepSeconds);
  return {
    seconds: stepSeconds + exposed,
    efficiency: stepSeconds / (stepSeconds + exposed),
    hidden: transfer === 0 ? 1 : 1 - exposed / transfer,
  };
}

/**
 * The prediction for GPUs. @param viaHost whether buckets pass through the host's memory, as they do now.
 * @returns undefined for a connection within machines that cannot carry them from one machine's memory to another's.
 */
export function predictGpus(
  ranks: number,
  name: keyof typeof CONNECTIONS,
  viaHost: boolean,
  assumptions = ASSUMPTIONS,
): GpuPrediction | undefined {
  const {
    gradientBytes: bytes,
    bucketBytes,
    bandwidthShare,
    hostCopies,
    hostBandwidth,
    ranksPerHost,
  } = assumptions;
  const buckets = Math.ceil(bytes / bucketBytes);
  const isAcross = CONNECTIONS[name]!.use === 'shared' && ranks > ranksPerHost;
  if (viaHost && CONNECTIONS[name]!.use === 'perRank' && ranks > ranksPerHost) return undefined;
  // Within one machine no network is needed: its ranks reach each other by PCIe.
  const { bandwidth, latency } =
    CONNECTIONS[name]!.use === 'shared' && !isAcross ? CONNECTIONS.PCIe! : CONNECTIONS[name]!;
  const isInMemory = viaHost && !isAcross;
  let transfer = transferSeconds({
    ...{ ranks, bytes, buckets, latency, ranksPerLink: isAcross ? ranksPerHost : 1 },
    bandwidth: isInMemory ? hostBandwidth : bandwidth * bandwidthShare,
  });
  if (viaHost && ranks > 1)
    transfer += (hostCopies * bytes) / (CONNECTIONS.PCIe!.bandwidth * bandwidthShare) + bytes / hostBandwidth;
  return { ranks, name, viaHost, transfer, ...predictStep({ ...assumptions, transfer, buckets }) };
}

/** The transfer of one bucket as one rank saw it, seconds. */
export interface BucketTimes {
  bytes: number;
  /** When the operation was called: its gradients were ready. */
  called: number;
  /** When all ranks had come to it: the bucket before had arrived, and they had called it. */
  met: number;
  ended: number;
  /** When the first kernel that needs the average started; undefined without the times of kernels. */
  used?: number;
}

/** A step of one rank, seconds. */
export interface StepTimes {
  buckets: BucketTimes[];
  bytes: number;
  /** For other ranks: from the calls, or the end of the bucket before, to the moments when all ranks had come to them. */
  waiting: number;
  /** From there until all data had arrived. */
  transfer: number;
}

/** Puts together what all ranks recorded of one step. @returns the step of each rank. @throws RangeError if they did not make the same calls. */
export function readTransfers(byRank: readonly (readonly AllReduceTimes[])[]): StepTimes[] {
  const sizes = byRank.map((calls) => calls.map(({ bytes }) => bytes).join());
  if (sizes.some((each) => each !== sizes[0]))
    throw new RangeError('the ranks did not average the same buckets');
  return byRank.map((calls) => {
    const buckets = calls.map(({ bytes, enqueued, ended }, i): BucketTimes => {
      const met = Math.max(...byRank.map((others) => others[i]!.started));
      return { bytes, called: enqueued, met, ended };
    });
    return {
      buckets,
      bytes: total(buckets, ({ bytes }) => bytes),
      waiting: buckets.reduce(
        (sum, { called, met }, i) => sum + met - Math.max(called, buckets[i - 1]?.ended ?? called),
        0,
      ),
      transfer: total(buckets, ({ met, ended }) => ended - met),
    };
  });
}

function total<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}

/** A step of one rank with the times of its kernels, seconds. */
export interface StepTimeline extends StepTimes {
  /** When the last gradient of the discriminators and of the generators was ready. */
  backwardEnded: { discriminators: number; generators: number };
  /** From the first kernel to the end of the last. */
  started: number;
  ended: number;
  /** Share of the transfer during which a kernel of this rank ran. */
  hidden: number;
  /** Share of the transfer that was over when the last gradient of its side was ready. */
  hiddenByBackward: number;
}

type Interval = readonly [from: number, to: number];

/** Joins intervals that overlap. */
function union(intervals: readonly Interval[]): Interval[] {
  const joined: [number, number][] = [];
  for (const [from, to] of intervals.toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

const ALL_REDUCE_LABEL = /^\S+ = GnrAllReduce\(/;
const LABEL = /^(\S+) = \S+\((.*)\)/;
const nodeOf = (input: string): string => input.replace('^', '').split(':')[0]!;

/**
 * Completes a step by the times of its kernels, on the same clock.
 *
 * @param discriminatorBytes size of the discriminators' gradients, whose buckets come first.
 */
export function readTimeline(
  step: StepTimes,
  kernels: readonly KernelTimes[],
  discriminatorBytes: number,
): StepTimeline {
  const nodes = kernels.map((kernel) => {
    const [, name = '', inputs = ''] = LABEL.exec(kernel.label) ?? [];
    return { ...kernel, name, inputs: inputs.split(', '), isAllReduce: ALL_REDUCE_LABEL.test(kernel.label) };
  });
  // Buckets end in the order in which they travel.
  const calls = nodes.filter(({ isAllReduce }) => isAllReduce).toSorted((a, b) => a.ended - b.ended);
  const buckets = step.buckets.map((bucket, i): BucketTimes => {
    const { name } = calls[i]!;
    const users = nodes.filter(
      (node) => !node.isAllReduce && node.inputs.some((input) => nodeOf(input) === name),
    );
    return { ...bucket, used: Math.min(...users.map(({ started }) => started)) };
  });
  const isFirstSide = buckets.map(
    (_, i) => total(buckets.slice(0, i + 1), ({ bytes }) => bytes) <= discriminatorBytes,
  );
  const lastCall = (isFirst: boolean): number =>
    Math.max(...buckets.filter((_, i) => isFirstSide[i] === isFirst).map(({ called }) => called));
  const backwardEnded = { discriminators: lastCall(true), generators: lastCall(false) };
  const computing = nodes.filter(({ isAllReduce }) => !isAllReduce);
  const busy = union(computing.map(({ started, ended }) => [started, ended]));
  const overlap = ({ met, ended }: BucketTimes): number =>
    total(busy, ([from, to]) => Math.max(0, Math.min(to, ended) - Math.max(from, met)));
  const before = ({ met, ended }: BucketTimes, i: number): number => {
    const end = isFirstSide[i] ? backwardEnded.discriminators : backwardEnded.generators;
    return Math.max(0, Math.min(ended, end) - met);
  };
  return {
    ...step,
    buckets,
    backwardEnded,
    started: busy[0]![0],
    ended: busy.at(-1)![1],
    hidden: total(buckets, overlap) / step.transfer,
    hiddenByBackward: buckets.reduce((sum, bucket, i) => sum + before(bucket, i), 0) / step.transfer,
  };
}
