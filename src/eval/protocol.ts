// Protocols: the schema of the files that say what an evaluation measures and how.
import { z } from 'zod';
import { metricsSchema } from './metrics/chosen.js';
import { count, drawnCount } from './metrics/options.js';

/** Only the first so many images of a folder; all by default. */
const firstCount = count.nullable().default(null);

/** How to evaluate. */
export const protocolSchema = z.strictObject({
  /** Name of the protocol. */
  name: z.string().min(1),
  /** One sentence for reports. */
  description: z.string().default(''),
  /** Direction of the translation. */
  direction: z.enum(['A2B', 'B2A']).default('A2B'),
  /** Images to translate. Folders are those of A2B; A and B are swapped for B2A. */
  inputs: z
    .strictObject({
      /** Folder of the dataset. */
      folder: z.enum(['testA', 'trainA']).default('testA'),
      /** Only the first so many; null for all. */
      count: firstCount,
    })
    .prefault({}),
  /** Real images to compare with. */
  real: z
    .strictObject({
      /** Folder of the dataset. */
      folder: z.enum(['testB', 'trainB']).default('testB'),
      /** Only the first so many; null for all. */
      count: firstCount,
    })
    .prefault({}),
  /** Styles of the outputs. */
  styles: z
    .strictObject({
      /** Outputs of each input. */
      perInput: drawnCount.default(10),
      /** Random styles, or styles encoded from images of the target domain. */
      source: z.enum(['random', 'reference']).default('random'),
      /** Folder of the reference images. */
      references: z.enum(['testB', 'trainB']).default('testB'),
      /** Factor on the style codes. */
      truncation: z.number().min(0).default(1),
    })
    .prefault({}),
  /** One repeat for each seed. */
  seeds: z
    .array(
      z
        .int()
        .min(0)
        .max(2 ** 32 - 1),
    )
    .min(1)
    .max(1000)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'every seed once')
    .default([0]),
  /** The metrics to measure. */
  metrics: metricsSchema,
});
/** How to evaluate. */
export type Protocol = z.infer<typeof protocolSchema>;
