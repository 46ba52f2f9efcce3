// metrics.jsonl: the rows of metrics of a run, written and read.
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { toWriteError } from '../../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../../base/errors.js';

const NEWLINE = 0x0a;
/** A longer line is no row of metrics, bytes. */
const MAX_LINE_BYTES = 2 ** 26;
const CHUNK_BYTES = 2 ** 16;

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
   * @param onRow called with each row that stays, in order.
   * @throws InputError for a damaged line before the last. @throws RunError if the file cannot be written.
   */
  static async open(
    path: string,
    resumedStep = 0,
    onRow: (row: MetricsRow) => void = () => undefined,
  ): Promise<MetricsLog> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, 'a+');
      try {
        await cutAfter(handle, path, resumedStep, onRow);
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
  try {
    for await (const { row } of rowsOf(createReadStream(path), path)) yield row;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    if (error instanceof InputError) throw error;
    throw new InputError(
      { expected: `a readable log at ${path}`, found: messageOf(error), remedy: 'check the path' },
      { cause: error },
    );
  }
}

/** A line of a file with its place there. */
interface Line {
  bytes: Buffer;
  /** Counted from 1. */
  number: number;
  /** Position after the line and its newline, bytes. */
  end: number;
  /** Whether it ends with a newline, as only the last line may not. */
  isClosed: boolean;
}

/** The lines of a file as a stream, because the log of a long run is large. */
async function* linesOf(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let [number, end, length] = [1, 0, 0];
  for await (const chunk of chunks) {
    let start = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline >= 0; newline = chunk.indexOf(NEWLINE, start)) {
      pieces.push(chunk.subarray(start, newline));
      end += length + newline + 1 - start;
      yield { bytes: Buffer.concat(pieces), number: number++, end, isClosed: true };
      pieces = [];
      length = 0;
      start = newline + 1;
    }
    pieces.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > MAX_LINE_BYTES) throw damagedLine(path, number, Buffer.concat(pieces));
  }
  if (length > 0) yield { bytes: Buffer.concat(pieces), number, end: end + length, isClosed: false };
}

/** The rows of a log with their places. A damaged last line is skipped. @throws InputError for another. */
async function* rowsOf(
  chunks: AsyncIterable<Buffer>,
  path: string,
): AsyncGenerator<Omit<Line, 'bytes'> & { row: MetricsRow }> {
  let damaged: Line | undefined;
  for await (const line of linesOf(chunks, path)) {
    if (damaged !== undefined) throw damagedLine(path, damaged.number, damaged.bytes);
    const { bytes, ...place } = line;
    const row = parseRow(bytes.toString());
    if (row === undefined) damaged = line;
    else yield { row, ...place };
  }
}

function damagedLine(path: string, number: number, bytes: Buffer): InputError {
  return new InputError({
    expected: `a line of metrics in ${path}, line ${number}`,
    found: JSON.stringify(bytes.toString('utf8', 0, 60)),
    remedy: 'remove the line, or give the file another name to start a new log',
  });
}

function parseRow(line: string): MetricsRow | undefined {
  try {
    return rowSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The bytes of an open file from its start; unlike the handle's own stream, it leaves the handle open. */
async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(CHUNK_BYTES),
      0,
      CHUNK_BYTES,
      position,
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Cuts rows after a step, and what is no row at the end; a last row without its newline gets one. */
async function cutAfter(
  handle: FileHandle,
  path: string,
  resumedStep: number,
  onRow: (row: MetricsRow) => void,
): Promise<void> {
  let [end, isClosed] = [0, true];
  for await (const line of rowsOf(chunksOf(handle), path)) {
    if (line.row.step > resumedStep) break;
    onRow(line.row);
    ({ end, isClosed } = line);
  }
  await handle.truncate(end);
  if (!isClosed) await handle.appendFile('\n');
}
