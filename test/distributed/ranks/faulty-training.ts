// Runs the program with a fault after some steps. Arguments: the fault, then the words of the command line.
import { execFileSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { bothDomains } from '../../../src/gan/domains.js';
import { Batches } from '../../../src/train/batches.js';
import { EagerTrainer } from '../../../src/train/eager-trainer.js';

const [fault] = process.argv.splice(2, 1);
const rank = Number(process.env.OMPI_COMM_WORLD_RANK ?? 0);

/** Changes what is known of a step, counted from 0, before it is taken. */
function beforeStep(step: number, change: (batch: Awaited<ReturnType<Batches['next']>>) => void): void {
  const next = Batches.prototype.next;
  Batches.prototype.next = async function (this: Batches, index, ...more) {
    const batch = await next.call(this, index, ...more);
    if (index === step) change(batch);
    return batch;
  };
}

const FAULTS: Record<string, () => void> = {
  'images of rank 1': () =>
    beforeStep(2, (batch) => {
      if (rank === 1) bothDomains((domain) => batch[domain].same.fill(Number.NaN));
    }),
  'disk of rank 0': () =>
    beforeStep(2, () => {
      // As on a full disk, no file can grow.
      if (rank === 0) execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=1']);
    }),
  'weights once': () => {
    const step = EagerTrainer.prototype.step;
    let isBroken = false;
    EagerTrainer.prototype.step = async function (this: EagerTrainer, batch, index) {
      const terms = await step.call(this, batch, index);
      if (index === 1 && !isBroken) {
        isBroken = true;
        const { state } = this as unknown as { state: Record<string, tf.Tensor> };
        const name = 'discriminators/values/0';
        state[name] = tf.keep(tf.fill(state[name]!.shape, Number.NaN));
      }
      return terms;
    };
  },
};

FAULTS[fault!]!();
await import('../../../src/cli/main.js');
