// metrics.jsonl: the rows of metrics of a run, written and read.
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { toWriteError } from '../../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../../base/errors.js';

const NEWLINE = 0x0a;

/** JSON has no NaN or infinity and writes null, which is read back as NaN. */
const metric = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const rowSchema = z.looseObject({
  /** Steps done. */
  step: z.int().min(0),
  /** Time spent in training so far, s, including that before a resume. */
  seconds: z.number().min(0),
  learningRate: metric.optional(),
  /** Speed since the previous row. */
  stepsPerSecond: metric.optional(),
  /** Resident set size of the process, without GPU memory. */
  rssBytes: z.number().optional(),
  /** GPU memory in tensors; only if a GPU computes. */
  gpuBytes: z.number().optional(),
  /** Peak of `gpuBytes` since the process started. */
  gpuPeakBytes: z.number().optional(),
  /** Device, versions and arithmetic from this row on; in the first row after every start. */
  engine: z.record(z.string(), z.string()).optional(),
  /** Time of writing, ISO 8601 in UTC. */
  time: z.string().optional(),
  /**
   * The values of the loss terms; `generator/cycle` names a term of a network. A term that not every step has, such as R1,
   * has its newest value since the previous row.
   */
  terms: z.record(z.string(), metric),
  /** The warnings since the previous row. */
  warnings: z.array(z.string()).optional(),
});

/** One line of `metrics.jsonl`. Writers may add keys of their own. */
export type MetricsRow = z.output<typeof rowSchema>;

/** Measures the speed between rows; the first row has none, because the time before it is mostly start-up. */
export class StepRate {
  private last: { step: number; seconds: number } | undefined;

  /** The speed from the previous row to one at this step, after `seconds` of training. */
  next(step: number, seconds: number): { stepsPerSecond?: number } {
    const { last } = this;
    this.last = { step, seconds };
    if (last === undefined || seconds <= last.seconds) return {};
    return { stepsPerSecond: (step - last.step) / (seconds - last.seconds) };
  }
}

/**
 * The metrics of a run, one JSON object per line. Each line is appended whole, so a crash can damage only the last line,
 * which the reader skips.
 */
export class MetricsLog {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Opens or creates the log, and cuts rows after `resumedStep` (0 for a new run), so that steps that are repeated
   * appear once.
   * @throws InputError for a damaged line before the last. @throws RunError if the file cannot be written.
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

  /** Adds a line. @throws RunError if it cannot be written. */
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
 * The rows of a log in order; none if the file is missing. A damaged last line is skipped.
 * @throws InputError that names file and line if another line is not a metrics row.
 */
export async function* readMetrics(path: string): AsyncGenerator<MetricsRow> {
  let damaged: { number: number; text: string } | undefined;
  let number = 0;
  try {
    for await (const text of linesOf(path)) {
      number++;
      if (damaged !== undefined) break;
      const row = parseRow(text);
      if (row === undefined) damaged = { number, text };
      else yield row;
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw new InputError(
      { expected: `a readable log at ${path}`, found: messageOf(error), remedy: 'check the path' },
      { cause: error },
    );
  }
  if (damaged !== undefined && damaged.number < number) throw damagedLine(path, damaged.number, damaged.text);
}

/** The lines of a text file as a stream, because the log of a long run is large. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function damagedLine(path: string, number: number, text: string): InputError {
  return new InputError({
    expected: `a line of metrics in ${path}, line ${number}`,
    found: JSON.stringify(text.slice(0, 60)),
    remedy: 'remove the line, or give the file another name to start a new log',
  });
}

/** A row with its place in the file. */
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
    else if (end < bytes.length)
      throw damagedLine(path, number, bytes.toString('utf8', start, end).trimEnd());
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
