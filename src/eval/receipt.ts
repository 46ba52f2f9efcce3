import { z } from 'zod';
import { protocolSchema } from './protocol.js';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** One measured figure. */
export const figureSchema = z.strictObject({
  /** The metric of the registry that gave it. */
  metric: z.string(),
  /** Unique within a method: `fid`, `kid`, `precision`, `factors/x`. */
  key: z.string(),
  /** What to call it in tables. */
  title: z.string(),
  better: z.enum(['lower', 'higher', 'neither']),
  /** Mean over the repeats. */
  value: z.number(),
  /** Standard deviation over repeats or subsets, and over which; null for a single one. */
  deviation: z.number().nullable(),
  over: z.enum(['repeats', 'subsets']).nullable(),
  /** 95 % confidence interval of the mean; null where there is one value. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** The value of each repeat. */
  values: z.array(z.number()),
  /** What was counted: images on both sides, inputs, pairs, subsets. */
  n: z.record(z.string(), z.number()),
  /** Exact description: implementation matched, network, resize, parameters. */
  how: z.string(),
});
export type Figure = z.infer<typeof figureSchema>;

const imageListSchema = z.strictObject({
  /** `inputs`, `real`, `other real` (what baselines draw from), or `fake NAME`. */
  role: z.string(),
  folder: z.string(),
  count: z.number(),
  /** SHA-256 over the lines `HASH  NAME` of the files in order. */
  sha256: hash,
});

const methodSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['model', 'folder', 'baseline']),
  figures: z.array(figureSchema),
  /** Metrics that could not be measured on this method, and why. */
  left: z.array(z.strictObject({ metric: z.string(), why: z.string() })),
});
export type MethodResult = z.infer<typeof methodSchema>;

/** How an evaluation was made and what it gave: enough to make it again and compare. */
export const receiptSchema = z.strictObject({
  format: z.literal('gnr-receipt'),
  version: z.literal(1),
  created: z.iso.datetime(),
  protocol: protocolSchema,
  /** Where the images and the model were, as given. */
  sources: z.strictObject({
    data: z.string().nullable(),
    inputs: z.string().nullable(),
    real: z.string().nullable(),
    fakes: z.array(z.strictObject({ name: z.string(), folder: z.string() })),
    baselines: z.array(z.string()),
  }),
  model: z
    .strictObject({
      path: z.string(),
      /** Of model.safetensors. */
      sha256: hash,
      size: z.number(),
      step: z.number().nullable(),
    })
    .nullable(),
  images: z.array(imageListSchema),
  weights: z.array(
    z.strictObject({
      name: z.string(),
      /** Of the official file that they come from. */
      sha256: hash,
      /** False where `--unverified` let another file in. */
      verified: z.boolean(),
    }),
  ),
  software: z.record(z.string(), z.string()),
  methods: z.array(methodSchema),
});
export type Receipt = z.infer<typeof receiptSchema>;
