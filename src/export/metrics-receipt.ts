import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { readJson } from '../checkpoint/layout.js';

/** What a card tells of the receipt that `gnr evaluate` writes; its whole schema is src/eval/receipt.ts. */
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
 * @throws InputError where the file is no receipt, or one of other weights: its figures would be another model's.
 */
export async function readMetricsReceipt(path: string, sha256: string): Promise<MetricsReceipt> {
  const parsed = receiptSchema.safeParse(await readReceipt(path));
  if (!parsed.success)
    throw new InputError({
      expected: `the receipt of an evaluation at ${path}`,
      found: z.prettifyError(parsed.error).replaceAll('\n', ' '),
      remedy: 'name the JSON receipt that gnr evaluate wrote',
    });
  const { model } = parsed.data;
  if (model?.sha256 !== sha256)
    throw new InputError({
      expected: `the receipt of this checkpoint's weights (SHA-256 ${sha256}) at ${path}`,
      found: model === null ? 'one without a model' : `one of ${model.sha256}`,
      remedy: 'evaluate this checkpoint with gnr evaluate, or export the one that was evaluated',
    });
  return parsed.data;
}

async function readReceipt(path: string): Promise<unknown> {
  try {
    return await readJson(path, 'the receipt of an evaluation');
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const remedy = 'name the JSON receipt that gnr evaluate wrote';
    throw new InputError({ ...error.details, remedy }, { cause: error });
  }
}
