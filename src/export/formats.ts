// The export formats: what each is, which options it has, and how it is written. A new format is one entry here.
import type { Comparison, Exported, ExportFormat, FormatOptions } from './export-options.js';
import type { ExportTask, FolderExport } from './export-task.js';

/** What a format writes from. */
export interface ExportRequest extends Omit<ExportTask, 'onProgress'> {
  options: FormatOptions;
  /** Called with the finished part and the whole of the work. */
  onProgress?: ((done: number, total: number, unit: 'steps' | 'bytes') => void) | undefined;
}

/** A format of `exportModel` and `gnr export`. */
export interface Format {
  /** What it is, in a few words. */
  describe: string;
  /** The options that it has. */
  options: readonly (keyof FormatOptions)[];
  /** Whether it is written as a folder; otherwise as a file. */
  isFolder: boolean;
  write(request: ExportRequest): Promise<Exported>;
}

async function folderExport({ options, onProgress, ...task }: ExportRequest): Promise<FolderExport> {
  const { receipt: path, license, data } = options;
  const { readMetricsReceipt } = await import('./metrics-receipt.js');
  const receipt = path === undefined ? undefined : await readMetricsReceipt(path, task.source.sha256);
  return {
    ...task,
    card: { licence: license, data, receipt },
    onProgress: onProgress && ((done, total) => onProgress(done, total, 'steps')),
  };
}

function exportedFolder(
  { source: { dir, step, averaged } }: ExportRequest,
  comparisons: Comparison[],
): Exported {
  return { comparisons, dir, step, averagedCheckpoints: averaged?.checkpoints };
}

const CARD_OPTIONS = ['precision', 'receipt', 'license', 'data'] as const;

/** The formats by name. Each loads its code when it is used: the command line reads this table at every start. */
export const FORMATS: Readonly<Record<ExportFormat, Format>> = {
  safetensors: {
    describe: 'a model folder for this program (model.safetensors, config.json, a model card)',
    options: [...CARD_OPTIONS, 'average'],
    isFolder: true,
    async write(request) {
      const { exportSafetensors } = await import('./safetensors-export.js');
      const { precision = 'float32' } = request.options;
      return exportedFolder(request, await exportSafetensors(await folderExport(request), precision));
    },
  },
  onnx: {
    describe: 'ONNX models of one direction, float32 and float16',
    options: [...CARD_OPTIONS, 'direction'],
    isFolder: true,
    async write(request) {
      const { exportOnnx } = await import('./onnx-export.js');
      const { precision, direction = 'A2B' } = request.options;
      const precisions = precision === undefined ? (['float32', 'float16'] as const) : [precision];
      const comparisons = await exportOnnx(await folderExport(request), { direction, precisions });
      return exportedFolder(request, comparisons);
    },
  },
  tfjs: {
    describe: 'a bundle for the browser',
    options: CARD_OPTIONS,
    isFolder: true,
    async write(request) {
      const { exportWebBundle } = await import('./web-bundle-export.js');
      const { precision = 'float32' } = request.options;
      return exportedFolder(request, await exportWebBundle(await folderExport(request), precision));
    },
  },
  pt: {
    describe: 'a PyTorch file, as the reference implementation loads it',
    options: [],
    isFolder: false,
    async write({ onProgress, ...request }) {
      const { exportTorch } = await import('./torch-export.js');
      const onBytes = onProgress && ((done: number, total: number) => onProgress(done, total, 'bytes'));
      return exportTorch({ ...request, onProgress: onBytes });
    },
  },
};
