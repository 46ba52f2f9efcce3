// Exports a model in any format: the library function behind `gnr export`.
import { stat } from 'node:fs/promises';
import { InputError } from '../base/errors.js';
import { loadEngine } from '../runtime/node.js';
import { comparisonInputs } from './comparison.js';
import { rejectForeignFolder } from './export-folder.js';
import type { Exported, ExportFormat, FormatOptions } from './export-options.js';
import { stopIfAborted } from './export-task.js';
import { FORMATS } from './formats.js';
import { readExportSource } from './source.js';

/** How `exportModel` exports. */
export interface ExportOptions extends FormatOptions {
  /** Folder of images to compare the export on. Default: drawn portraits. */
  compare?: string | undefined;
  /** Called with every newer checkpoint of a run that is damaged, and the reason. */
  onSkipped?: ((dir: string, error: InputError) => void) | undefined;
  /** Called with the finished part and the whole of the work: first of reading checkpoints for a mean, then of writing. */
  onProgress?: ((done: number, total: number, unit: 'checkpoints' | 'steps' | 'bytes') => void) | undefined;
  /** Stops the export with an InterruptedError. */
  signal?: AbortSignal | undefined;
}

/** What `exportModel` wrote. */
export interface ExportedModel extends Exported {
  /** The images of the comparison, in words. */
  comparedOn: string;
}

/** Every option that some format has. */
const OPTION_NAMES = new Set(Object.values(FORMATS).flatMap(({ options }) => options));

function checkOptions(format: ExportFormat, options: FormatOptions): void {
  const names = FORMATS[format].options;
  for (const name of OPTION_NAMES)
    if (options[name] !== undefined && !names.includes(name))
      throw new InputError({
        expected: `options of --format ${format}`,
        found: `--${name}`,
        remedy: 'leave it out, or choose another format',
      });
  const { license, average, receipt } = options;
  if (average !== undefined && !(Number.isSafeInteger(average) && average >= 0))
    throw new InputError({
      expected: 'a step for --average, such as 20000',
      found: String(average),
      remedy: 'name the first step whose weights count',
    });
  if (average !== undefined && receipt !== undefined)
    throw new InputError({
      expected: '--average without --receipt, because no receipt is of weights that are not made yet',
      found: 'both',
      remedy: 'export the mean, evaluate that folder, and export it to another folder with the receipt',
    });
  if (license !== undefined && !/^[\w.+-]+$/.test(license))
    throw new InputError({
      expected: 'a licence identifier for --license, such as mit or cc-by-nc-4.0',
      found: JSON.stringify(license),
      remedy: 'use only letters, digits and - . + _',
    });
}

async function checkOut(format: ExportFormat, out: string): Promise<void> {
  if (FORMATS[format].isFolder) return rejectForeignFolder(out);
  const stats = await stat(out).catch(() => undefined);
  if (stats?.isDirectory())
    throw new InputError({
      expected: `--out to be the name of a file for --format ${format}`,
      found: `the folder ${out}`,
      remedy: `add a name, such as model.${format}`,
    });
}

/**
 * Exports a model for other programs. The export is written under a temporary name, read back, and compared with the
 * checkpoint on a few images; it gets its name only if the differences are within their bounds. The first call loads
 * TensorFlow.
 *
 * @param checkpoint a checkpoint, a run (its newest checkpoint), or an exported model.
 * @param format `safetensors` (a model folder), `onnx`, `tfjs` (a bundle for the browser) or `pt` (a PyTorch file).
 * @param out the folder of the result, new, empty or of an earlier export; for `pt` the file.
 * @throws InputError for options that do not fit the format, a missing or damaged checkpoint, and a folder with other
 *   files; RunError if the export differs by more than its bound or the disk is full; InterruptedError after `signal`.
 *   An earlier export is kept then.
 * @example
 * ```ts
 * import { exportModel } from 'gans-n-roses';
 *
 * const { comparisons } = await exportModel('runs/first', 'onnx', 'exported', { direction: 'A2B' });
 * for (const { what, difference } of comparisons) console.log(`${what} differs by ${difference}`);
 * ```
 */
export async function exportModel(
  checkpoint: string,
  format: ExportFormat,
  out: string,
  options: ExportOptions = {},
): Promise<ExportedModel> {
  const { compare, onSkipped, onProgress, signal, ...formatOptions } = options;
  checkOptions(format, formatOptions);
  await checkOut(format, out);
  const source = await readExportSource(checkpoint, {
    generators: format === 'pt' ? 'any' : 'both',
    ...(onSkipped && { onSkipped }),
    average: options.average,
    onRead(done, total) {
      onProgress?.(done, total, 'checkpoints');
      stopIfAborted(signal);
    },
  });
  const inputs = await comparisonInputs(source.architecture, compare);
  stopIfAborted(signal);
  await loadEngine();
  stopIfAborted(signal);
  const request = { source, out, inputs, options: formatOptions, onProgress, signal };
  return { ...(await FORMATS[format].write(request)), comparedOn: inputs.description };
}
