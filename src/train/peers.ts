// What the steps of a run agree on with the other ranks: what comes next, the loss terms, and that their weights are equal.
import { createHash } from 'node:crypto';
import { RunError } from '../base/errors.js';
import type { World } from '../distributed/world.js';
import type { TermValues, Trainer } from './trainer.js';

/** What the ranks do next: take a step, end the run or start again from a checkpoint. */
export type Next = 'go on' | 'stop' | 'restart';

/** The other ranks of a run, as its steps see them. In a world of one it does nothing. */
export class Peers {
  /** The rank on which terms began to be no longer finite, in words; undefined if there is none, or only one rank. */
  culprit: string | undefined;

  constructor(private readonly world: World) {}

  /**
   * What all ranks do next: they stop if the signal of any of them has aborted, and start again if rank 0 says so, which alone
   * sees all that shows divergence.
   */
  async next(signal: AbortSignal | undefined, { restarts = false } = {}): Promise<Next> {
    const own = Float64Array.of(signal?.aborted ? 1 : 0, restarts ? 1 : 0);
    const [stopping, restarting] = await this.world.sum(own);
    if (restarting! > 0) return 'restart';
    return stopping! > 0 ? 'stop' : 'go on';
  }

  /** The averages of the terms of all ranks, which decide alike on them. */
  async average(terms: TermValues): Promise<TermValues> {
    const { world } = this;
    if (world.size === 1) return terms;
    const names = Object.keys(terms);
    const own = Float64Array.from(Object.values(terms));
    const byRank = (await world.gather(new Uint8Array(own.buffer))).map(
      (bytes) => new Float64Array(bytes.slice().buffer),
    );
    // Averaged gradients carry NaN to all ranks within the step: where it began, more terms have it.
    const broken = byRank.map((values) => values.filter((value) => !Number.isFinite(value)).length);
    const most = Math.max(...broken);
    if (most > 0) this.culprit ??= world.nameOf(broken.indexOf(most));
    return Object.fromEntries(
      names.map((name, i) => [name, byRank.reduce((sum, values) => sum + values[i]!, 0) / world.size]),
    );
  }

  /** Compares the weights of all ranks by their hashes. @throws RunError that names the ranks with others than most have. */
  async checkWeights(trainer: Trainer, step: number): Promise<void> {
    const { world } = this;
    if (world.size === 1) return;
    const hash = createHash('sha256');
    for (const { data } of trainer.read(({ part }) => part === 'values')) hash.update(data);
    const hashes = await world.gatherValues(hash.digest('hex'));
    const count = (one: string): number => hashes.filter((other) => other === one).length;
    const common = hashes.toSorted((a, b) => count(b) - count(a))[0]!;
    const drifted = hashes.flatMap((one, rank) => (one === common ? [] : [world.nameOf(rank)]));
    if (drifted.length === 0) return;
    throw new RunError(
      `The weights of ${drifted.join(' and ')} differ from those of the other processes after step ${step}: ` +
        'its processor, memory or GPU computes something else. Continue with --resume on other hardware.',
    );
  }
}
