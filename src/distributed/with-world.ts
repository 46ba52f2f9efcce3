// Runs work in the world that mpirun has started, and ends it on all ranks if one fails.
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  EXIT_FAILED,
  EXIT_USAGE,
  InputError,
  messageOf,
  PeerError,
  ReportedElsewhereError,
} from '../base/errors.js';
import { MPI_FILE } from '../setup/addon.js';
import { bindingDirectory, findPackages } from '../setup/installed.js';
import { provideEngine } from '../setup/on-demand.js';
import { type MpiAddon, MpiWorld } from './mpi-world.js';
import { SharedInputError } from './share.js';
import { SOLO, type World } from './world.js';

/** Time for a failure to reach the other ranks, before mpirun ends them because this one has ended. */
const FAREWELL_MILLISECONDS = 500;
/** Time for another rank to report a failure and end, on which mpirun ends this one too; if it does not report, this one does. */
const REPORT_MILLISECONDS = 6000;
/** Time for the addon to name the ranks of a host that mpirun has lost, before mpirun kills this one. */
const LAST_WORDS_MILLISECONDS = 500;

/** Number of processes that mpirun, or Slurm's srun, has started; 1 for a process that neither has. */
export function launchedSize(env: NodeJS.ProcessEnv = process.env): number {
  const size = env.OMPI_COMM_WORLD_SIZE ?? (env.PMIX_RANK === undefined ? undefined : env.SLURM_NTASKS);
  return Math.max(1, Number(size ?? 1) || 1);
}

/**
 * Runs work in the world of this process: with the other processes that mpirun has started, or alone. If it fails on a rank,
 * all ranks end: one of them throws, and mpirun ends the others when that one ends.
 *
 * @throws what `work` throws, with the rank and its machine in the message if there are others; InputError if mpirun has
 *   started several processes and the addon for MPI is missing.
 */
export async function withWorld<T>(work: (world: World) => Promise<T>): Promise<T> {
  if (launchedSize() === 1) return work(SOLO);
  const addon = await loadMpiAddon();
  // The addon notices the signal too, behind this listener: when mpirun has lost a host, it names the ranks of that.
  process.on('SIGTERM', endUnlessHandled);
  try {
    return await workTogether(addon, work);
  } finally {
    process.off('SIGTERM', endUnlessHandled);
  }
}

async function workTogether<T>(addon: MpiAddon, work: (world: World) => Promise<T>): Promise<T> {
  const world = new MpiWorld(addon);
  let result: T;
  try {
    result = await work(world);
    await world.barrier();
  } catch (error) {
    throw await endFailed(world, addon, error);
  }
  addon.close(true);
  return result;
}

/** Ends this process as SIGTERM does by default, after the addon has had its time, if no work under way stops on it in order. */
async function endUnlessHandled(): Promise<void> {
  if (process.listenerCount('SIGTERM') > 1) return;
  await setTimeout(LAST_WORDS_MILLISECONDS);
  process.exit(128 + constants.signals.SIGTERM);
}

/** Ends this rank after a failure of its own or of another. @returns the error to throw. */
async function endFailed(world: MpiWorld, addon: MpiAddon, error: unknown): Promise<unknown> {
  if (addon.failure() === '') {
    const culprit = error instanceof SharedInputError ? error.rank : world.rank;
    let text = messageOf(error);
    // What all ranks have found out about one of them names that one.
    if (!world.hosts.some((_, rank) => text.includes(world.nameOf(rank))))
      text = `${world.nameOf(culprit)}: ${text}`;
    if (error instanceof Error) error.message = text;
    addon.fail(text, error instanceof InputError ? EXIT_USAGE : EXIT_FAILED);
  } else {
    const text = `${addon.failure()}.`.replace(/\.\.$/, '.');
    error = new PeerError(text, addon.exitCode() === EXIT_USAGE, { cause: error });
  }
  await setTimeout(FAREWELL_MILLISECONDS);
  if (!addon.isReporter()) await setTimeout(REPORT_MILLISECONDS);
  addon.close(false);
  return addon.isReported() ? new ReportedElsewhereError({ cause: error }) : error;
}

async function loadMpiAddon(): Promise<MpiAddon> {
  await provideEngine();
  const addon: { exports: Partial<MpiAddon> } = { exports: {} };
  try {
    process.dlopen(addon, path.join(bindingDirectory(await findPackages()), MPI_FILE));
  } catch (error) {
    const found = messageOf(error).includes('cannot open shared object file') ? 'none' : messageOf(error);
    throw new InputError(
      {
        expected: 'the addon for Open MPI, because mpirun has started several processes',
        found,
        remedy: 'install the headers (apt install libopenmpi-dev) and run npx gnr setup',
      },
      { cause: error },
    );
  }
  return addon.exports as MpiAddon;
}
