// The config's distributed section: how several processes train one model.
import { z } from 'zod';
import { everySteps, positive } from './fields.js';

export const distributed = z.strictObject({
  globalStatistics: z
    .boolean()
    .default(false)
    .describe(
      'Whether statistics over the batch (the deviation that discriminators see, style consistency, the mean logit of R1) cover the batches of all processes, as if they were one; false leaves them to each process. Losses that compare warps of one image then compare those of the images of all processes.',
    ),
  bucketMegabytes: positive()
    .max(1000)
    .default(25)
    .describe('Size from which gradients travel between processes in one transfer, MB.'),
  checkEverySteps: everySteps('Steps between two checks that all processes have the same weights.').default(
    500,
  ),
  timeoutSeconds: positive()
    .max(86_400)
    .default(120)
    .describe(
      'Time after which a process that does not answer, or does not come to the next step, ends the run. It does not count while the first process writes samples and checkpoints, or during evaluations.',
    ),
});
