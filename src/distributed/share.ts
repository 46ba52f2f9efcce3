// Shares work among the ranks: each does some of it, and the results come in the order in which one process has them.
import { deserialize, serialize } from 'node:v8';
import { type ErrorDetails, InputError, InterruptedError } from '../base/errors.js';
import type { World } from './world.js';

/** The place of a rank among those that share work. */
export type Share = Pick<World, 'rank' | 'size'>;

/** The share of a process that does all of the work. */
export const WHOLE: Share = { rank: 0, size: 1 };

/** Whether a piece of work is this rank's: they take turns. */
export const isOwn = ({ rank, size }: Share, index: number): boolean => index % size === rank;

/** An error that one rank found in shared work, and that all throw. */
export class SharedInputError extends InputError {
  /** @param rank where it was found. */
  constructor(
    details: ErrorDetails,
    readonly rank: number,
  ) {
    super(details);
  }
}

/** What a rank tells the others in a round. */
interface Report {
  /** Whether it has no more results. */
  isDone: boolean;
  /** Why it cannot go on. */
  error?: ErrorDetails;
  /** Whether it has stopped, or was told to. */
  hasStopped: boolean;
  isStopping: boolean;
}

type Round<R> = Report & { value?: R | undefined };

async function roundOf<R>(own: AsyncIterator<R>, signal: AbortSignal | undefined): Promise<Round<R>> {
  const report = (): Report => ({ isDone: false, hasStopped: false, isStopping: signal?.aborted === true });
  try {
    const { done, value } = await own.next();
    return done ? { ...report(), isDone: true } : { ...report(), value };
  } catch (error) {
    if (error instanceof InputError) return { ...report(), error: error.details };
    if (error instanceof InterruptedError) return { ...report(), hasStopped: true };
    throw error;
  }
}

/** Reports and results of all ranks; with `to` first, only rank 0 gets the results. */
async function exchange<R>(world: World, own: Round<R>, to: 'all' | 'first'): Promise<Round<R>[]> {
  if (to === 'all')
    return (await world.gather(serialize(own))).map((bytes) => deserialize(bytes) as Round<R>);
  const { value, ...report } = own;
  const reports = await world.gatherValues({ ...report, hasValue: value !== undefined });
  if (!reports.some(({ hasValue }) => hasValue)) return reports;
  const values = await world.collect(value === undefined ? new Uint8Array() : serialize(value));
  return reports.map((each, rank) =>
    each.hasValue && world.isFirst ? { ...each, value: deserialize(values[rank]!) as R } : each,
  );
}

/** Throws, on all ranks alike, why one of them cannot go on. */
function throwFailure(rounds: readonly Report[]): void {
  for (const [rank, { error, hasStopped }] of rounds.entries()) {
    if (error !== undefined) throw new SharedInputError(error, rank);
    if (hasStopped) throw new InterruptedError('stopped');
  }
}

/**
 * Yields the results of all ranks, of one round after the other, and those of a round in the order of the ranks: if each
 * rank yields what `isOwn` says, in order. All ranks make this call. While a result is used, the next one is made.
 *
 * @param share yields this rank's results, as structured clones can express them; undefined for none in a round. Its signal also
 *   aborts when another rank is told to stop.
 * @param options.to which ranks get the results.
 * @throws InputError and InterruptedError, on all ranks, if `share` throws one on any of them.
 */
export async function* gatherInOrder<R>(
  world: World,
  signal: AbortSignal | undefined,
  share: (signal: AbortSignal | undefined) => AsyncGenerator<R | undefined, void>,
  { to = 'all' }: { to?: 'all' | 'first' } = {},
): AsyncGenerator<R, void> {
  if (world.size === 1) {
    for await (const value of share(signal)) if (value !== undefined) yield value;
    return;
  }
  const others = new AbortController();
  const own = share(AbortSignal.any(signal ? [signal, others.signal] : [others.signal]));
  const start = (): Promise<Round<R | undefined>> => {
    const round = roundOf(own, signal);
    // It is awaited after the results before it were used.
    round.catch(() => undefined);
    return round;
  };
  try {
    for (let next = start(); ; ) {
      const rounds = await exchange(world, await next, to);
      throwFailure(rounds);
      if (rounds.every(({ isDone }) => isDone)) return;
      if (rounds.some(({ isStopping }) => isStopping)) others.abort(new InterruptedError('stopped'));
      next = start();
      for (const { value } of rounds) if (value !== undefined) yield value;
    }
  } finally {
    await own.return();
  }
}

/**
 * Does a piece of work for each of `count` numbers from 0, which the ranks take turns at, and yields the results in order on
 * all of them.
 *
 * @throws as `gatherInOrder`.
 */
export async function* shareWork<R>(
  world: World,
  count: number,
  work: (index: number) => Promise<R> | R,
  signal?: AbortSignal,
): AsyncGenerator<R, void> {
  const results = gatherInOrder(world, signal, async function* (either) {
    for (let i = world.rank; i < count; i += world.size) {
      either?.throwIfAborted();
      yield { result: await work(i) };
    }
  });
  for await (const { result } of results) yield result;
}

/** Does a rank's own part of work that cannot be shared. @throws as `gatherInOrder`: if it fails on one rank, it fails on all. */
export async function inStep<T>(
  world: World,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  let result: { value: T } | undefined;
  const nothing = gatherInOrder<never>(world, signal, async function* () {
    result = { value: await work() };
    yield undefined;
  });
  for await (const _ of nothing);
  return result!.value;
}

/**
 * Hands rank 0's items out to all ranks by turns. All ranks make this call, and yield as often: undefined if there is no item
 * left for a rank in the last round.
 *
 * @param items of rank 0, as structured clones can express them; those of other ranks are ignored.
 */
export async function* handOut<T>(
  world: World,
  items: AsyncGenerator<T, void>,
): AsyncGenerator<T | undefined, void> {
  if (world.size === 1) {
    yield* items;
    return;
  }
  for (;;) {
    const round: T[] = [];
    let failure: { error: unknown } | undefined;
    try {
      while (world.isFirst && round.length < world.size) {
        const { done, value } = await items.next();
        if (done) break;
        round.push(value);
      }
    } catch (error) {
      failure = { error };
    }
    const isEnd = failure !== undefined || round.length === 0;
    const parts = world.hosts.map((_, rank) =>
      // Rank 0 has its own.
      serialize({ isEnd, ...(!isEnd && rank > 0 && { item: round[rank] }) }),
    );
    const sent = deserialize(await world.scatter(world.isFirst ? parts : [])) as { isEnd: boolean; item?: T };
    if (failure !== undefined) throw failure.error;
    if (sent.isEnd) return;
    yield world.isFirst ? round[0] : sent.item;
  }
}

/** @throws InputError, on all ranks, if one has found another model, by its SHA-256, at the path. */
export async function checkSameModel(world: World, sha256: string, path: string): Promise<void> {
  const found = await world.gatherValues(sha256);
  const other = found.findIndex((each) => each !== found[0]);
  if (other <= 0) return;
  throw new SharedInputError(
    {
      expected: `the same model at ${path} for all processes`,
      found: `another one on ${world.nameOf(other)}`,
      remedy: 'copy the model to all machines, and name a checkpoint rather than a run that is being trained',
    },
    other,
  );
}
