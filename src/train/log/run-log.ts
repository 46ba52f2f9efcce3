// A run's rows of metrics, for metrics.jsonl and TensorBoard.
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import type { ComputeFacts } from '../../runtime/compute-facts.js';
import { memoryUse } from '../../runtime/memory.js';
import type { TermValues } from '../trainer.js';
import { MetricsLog, StepRate } from './metrics-log.js';
import { RunFigures } from './run-figures.js';
import { TensorboardLog } from './tensorboard/training-log.js';

export const sinceRowSchema = z.object({
  /** The newest value of each term since the previous row. */
  terms: z.record(z.string(), z.number()),
  warnings: z.array(z.string()),
});

/** The steps since the last row, kept in checkpoints so that a resumed run writes the same next row. */
export type SinceRow = z.output<typeof sinceRowSchema>;

/** Writes a run's rows of metrics to `metrics.jsonl` and TensorBoard. All writers throw RunError if a file cannot be written. */
export class RunLog {
  private readonly rate = new StepRate();
  private engine: ComputeFacts | undefined;

  private constructor(
    private readonly metrics: MetricsLog,
    /** The figures of all rows so far, those before a resume too. */
    readonly figures: RunFigures,
    readonly tensorboard: TensorboardLog | undefined,
    private sinceRow: SinceRow,
  ) {}

  /**
   * Opens the logs of a run that continues after `step` steps.
   * @param lacksRow whether the row of that step is still to be written.
   */
  static async open(
    runDir: string,
    config: Config,
    step: number,
    {
      sinceRow = { terms: {}, warnings: [] },
      lacksRow = false,
    }: { sinceRow?: SinceRow | undefined; lacksRow?: boolean } = {},
  ): Promise<RunLog> {
    const figures = new RunFigures();
    const rowsTo = lacksRow ? step - 1 : step;
    const metrics = await MetricsLog.open(join(runDir, 'metrics.jsonl'), rowsTo, (row) => figures.add(row));
    if (!config.log.tensorboard) return new RunLog(metrics, figures, undefined, sinceRow);
    try {
      const tensorboard = await TensorboardLog.open(join(runDir, 'tensorboard'), { step });
      return new RunLog(metrics, figures, tensorboard, sinceRow);
    } catch (error) {
      await metrics.close();
      throw error;
    }
  }

  /** Puts device, versions and arithmetic into the next row. */
  begin(engine: ComputeFacts): void {
    this.engine = engine;
  }

  /** Adds the terms and warnings of a step to the next row. */
  observe(terms: TermValues, warnings: readonly string[]): void {
    const { sinceRow } = this;
    this.sinceRow = {
      terms: { ...sinceRow.terms, ...terms },
      warnings: [...sinceRow.warnings, ...warnings],
    };
  }

  state(): SinceRow {
    return this.sinceRow;
  }

  /** Writes a row with everything observed since the previous one. */
  async write(at: { step: number; seconds: number; learningRate: number }): Promise<void> {
    const { terms, warnings } = this.sinceRow;
    const row = {
      ...at,
      ...this.rate.next(at.step, at.seconds),
      ...memoryUse(),
      time: new Date().toISOString(),
      ...(this.engine && { engine: this.engine }),
      terms,
      ...(warnings.length > 0 && { warnings }),
    };
    await this.metrics.write(row);
    await this.tensorboard?.row(row);
    // Only now: where a row is in one of the logs alone, a resumed run writes it again.
    this.figures.add(row);
    this.engine = undefined;
    this.sinceRow = { terms: {}, warnings: [] };
  }

  async close(): Promise<void> {
    await this.metrics.close();
    await this.tensorboard?.close();
  }
}
