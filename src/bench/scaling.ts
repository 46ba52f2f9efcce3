// Predicts the seconds of a step on several ranks from bandwidths, bytes and the seconds of a step without transfer.

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
