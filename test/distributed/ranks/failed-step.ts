// Runs steps that fail on some ranks, while an all-reduce there waits for an earlier one that will not come. Arguments: how many
// steps fail before one that does not, and on which ranks.
import type { Tensor } from '@tensorflow/tfjs-core';
import { messageOf } from '../../../src/base/errors.js';
import { runCommandLine } from '../../../src/cli/command-line.js';
import { withWorld } from '../../../src/distributed/with-world.js';
import { capture } from '../../../src/runtime/capture/capture.js';
import { kernels } from '../../../src/runtime/kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';

const [failures, ...where] = process.argv.slice(2).map(Number);
const TIME_LIMIT_SECONDS = 20;
const LONG = 4e6;
const SQUARES = 50;
const VALUES = 3;
/** TensorFlow refuses it. */
const OUTSIDE = 7;

// While one thread squares, another one calls the all-reduce that waits.
process.env.TF_NUM_INTEROP_THREADS = '2';
process.env.TF_NUM_INTRAOP_THREADS = '1';

/** What the first all-reduce sends comes late, or not at all. */
function step(long: Tensor, vector: Tensor, index: Tensor): { first: Tensor; second: Tensor } {
  let power = long;
  for (let i = 0; i < SQUARES; i++) power = kernels().square(power);
  const zero = kernels().sum(power, [0], false);
  const late = kernels().gatherRows(kernels().add(vector, zero), index);
  const [first] = kernels().allReduce([late]);
  const [second] = kernels().allReduce([vector]);
  return { first: first!, second: second! };
}

process.exitCode = await runCommandLine(
  ['fail'],
  [
    {
      command: 'fail',
      handler: () =>
        withWorld(async (world) => {
          await loadEngine({ world });
          world.setTimeLimit(TIME_LIMIT_SECONDS);
          const programs = capture(
            {
              step: {
                inputs: {
                  long: { shape: [LONG], dtype: 'float32' },
                  vector: { shape: [VALUES], dtype: 'float32' },
                  index: { shape: [1], dtype: 'int32' },
                },
                run: (_, { long, vector, index }) => ({ outputs: step(long!, vector!, index!) }),
              },
            },
            {},
          );
          const run = (index: number) =>
            programs.runAsync('step', {
              long: new Float32Array(LONG),
              vector: new Float32Array(VALUES).fill(world.rank),
              index: Int32Array.of(index),
            });
          const errors: string[] = [];
          for (let i = 0; i < failures!; i++) {
            const fails = where.includes(world.rank);
            // Where only some ranks fail, their error ends all.
            if (where.length < world.size) await run(fails ? OUTSIDE : 0);
            else await run(OUTSIDE).catch((error: unknown) => errors.push(messageOf(error)));
          }
          const { first, second } = await run(0);
          const all = await world.gatherValues({ errors, first: [...first!], second: [...second!] });
          if (world.isFirst) for (const line of all) process.stdout.write(`${JSON.stringify(line)}\n`);
        }),
    },
  ],
);
