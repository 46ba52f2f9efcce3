// The interface of a world: the processes that work on one task together, and what they can do with each other.

/**
 * All processes of a run, of which each one is a rank. Every rank makes the same calls in the same order; a call ends once
 * all ranks have made it. If a rank fails, all calls on the others reject.
 */
export interface World {
  /** The number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** The number of this process among those of its machine, and their number. */
  readonly localRank: number;
  readonly localSize: number;
  /** Name of each rank's machine. */
  readonly hosts: readonly string[];
  /** This process's share of the machine's processors; undefined if it may use all of them. */
  readonly processors: number | undefined;
  /** The MPI library; undefined for a world of one. */
  readonly library: string | undefined;
  /** What the engine's operation of the same name uses to carry data; undefined for a world of one. */
  readonly collectives: Collectives | undefined;
  /** Whether this is rank 0, which writes files and prints. */
  readonly isFirst: boolean;

  /** Waits for all ranks. */
  barrier(): Promise<void>;
  /** The bytes of rank `root`. @param bytes as many on every rank; the others' content does not matter. */
  broadcast(bytes: Uint8Array, root?: number): Promise<Uint8Array>;
  /** A value of rank `root` that JSON can express; the other ranks' own is ignored. */
  broadcastValue<T>(value: T, root?: number): Promise<T>;
  /** The bytes of every rank, in their order; each may pass another number. */
  gather(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** The bytes of every rank, in their order, on rank 0; nothing on the others. Each may pass another number. */
  collect(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** Sends each rank its part. @param parts of rank 0, one for each rank; the other ranks' are ignored. */
  scatter(parts: readonly Uint8Array[]): Promise<Uint8Array>;
  /** A value of every rank, in their order. JSON has to express it: numbers that are not finite become null. */
  gatherValues<T>(value: T): Promise<T[]>;
  /** All-reduce on the host: the sums over all ranks, added in their order, so that all have the same bytes. */
  sum(values: Float64Array): Promise<Float64Array>;
  /** Does work of this rank alone; the others, in their next call, wait for it however long it takes. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Ends `alone` for a while: does work of all ranks, for which the others wait no longer than the time limit. */
  together<T>(work: () => Promise<T>): Promise<T>;
  /** Sets how long the other ranks wait for one that does not answer, or does not come, seconds; 120 at the start. */
  setTimeLimit(seconds: number): void;
  /** Such as `rank 1 on host-b`. */
  nameOf(rank: number): string;
}

/** Opaque: a table of functions in memory. */
export type Collectives = { readonly collectives: unique symbol };

/** A world of one process, which loads no MPI. */
export const SOLO: World = {
  rank: 0,
  size: 1,
  localRank: 0,
  localSize: 1,
  hosts: ['localhost'],
  processors: undefined,
  library: undefined,
  collectives: undefined,
  isFirst: true,
  barrier: async () => undefined,
  broadcast: async (bytes) => bytes,
  broadcastValue: async (value) => value,
  gather: async (bytes) => [bytes],
  collect: async (bytes) => [bytes],
  scatter: async (parts) => parts[0]!,
  gatherValues: async (value) => [value],
  sum: async (values) => values,
  alone: (work) => work(),
  together: (work) => work(),
  setTimeLimit: () => undefined,
  nameOf: (rank) => `rank ${rank}`,
};
