// What `gnr weights list` does.
import { formatBytes } from '../../base/format-bytes.js';
import { listWeights, type WeightsRow } from '../../weights/list.js';
import { printJson, printLine } from '../output.js';
import type { ListArguments } from '../weights.js';

/** A table of the weights, and below it how to get those that are missing. */
export function formatWeights(weights: readonly WeightsRow[]): string {
  const cells = weights.map(({ name, state, bytes, use, file }) => [
    name,
    state,
    bytes === null ? '-' : formatBytes(bytes),
    use,
    bytes === null ? '-' : file,
  ]);
  const table = [['name', 'state', 'size', 'for', 'file'], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)) + 2);
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('')
      .trimEnd(),
  );
  const missing = weights.filter(({ remedy }) => remedy !== null);
  if (missing.length > 0) lines.push('');
  for (const { name, problem, remedy, downloadBytes } of missing)
    lines.push(`${name}: ${problem ? `${problem}; ` : ''}${remedy} (${formatBytes(downloadBytes)})`);
  return lines.join('\n');
}

/** Prints the list. */
export async function run({ json }: ListArguments): Promise<void> {
  const weights = await listWeights();
  if (json) printJson(weights);
  else printLine(formatWeights(weights));
}
