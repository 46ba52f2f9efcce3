// Writes to the terminal: lines, JSON, progress.
import { formatBytes, formatDuration } from '../base/format-bytes.js';
import { visibleLine, visibleText } from '../base/visible-text.js';
import type { PeakMemory } from '../runtime/memory.js';

/** The part of a writable stream that output uses. */
export interface OutputStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Progress shows only after this time: shorter work needs none. */
const QUIET_MILLISECONDS = 2000;
const LINE_MILLISECONDS = 10_000;
const REDRAW_MILLISECONDS = 100;
const TICK_MILLISECONDS = 500;
/** Share of the work that must be done before a remaining time is shown. */
const MIN_SHARE = 0.005;
const BAR_CHARACTERS = 24;
const BAR = / \[=* *\]/;
const CLEAR_LINE = '\r\u001b[2K';

export interface ProgressOptions {
  /** What is under way, such as "training". */
  label: string;
  /** Total amount of work in `unit`; absent if it is unknown. */
  total?: number | undefined;
  /** Amount that was done before the start; it does not count for the rate. */
  from?: number;
  /** `bytes`, or a countable thing such as "steps" or "images". */
  unit: string;
  /** Stream to show it on; standard error by default, so that standard output has only results. */
  stream?: OutputStream;
  /** Milliseconds from any origin; a monotonic clock by default. */
  clock?: () => number;
}

/** A display of progress. */
export interface Progress {
  /** Sets how much is done, in the unit, and a short note to show after it. */
  update(done: number, note?: string): void;
  /** Ends the display; its last line stays. */
  finish(note?: string): void;
}

/** Whether a line can be redrawn: a terminal of the kind `dumb` (an editor's, a log's) only adds lines. */
function isScreen({ isTTY }: OutputStream): boolean {
  return isTTY === true && process.env.TERM !== 'dumb';
}

function formatAmount(done: number, total: number | undefined, unit: string): string {
  if (unit === 'bytes')
    return total === undefined ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
  return total === undefined ? `${done} ${unit}` : `${done}/${total} ${unit}`;
}

function formatRate(rate: number, unit: string): string {
  if (unit === 'bytes') return `${formatBytes(rate)}/s`;
  return rate >= 1 || rate === 0
    ? `${rate.toFixed(1)} ${unit}/s`
    : `${(1 / rate).toFixed(1)} s/${unit.replace(/s$/, '')}`;
}

/** The display that owns the terminal's last line, if any. */
let active: ProgressDisplay | undefined;

class ProgressDisplay implements Progress {
  private readonly options: Required<Omit<ProgressOptions, 'total'>> & { total: number | undefined };
  private readonly start: number;
  private readonly timer: NodeJS.Timeout;
  private done = 0;
  private note = '';
  private shownAt: number | undefined;
  private ended = false;

  constructor(options: ProgressOptions) {
    const { stream = process.stderr, clock = () => performance.now(), total, from = 0 } = options;
    this.options = { ...options, total, from, stream, clock };
    this.start = clock();
    if (isScreen(stream)) active = this;
    // Redraws the elapsed time between rare updates.
    this.timer = setInterval(() => this.show(), TICK_MILLISECONDS);
    this.timer.unref();
  }

  update(done: number, note = ''): void {
    if (this.ended) return;
    this.done = done;
    this.note = note;
    this.show();
  }

