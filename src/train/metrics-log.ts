import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { toWriteError } from '../checkpoint/atomic.js';
import { InputError, messageOf, systemCode } from '../errors.js';

const NEWLINE = 0x0a;

/** JSON has no word for NaN and infinity and writes null; such a number is read back as NaN. */
const metric = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const rowSchema = z.looseObject({
  /** Steps done. */
  step: z.int().min(0),
  /** Time spent in training so far, s, with what came before a resume. */
  seconds: z.number().min(0),
  learningRate: metric.optional(),
  /** Speed since the row before. */
  stepsPerSecond: metric.optional(),
  /** Memory of the process (resident set); a GPU's own is not in it. */
  rssBytes: z.number().optional(),
  /**
   * The values of the loss terms; `generator/cycle` names a term of a network. Of terms that not every step has, such as
   * R1, the newest since the row before.
   */
  terms: z.record(z.string(), metric),
});

/** One line of `metrics.jsonl`. Writers may add keys of their own. */
export type MetricsRow = z.output<typeof rowSchema>;

/** A named course of values over the training. */
export interface Series {
  name: string;
  /** The chart that it belongs to: series of one group share their axes. */
  group: string;
  points: { step: number; value: number }[];
}

/** The speed between rows; the first row has none, since the time before it is mostly that of starting. */
export class StepRate {
  private last: { step: number; seconds: number } | undefined;

  /** The speed from the row before to one at this step, after so many seconds of training. */
  next(step: number, seconds: number): { stepsPerSecond?: number } {
    const { last } = this;
    this.last = { step, seconds };
    if (last === undefined || seconds <= last.seconds) return {};
    return { stepsPerSecond: (step - last.step) / (seconds - last.seconds) };
  }
}

/**
 * The metrics of a run, one JSON object per line, each line written whole at the end of the file: what a crash tears is
 * at most the last line, and the reader passes over that.
 */
export class MetricsLog {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Opens or creates the log, and cuts what it holds of later steps than `resumedStep` (0 for a new run), so that steps
   * that are trained again stand in it once.
   * @throws InputError for a damaged line before the last. @throws RunError where the file cannot be written.
   */
  static async open(path: string, resumedStep = 0): Promise<MetricsLog> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, 'a+');
      try {
        await cutAfter(handle, path, resumedStep);
      } catch (error) {
        await handle.close();
        throw error;
      }
      return new MetricsLog(path, handle);
    } catch (error) {
      throw toWriteError(error, path);
    }
  }

  /** Adds a line. @throws RunError where the disk refuses. */
  async write(row: MetricsRow): Promise<void> {
    try {
      await this.handle.appendFile(`${JSON.stringify(row)}\n`);
    } catch (error) {
      throw toWriteError(error, this.path);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/**
 * The lines of a log in order; none where there is no such file.
 * @throws InputError naming file and line where a line is no metrics row. A torn last line is passed over.
 */
export async function* readMetrics(path: string): AsyncGenerator<MetricsRow> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw new InputError(
      { expected: `a readable log at ${path}`, found: messageOf(error), remedy: 'check the path' },
      { cause: error },
    );
  }
  for (const { row } of parseLines(bytes, path)) yield row;
}

/** The courses that the rows hold: one for each term, the learning rate, and the seconds that a step took. */
export function metricSeries(rows: Iterable<MetricsRow>): Series[] {
  const series = new Map<string, Series>();
  const add = (group: string, name: string, step: number, value: number) => {
    const key = JSON.stringify([group, name]);
    const entry = series.get(key) ?? { name, group, points: [] };
    series.set(key, entry);
    entry.points.push({ step, value });
  };
  let last: MetricsRow | undefined;
  for (const row of rows) {
    for (const [term, value] of Object.entries(row.terms)) add(...groupOf(term), row.step, value);
    if (row.learningRate !== undefined) add('Learning rate', 'learning rate', row.step, row.learningRate);
    // Between two rows only: the time before the first is mostly that of starting.
    const steps = last ? row.step - last.step : 0;
    const seconds = last ? row.seconds - last.seconds : 0;
    if (steps > 0 && seconds > 0) add('Seconds per step', 'seconds per step', row.step, seconds / steps);
    last = row;
  }
  // The terms first, in the order of their first line; what describes the run itself last.
  const isTerm = ({ group }: Series) => group !== 'Learning rate' && group !== 'Seconds per step';
  return [...series.values()].sort((a, b) => Number(isTerm(b)) - Number(isTerm(a)));
}

/** `generator/cycle` is the series cycle in the chart Generator; a plain name belongs to the chart Losses. */
function groupOf(term: string): [group: string, name: string] {
  const split = term.indexOf('/');
  if (split <= 0) return ['Losses', term];
  return [term[0]!.toUpperCase() + term.slice(1, split), term.slice(split + 1)];
}

interface Line {
  row: MetricsRow;
  /** Position after the line and its newline, bytes. */
  end: number;
}

function* parseLines(bytes: Buffer, path: string): Generator<Line> {
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    const row = parseRow(bytes.toString('utf8', start, end));
    if (row !== undefined) yield { row, end };
    else if (end < bytes.length) {
      throw new InputError({
        expected: `a line of metrics in ${path}, line ${number}`,
        found: JSON.stringify(bytes.toString('utf8', start, Math.min(end, start + 60)).trimEnd()),
        remedy: 'remove the line, or give the file another name to start a new log',
      });
    }
    start = end;
  }
}

function parseRow(line: string): MetricsRow | undefined {
  try {
    return rowSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function cutAfter(handle: FileHandle, path: string, resumedStep: number): Promise<void> {
  const bytes = await handle.readFile();
  let end = 0;
  for (const line of parseLines(bytes, path)) {
    if (line.row.step > resumedStep) break;
    end = line.end;
  }
  await handle.truncate(end);
  if (end > 0 && bytes[end - 1] !== NEWLINE) await handle.appendFile('\n');
}
