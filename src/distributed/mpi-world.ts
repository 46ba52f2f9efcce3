// A world of processes that MPI connects.
import type { Collectives, World } from './world.js';

/** The place of a process among all, as the addon reports it. */
interface Place {
  rank: number;
  size: number;
  localRank: number;
  localSize: number;
  processors: number;
  hosts: string[];
  version: string;
  collectives: Collectives;
}

/** Times of one all-reduce in the graph, seconds from a common origin, and its size. */
export interface AllReduceTimes {
  /** When the operation was called: its gradients were ready. */
  enqueued: number;
  /** When this rank turned to it, after the one before, and when all of it had arrived. */
  started: number;
  ended: number;
  bytes: number;
}

/** The functions of `native/mpi.cc`. */
export interface MpiAddon {
  open(): Place;
  gather(bytes: Uint8Array): Promise<Uint8Array>;
  /** As `gather`, for rank 0 alone; the others get nothing. */
  collect(bytes: Uint8Array): Promise<Uint8Array>;
  /** Gives every rank `count` of rank 0's bytes, in the order of the ranks. */
  scatter(bytes: Uint8Array, count: number): Promise<Uint8Array>;
  broadcast(bytes: Uint8Array, root: number): Promise<Uint8Array>;
  setAlone(alone: boolean): void;
  setLimit(seconds: number): void;
  fail(text: string, exitCode: number): void;
  failure(): string;
  /** With which code the program is to end after the failure. */
  exitCode(): number;
  /** Whether this rank reports the failure of the run: it is the first that was heard of. */
  isReporter(): boolean;
  /** Whether another rank has reported the failure of the run. */
  isReported(): boolean;
  /** Ends the connection, with `finalize` together with all other ranks. Until then it keeps the process alive. */
  close(finalize: boolean): void;
  timeline(): AllReduceTimes[];
}

const LENGTH_BYTES = 8;

/** Processes that MPI connects. Opening it starts MPI, and waits for all of them. */
export class MpiWorld implements World {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly hosts: readonly string[];
  readonly processors: number;
  readonly library: string;
  readonly collectives: Collectives;
  private isAlone = false;

  constructor(private readonly addon: MpiAddon) {
    const place = addon.open();
    this.rank = place.rank;
    this.size = place.size;
    this.localRank = place.localRank;
    this.localSize = place.localSize;
    this.hosts = place.hosts;
    this.processors = place.processors;
    this.library = place.version.split(',', 1)[0]!;
    this.collectives = place.collectives;
  }

  get isFirst(): boolean {
    return this.rank === 0;
  }

  async barrier(): Promise<void> {
    await this.addon.gather(Uint8Array.of(0));
  }

  broadcast(bytes: Uint8Array, root = 0): Promise<Uint8Array> {
    return this.addon.broadcast(bytes, root);
  }

  async broadcastValue<T>(value: T, root = 0): Promise<T> {
    const own = this.rank === root ? Buffer.from(JSON.stringify(value)) : Buffer.alloc(0);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeDoubleLE(own.length);
    const count = Buffer.from(await this.addon.broadcast(length, root)).readDoubleLE();
    const bytes = await this.addon.broadcast(this.rank === root ? own : new Uint8Array(count), root);
    return JSON.parse(Buffer.from(bytes).toString()) as T;
  }

  async gather(bytes: Uint8Array): Promise<Uint8Array[]> {
    const counts = await this.gatherCounts(bytes.length);
    const all = await this.gatherEqual(padded(bytes, Math.max(...counts)));
    return all.map((each, rank) => each.subarray(0, counts[rank]!));
  }

  async collect(bytes: Uint8Array): Promise<Uint8Array[]> {
    const counts = await this.gatherCounts(bytes.length);
    const most = Math.max(...counts);
    const all = await this.addon.collect(padded(bytes, most));
    return this.isFirst ? counts.map((count, rank) => all.subarray(rank * most, rank * most + count)) : [];
  }

  async scatter(parts: readonly Uint8Array[]): Promise<Uint8Array> {
    const own = this.isFirst ? parts : [];
    const counts = await this.broadcastValue(own.map(({ length }) => length));
    const most = Math.max(...counts);
    const all = Buffer.concat(own.map((part) => padded(part, most)));
    return (await this.addon.scatter(all, most)).subarray(0, counts[this.rank]!);
  }

  async gatherValues<T>(value: T): Promise<T[]> {
    const texts = await this.gather(Buffer.from(JSON.stringify(value)));
    return texts.map((text) => JSON.parse(Buffer.from(text).toString()) as T);
  }

  async sum(values: Float64Array): Promise<Float64Array> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const total = new Float64Array(values.length);
    for (const each of await this.gatherEqual(bytes))
      for (const [i, value] of new Float64Array(each.slice().buffer).entries()) total[i]! += value;
    return total;
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.whileAlone(true, work);
  }

  together<T>(work: () => Promise<T>): Promise<T> {
    return this.whileAlone(false, work);
  }

  setTimeLimit(seconds: number): void {
    this.addon.setLimit(seconds);
  }

  nameOf(rank: number): string {
    return `rank ${rank} on ${this.hosts[rank]}`;
  }

  /** Times of the all-reduces since the call before; the first call starts the record. */
  timeline(): AllReduceTimes[] {
    return this.addon.timeline();
  }

  private async whileAlone<T>(isAlone: boolean, work: () => Promise<T>): Promise<T> {
    const before = this.isAlone;
    this.setAlone(isAlone);
    try {
      return await work();
    } finally {
      this.setAlone(before);
    }
  }

  private setAlone(isAlone: boolean): void {
    this.isAlone = isAlone;
    this.addon.setAlone(isAlone);
  }

  private async gatherCounts(count: number): Promise<number[]> {
    const all = await this.gatherEqual(new Uint8Array(Float64Array.of(count).buffer));
    return all.map((each) => new Float64Array(each.slice().buffer)[0]!);
  }

  private async gatherEqual(bytes: Uint8Array): Promise<Uint8Array[]> {
    const all = await this.addon.gather(bytes);
    return Array.from({ length: this.size }, (_, i) =>
      all.subarray(i * bytes.length, (i + 1) * bytes.length),
    );
  }
}

/** Bytes with zeros after them. */
function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  const longer = new Uint8Array(length);
  longer.set(bytes);
  return longer;
}
