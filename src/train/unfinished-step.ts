// A step after which not all was done that follows it: what a checkpoint keeps of it, so that a resumed run does the rest.
import { z } from 'zod';

/** The observers of a step in the order in which they look at it. */
export const OBSERVERS = [
  'evaluation',
  'watch',
  'metrics',
  'event',
  'samples',
  'histograms',
  'checkpoint',
] as const;

export type ObserverName = (typeof OBSERVERS)[number];

export const unfinishedStepSchema = z.object({
  /** The observer that failed; those before it are done. */
  observer: z.enum(OBSERVERS),
  /** JSON has no NaN or infinity and writes null, which is read back as NaN. */
  terms: z.record(
    z.string(),
    z
      .number()
      .nullable()
      .transform((value) => value ?? Number.NaN),
  ),
  learningRate: z.number(),
});

/** The result of the step, and where its observers stopped. */
export type UnfinishedStep = z.output<typeof unfinishedStepSchema>;

/** Whether the step's row of metrics is still to be written. */
export function lacksRow({ observer }: UnfinishedStep): boolean {
  return OBSERVERS.indexOf(observer) <= OBSERVERS.indexOf('metrics');
}
