import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import type { ComputeFacts } from '../../runtime/compute-facts.js';
import { memoryUse } from '../../runtime/memory.js';
import type { TermValues } from '../trainer.js';
import { MetricsLog, StepRate } from './metrics-log.js';
import { TensorboardLog } from './tensorboard/training-log.js';

export const sinceRowSchema = z.object({
  /** The newest value of each term since the row before. */
  terms: z.record(z.string(), z.number()),
  warnings: z.array(z.string()),
});

/** What a checkpoint keeps of the steps after the last row, so that the next one is that of a run that never stopped. */
export type SinceRow = z.output<typeof sinceRowSchema>;

/** A run's rows of metrics, in `metrics.jsonl` and for TensorBoard. All writers throw RunError where the disk refuses. */
export class RunLog {
  private readonly rate = new StepRate();
  private engine: ComputeFacts | undefined;

  private constructor(
    private readonly metrics: MetricsLog,
    readonly tensorboard: TensorboardLog | undefined,
    private sinceRow: SinceRow,
  ) {}

  /** Opens the logs of a run that goes on after `step` steps. */
  static async open(
    runDir: string,
    config: Config,
    step: number,
    sinceRow: SinceRow = { terms: {}, warnings: [] },
  ): Promise<RunLog> {
    const metrics = await MetricsLog.open(join(runDir, 'metrics.jsonl'), step);
    if (!config.log.tensorboard) return new RunLog(metrics, undefined, sinceRow);
    try {
      const tensorboard = await TensorboardLog.open(join(runDir, 'tensorboard'), { step });
      return new RunLog(metrics, tensorboard, sinceRow);
    } catch (error) {
      await metrics.close();
      throw error;
    }
  }

  /** The next row says what computes from here on. */
  begin(engine: ComputeFacts): void {
    this.engine = engine;
  }

  /** Takes a step into the next row. */
  observe(terms: TermValues, warnings: readonly string[]): void {
    const before = this.sinceRow;
    this.sinceRow = {
      terms: { ...before.terms, ...terms },
      warnings: [...before.warnings, ...warnings],
    };
  }

  state(): SinceRow {
    return this.sinceRow;
  }

  /** Writes the row of what was observed since the one before. */
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
    this.engine = undefined;
    this.sinceRow = { terms: {}, warnings: [] };
    await this.tensorboard?.row(row);
  }

  async close(): Promise<void> {
    await this.metrics.close();
    await this.tensorboard?.close();
  }
}
