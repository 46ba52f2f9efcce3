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
const SIDE = 1000;
const PRODUCTS = 8;
const VALUES = 3;
/** TensorFlow refuses it. */
const OUTSIDE = 7;

// While one thread multiplies, another one calls the all-reduce that waits.
process.env.TF_NUM_INTEROP_THREADS = '2';
process.env.TF_NUM_INTRAOP_THREADS = '1';

/** The first value of the first output comes late, after matrix products, or not at all. */
function step(matrix: Tensor, vector: Tensor, index: Tensor): { first: Tensor; second: Tensor } {
  let product = matrix;
  for (let i = 0; i < PRODUCTS; i++) product = kernels().matMul(product, matrix, false, false);
  const zero = kernels().affine(kernels().sum(product, [0, 1], false), 0, 0);
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
                  matrix: { shape: [SIDE, SIDE], dtype: 'float32' },
                  vector: { shape: [VALUES], dtype: 'float32' },
                  index: { shape: [1], dtype: 'int32' },
                },
                run: (_, { matrix, vector, index }) => ({ outputs: step(matrix!, vector!, index!) }),
              },
            },
            {},
          );
          const run = (index: number) =>
            programs.runAsync('step', {
              matrix: new Float32Array(SIDE * SIDE),
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
