// The receipt of an evaluation: the schema of receipt.json, which records how every figure was measured.
import { z } from 'zod';
import { protocolSchema } from './protocol.js';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** One measured figure. */
export const figureSchema = z.strictObject({
  /** The metric of the registry that gave it. */
  metric: z.string(),
  /** Unique within a method: `fid`, `kid`, `precision`, `factors/x`. */
  key: z.string(),
  /** Its name in tables. */
  title: z.string(),
  /** The better end of the scale. */
  better: z.enum(['lower', 'higher', 'neither']),
  /** Mean over the repeats. */
  value: z.number(),
  /** Standard deviation over repeats or subsets; null for a single one. */
  deviation: z.number().nullable(),
  /** What the deviation is over. */
  over: z.enum(['repeats', 'subsets']).nullable(),
  /** 95 % confidence interval of the mean; null for a single value. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** The value of each repeat. */
  values: z.array(z.number()),
  /** Counts by name: images on both sides, inputs, pairs, subsets. */
  n: z.record(z.string(), z.number()),
  /** Exact description: implementation matched, network, resizing, parameters. */
  how: z.string(),
});
/** One measured figure. */
export type Figure = z.infer<typeof figureSchema>;

const imageListSchema = z.strictObject({
  /** `inputs`, `real`, `other real` (the images that baselines draw from), `references` or `fake NAME`. */
  role: z.string(),
  /** Folder of the images. */
  folder: z.string(),
  /** Number of images. */
  count: z.number(),
  /** SHA-256 over the lines `HASH  NAME` of the files in order. */
  sha256: hash,
});

const methodSchema = z.strictObject({
  /** `model`, the name of a folder, or that of a baseline. */
  name: z.string(),
  /** The kind of method. */
  kind: z.enum(['model', 'folder', 'baseline']),
  /** Its figures, in the order of the metrics. */
  figures: z.array(figureSchema),
  /** Metrics that could not be measured on this method. */
  left: z.array(
    z.strictObject({
      /** Name of the metric. */
      metric: z.string(),
      /** The reason. */
      why: z.string(),
    }),
  ),
});
/** The figures of one method. */
export type MethodResult = z.infer<typeof methodSchema>;

/** The receipt of an evaluation: everything that is needed to repeat and compare it. */
export const receiptSchema = z.strictObject({
  /** Marks the file as a receipt. */
  format: z.literal('gnr-receipt'),
  /** Version of the format. */
  version: z.literal(1),
  /** Date and time, ISO 8601. */
  created: z.iso.datetime(),
  /** The protocol, with all defaults filled in. */
  protocol: protocolSchema,
  /** Paths as the caller gave them. */
  sources: z.strictObject({
    /** The dataset. */
    data: z.string().nullable(),
    /** Folder of inputs, in place of the dataset's. */
    inputs: z.string().nullable(),
    /** Folder of real images, in place of the dataset's. */
    real: z.string().nullable(),
    /** Folders with the outputs of other methods. */
    fakes: z.array(
      z.strictObject({
        /** Name of the method. */
        name: z.string(),
        /** Folder of its outputs. */
        folder: z.string(),
      }),
    ),
    /** Names of the baselines. */
    baselines: z.array(z.string()),
  }),
  /** The model; null if only folders and baselines were measured. */
  model: z
    .strictObject({
      /** Folder of the checkpoint. */
      path: z.string(),
      /** SHA-256 of model.safetensors. */
      sha256: hash,
      /** Side of its images, px. */
      size: z.number(),
      /** Step of the checkpoint; null for an exported model. */
      step: z.number().nullable(),
    })
    .nullable(),
  /** The image lists with their hashes. */
  images: z.array(imageListSchema),
  /** The factors of the sample dataset, if a metric needed them; older receipts do not name them. */
  factors: z
    .strictObject({
      /** SHA-256 of factors.json. */
      sha256: hash,
    })
    .optional(),
  /** The pretrained weights that metrics measured with. */
  weights: z.array(
    z.strictObject({
      /** Name, as `gnr weights` lists it. */
      name: z.string(),
      /** SHA-256 of the official file that they come from. */
      sha256: hash,
      /** False if `--unverified` let another file in. */
      verified: z.boolean(),
    }),
  ),
  /** Versions and machine. */
  software: z.record(z.string(), z.string()),
  /** The figures of every method. */
  methods: z.array(methodSchema),
});
/** The receipt of an evaluation: everything that is needed to repeat and compare it. */
export type Receipt = z.infer<typeof receiptSchema>;
