import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { MetricsLog, StepRate } from './metrics-log.js';
import { TensorboardLog } from './tensorboard/training-log.js';
import type { TermValues } from './trainer.js';

/** A run's rows of metrics, in `metrics.jsonl` and for TensorBoard. All writers throw RunError where the disk refuses. */
export class RunLog {
  private readonly rate = new StepRate();
  /** The newest value of each term since the row before. */
  private terms: TermValues = {};
  private warnings: string[] = [];

  private constructor(
    private readonly metrics: MetricsLog,
    readonly tensorboard: TensorboardLog | undefined,
  ) {}

  /** Opens the logs of a run that goes on after `step` steps. */
  static async open(runDir: string, config: Config, step: number): Promise<RunLog> {
    const metrics = await MetricsLog.open(join(runDir, 'metrics.jsonl'), step);
    if (!config.log.tensorboard) return new RunLog(metrics, undefined);
    try {
      return new RunLog(metrics, await TensorboardLog.open(join(runDir, 'tensorboard'), { step }));
    } catch (error) {
      await metrics.close();
      throw error;
    }
  }

  /** Takes a step into the next row. */
  observe(terms: TermValues, warnings: readonly string[]): void {
    this.terms = { ...this.terms, ...terms };
    this.warnings.push(...warnings);
  }

  /** Writes the row of what was observed since the one before. */
  async write(at: { step: number; seconds: number; learningRate: number }): Promise<void> {
    const { terms, warnings } = this;
    const row = {
      ...at,
      ...this.rate.next(at.step, at.seconds),
      rssBytes: process.memoryUsage.rss(),
      time: new Date().toISOString(),
      terms,
      ...(warnings.length > 0 && { warnings }),
    };
    this.terms = {};
    this.warnings = [];
    await this.metrics.write(row);
    await this.tensorboard?.row(row);
  }

  async close(): Promise<void> {
    await this.metrics.close();
    await this.tensorboard?.close();
  }
}
