// Fails on one rank while the others wait for it, as the command line does. Arguments: how, and on which rank.
import { setTimeout } from 'node:timers/promises';
import { InputError, RunError } from '../../../src/base/errors.js';
import { runCommandLine } from '../../../src/cli/command-line.js';
import { withWorld } from '../../../src/distributed/with-world.js';
import type { World } from '../../../src/distributed/world.js';

const [how, where] = process.argv.slice(2);
/** A rank of a busy machine is not late by as much. */
const TIME_LIMIT_SECONDS = 10;
/** After so long mpirun, as its look at a silent host can be set, ends the ranks. */
const LOST_SECONDS = 5;

const FAILURES: Record<string, (world: World) => unknown> = {
  fails: () => {
    throw new RunError('The disk is full.');
  },
  rejects: () => {
    throw new InputError({ expected: 'a dataset', found: 'none', remedy: 'copy it' });
  },
  stops: () => process.kill(process.pid, 'SIGSTOP'),
  // As one whose host mpirun has lost; rank 0 is ended for it, see below.
  'is lost': () => process.kill(process.pid, 'SIGSTOP'),
  dies: () => process.kill(process.pid, 'SIGKILL'),
  hangs: () => setTimeout(1e8),
  // Nothing keeps its event loop alive.
  'never answers': () => new Promise(() => undefined),
  computes: () => {
    for (;;);
  },
  // Longer than the time limit, which the others wait.
  works: (world) => world.alone(() => setTimeout(1500 * TIME_LIMIT_SECONDS)),
};

process.exitCode = await runCommandLine(
  ['fail'],
  [
    {
      command: 'fail',
      handler: () =>
        withWorld(async (world) => {
          world.setTimeLimit(TIME_LIMIT_SECONDS);
          await world.barrier();
          if (world.rank === Number(where)) await FAILURES[how!]!(world);
          else if (how === 'is lost' && world.isFirst) {
            await setTimeout(LOST_SECONDS * 1000);
            process.kill(process.pid, 'SIGTERM');
          }
          await world.barrier();
          process.stdout.write('all together\n');
        }),
    },
  ],
);
