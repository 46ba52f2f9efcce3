// Measures all parts of a metric in order, as an evaluation by one process does.
import type { OutputGroup } from '../../src/eval/methods/method.js';
import type { Measured, Measurement } from '../../src/eval/metrics/metric.js';

/** @param batches of outputs; none for a metric that measures parts of its own. */
export async function figuresOf<Key extends string>(
  measurement: Measurement<Key>,
  batches: readonly (readonly OutputGroup[])[] = [],
): Promise<Measured<Key>[]> {
  const parts: unknown[] = [];
  if ('count' in measurement)
    for (let i = 0; i < measurement.count; i++) parts.push(await measurement.measureItem(i));
  else for (const groups of batches) parts.push(await measurement.measure(groups));
  return measurement.finish(parts);
}