  finish(note = this.note): void {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.timer);
    if (active === this) active = undefined;
    const { stream, clock } = this.options;
    const elapsed = clock() - this.start;
    if (this.shownAt === undefined && elapsed < QUIET_MILLISECONDS) return;
    this.note = note;
    const text = this.text(elapsed, true);
    stream.write(isScreen(stream) ? `${CLEAR_LINE}${this.fit(text)}\n` : `${text}\n`);
  }

  /** Removes the line from the terminal while something else is written; `show` draws it again. */
  clear(): void {
    if (this.shownAt !== undefined) this.options.stream.write(CLEAR_LINE);
    this.shownAt = undefined;
  }

  private show(): void {
    const { stream, clock } = this.options;
    const now = clock();
    if (now - this.start < QUIET_MILLISECONDS) return;
    // `finish` writes the plain line for the end.
    if (!isScreen(stream) && this.options.total !== undefined && this.done >= this.options.total) return;
    const interval = isScreen(stream) ? REDRAW_MILLISECONDS : LINE_MILLISECONDS;
    if (this.shownAt !== undefined && now - this.shownAt < interval) return;
    this.shownAt = now;
    const text = this.text(now - this.start, false);
    stream.write(isScreen(stream) ? CLEAR_LINE + this.fit(text) : `${text}\n`);
  }

  /** The text as one line of the terminal: where it is narrow, the bar goes first. */
  private fit(text: string): string {
    const width = Math.max(1, (this.options.stream.columns || 80) - 1);
    if ([...text].length <= width) return text;
    return [...text.replace(BAR, '')].slice(0, width).join('');
  }

  private text(elapsedMilliseconds: number, last: boolean): string {
    return visibleLine(this.plainText(elapsedMilliseconds, last));
  }

  private plainText(elapsedMilliseconds: number, last: boolean): string {
    const { label, total, from, unit, stream } = this.options;
    const seconds = elapsedMilliseconds / 1000;
    const rate = seconds > 0 ? Math.max(0, this.done - from) / seconds : 0;
    const parts = [formatAmount(this.done, total, unit)];
    if (this.done > from) parts.push(formatRate(rate, unit));
    // The first bytes give no rate yet.
    const known = total !== undefined && rate > 0 && this.done - from >= (total - from) * MIN_SHARE;
    if (last || !known) parts.push(formatDuration(seconds));
    else parts.push(`${formatDuration(Math.max(0, (total - this.done) / rate))} left`);
    if (this.note) parts.push(this.note);
    if (total === undefined || total <= 0) return `${label}: ${parts.join(', ')}`;
    const share = Math.min(1, Math.max(0, this.done / total));
    const percentage = `${String(Math.floor(share * 100)).padStart(3)}%`;
    const filled = Math.round(share * BAR_CHARACTERS);
    const bar = isScreen(stream) ? ` [${'='.repeat(filled)}${' '.repeat(BAR_CHARACTERS - filled)}]` : '';
    return `${label}${bar} ${percentage} ${parts.join(', ')}`;
  }
}

/**
 * Starts to show the progress of work: on a terminal as one line, redrawn, with bar, percentage, rate, time left and
 * note; otherwise as a plain line every ten seconds, and one at the end. Work of less than two seconds shows nothing.
 */
export function startProgress(options: ProgressOptions): Progress {
  return new ProgressDisplay(options);
}

function write(stream: OutputStream, text: string): void {
  active?.clear();
  stream.write(`${text}\n`);
}

/**
 * Writes one line, or several, to standard output. Programs get them as they are; on a terminal, control characters of names
 * and files are shown, and do not steer it.
 */
export function printLine(text = ''): void {
  write(process.stdout, process.stdout.isTTY ? visibleText(text) : text);
}

/** Writes one line, or several, to standard error: everything but results. */
export function printError(text: string): void {
  write(process.stderr, visibleText(text));
}

/** Writes a value as JSON to standard output, for programs to read. */
export function printJson(value: unknown): void {
  // JSON leaves these as they are, though terminals act on them.
  const text = JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
  write(process.stdout, text);
}

/** @returns peak memory in words: the GPU's, if one computed, before the process's. */
export function formatPeak({ peakRssBytes, peakGpuBytes }: PeakMemory): string {
  const process = formatBytes(peakRssBytes);
  return peakGpuBytes === undefined
    ? process
    : `${formatBytes(peakGpuBytes)} of the GPU, ${process} of the process`;
}
