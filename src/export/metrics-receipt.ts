// Reads the receipt of an evaluation for the model card.
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { parseOrThrow } from '../base/parse-or-throw.js';
import { readJson } from '../checkpoint/layout.js';

const RECEIPT_REMEDY = 'name the JSON receipt that gnr evaluate wrote';

/** The part of a `gnr evaluate` receipt that a card shows; src/eval/receipt.ts has the whole schema. */
const receiptSchema = z.looseObject({
  format: z.literal('gnr-receipt'),
  version: z.literal(1),
  created: z.string(),
  protocol: z.looseObject({ name: z.string() }),
  model: z.looseObject({ sha256: z.string() }).nullable(),
  methods: z.array(
    z.looseObject({
      name: z.string(),
      kind: z.enum(['model', 'folder', 'baseline']),
      figures: z.array(
        z.looseObject({
          key: z.string(),
          title: z.string(),
          better: z.enum(['lower', 'higher', 'neither']),
          value: z.number(),
          interval: z.tuple([z.number(), z.number()]).nullable(),
          how: z.string(),
        }),
      ),
    }),
  ),
});
export type MetricsReceipt = z.infer<typeof receiptSchema>;

/**
 * Reads the receipt of an evaluation of the model that is exported.
 *
 * @param sha256 of the checkpoint's model.safetensors.
 * @throws InputError if the file is no receipt, or one of other weights: its figures would be another model's.
 */
export async function readMetricsReceipt(path: string, sha256: string): Promise<MetricsReceipt> {
  const receipt = parseOrThrow(receiptSchema, await readReceipt(path), {
    expected: `the receipt of an evaluation at ${path}`,
    remedy: RECEIPT_REMEDY,
  });
  const { model } = receipt;
  if (model?.sha256 !== sha256)
    throw new InputError({
      expected: `the receipt of this checkpoint's weights (SHA-256 ${sha256}) at ${path}`,
      found: model === null ? 'one without a model' : `one of ${model.sha256}`,
      remedy: 'evaluate this checkpoint with gnr evaluate, or export the one that was evaluated',
    });
  return receipt;
}

async function readReceipt(path: string): Promise<unknown> {
  try {
    return await readJson(path, 'the receipt of an evaluation');
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError({ ...error.details, remedy: RECEIPT_REMEDY }, { cause: error });
  }
}
