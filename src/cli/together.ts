// Runs a command on all processes that mpirun has started, which share its work and stop together.
import { InterruptedError, ReportedElsewhereError } from '../base/errors.js';
import { onNotice } from '../base/notices.js';
import { withWorld } from '../distributed/with-world.js';
import type { World } from '../distributed/world.js';

/**
 * Runs work of all ranks.
 *
 * @param work ends with an InterruptedError on all ranks, or on none.
 * @param options.isTimed whether the ranks wait for each other no longer than the time limit; by default they wait however long
 *   it takes.
 * @returns what it gives on rank 0; undefined on the others, which have nothing to print.
 * @throws InterruptedError on rank 0, which reports it for all.
 */
export async function runTogether<T>(
  work: (world: World) => Promise<T>,
  { isTimed = false } = {},
): Promise<T | undefined> {
  const { stopped, isFirst, value } = await withWorld(async (world) => {
    const { isFirst } = world;
    // Rank 0 warns for all.
    if (!isFirst) onNotice(() => undefined);
    try {
      return { isFirst, value: await (isTimed ? work(world) : world.alone(() => work(world))) };
    } catch (error) {
      if (error instanceof InterruptedError) return { isFirst, stopped: error };
      throw error;
    }
  });
  if (stopped !== undefined) throw isFirst ? stopped : new ReportedElsewhereError({ cause: stopped });
  return isFirst ? value : undefined;
}
