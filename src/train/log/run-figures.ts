// What the page of a run shows of its rows of metrics: curves, speed, memory and warnings.
import type { ComputeFacts } from '../../runtime/compute-facts.js';
import { MetricCurves } from './metric-curves.js';
import { type MetricsRow, readMetrics } from './metrics-log.js';

/** Number of newest rows that the current speed is computed from. */
const RECENT_ROWS = 20;

/** A warning, and the steps that had it. */
export interface RunWarning {
  text: string;
  count: number;
  first: number;
  last: number;
}

/** Collects what a page shows, row by row, in memory that does not grow with the run. */
export class RunFigures {
  first: MetricsRow | undefined;
  last: MetricsRow | undefined;
  /** Device, versions and arithmetic of the newest rows. */
  engine: ComputeFacts | undefined;
  /** The newest rows, in order. */
  readonly recent: MetricsRow[] = [];
  maxBytes = 0;
  readonly curves = new MetricCurves();
  /** By text. */
  readonly warnings = new Map<string, RunWarning>();

  /** Adds a row; rows must come in order. */
  add(row: MetricsRow): void {
    this.first ??= row;
    this.last = row;
    this.engine = row.engine ?? this.engine;
    this.recent.push(row);
    if (this.recent.length > RECENT_ROWS) this.recent.shift();
    this.maxBytes = Math.max(this.maxBytes, row.gpuPeakBytes ?? row.rssBytes ?? 0);
    this.curves.add(row);
    for (const warning of row.warnings ?? []) {
      const { text, step = row.step } = stepOf(warning);
      const { count, first } = this.warnings.get(text) ?? { count: 0, first: step };
      this.warnings.set(text, { text, count: count + 1, first, last: step });
    }
  }
}

/** Reads the whole log of a run. @throws InputError for a damaged line before the last. */
export async function readFigures(path: string): Promise<RunFigures> {
  const figures = new RunFigures();
  for await (const row of readMetrics(path)) figures.add(row);
  return figures;
}

/** Splits a warning into its text and the step that it begins with. */
function stepOf(warning: string): { text: string; step?: number } {
  const [, step, text] = /^step (\d+): (.*)$/s.exec(warning) ?? [];
  return text === undefined ? { text: warning } : { text, step: Number(step) };
}
