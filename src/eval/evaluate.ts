// Evaluation as one call: from folders and a protocol's name to a receipt and files. The command line calls it too.
import { SOLO, type World } from '../distributed/world.js';
import type { EvaluateOptions, EvaluateResult } from './evaluate-options.js';
import { runEvaluation } from './evaluation.js';
import { requestOf } from './evaluation-request.js';
import { prepareFolder, writeEvaluation } from './write.js';

/**
 * Measures a model, folders of images and baselines as a protocol says (FID, KID, LPIPS and others), as `gnr evaluate`
 * does. Metrics that need pretrained weights find them where `gnr weights fetch` put them.
 *
 * @throws InputError for missing folders, images, models and weights, and options that do not fit; RunError if the disk
 *   is full; the signal's reason if it aborts.
 * @example
 * ```ts
 * import { evaluate } from 'gans-n-roses';
 *
 * const { receipt } = await evaluate({ checkpoint: 'runs/first', data: 'data', metrics: ['kid'], out: 'evaluation' });
 * for (const { name, figures } of receipt.methods)
 *   for (const { title, value } of figures) console.log(`${name}: ${title} ${value}`);
 * ```
 */
export function evaluate(options: EvaluateOptions): Promise<EvaluateResult> {
  return evaluateTogether(options, SOLO);
}

/**
 * As `evaluate`, on several ranks, which share the work. All make this call; rank 0 alone writes.
 *
 * @throws as `evaluate`, and on all ranks if an input or model is wrong on one.
 */
export async function evaluateTogether(options: EvaluateOptions, world: World): Promise<EvaluateResult> {
  const { out, onMeasured } = options;
  const request = await requestOf(options, world);
  // A folder that cannot be written is reported before anything is measured.
  if (out !== undefined && world.isFirst) await prepareFolder(out);
  const evaluation = await runEvaluation(request);
  const { receipt } = evaluation;
  try {
    await onMeasured?.(receipt);
    if (out === undefined) return { receipt, paths: [] };
    return { receipt, ...(await writeEvaluation(evaluation, out, request)) };
  } finally {
    await evaluation.resources.close();
  }
}
