// RUN/report.html: the page of a run, written from its files.
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../../base/errors.js';
import { formatBytes, formatDuration } from '../../base/format-bytes.js';
import { CONFIG, checkpointFolder, isFile, stepsOf } from '../../checkpoint/layout.js';
import { stageEnd } from '../../config/growth.js';
import { loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { formatNumber } from '../../report/numbers.js';
import { type ReportTable, writeReport } from '../../report/page.js';
import type { ReportFact } from '../../report/parts.js';
import { describeFacts } from '../../runtime/compute-facts.js';
import { isRunLocked } from '../run-lock.js';
import type { MetricsRow } from './metrics-log.js';
import { reportSamples } from './report-samples.js';
import { type RunFigures, type RunWarning, readFigures } from './run-figures.js';

const MAX_WARNINGS = 20;
const MAX_CHECKPOINTS = 50;

export interface RunReportOptions {
  /** Whether the run is training; by default the run's lock decides. */
  isTraining?: boolean;
  /** Steps done; by default the newest step of log and checkpoints. */
  step?: number;
  /** The time shown on the page; by default now. */
  now?: Date;
  /** The figures of all rows; by default metrics.jsonl is read for them. */
  figures?: RunFigures;
}

/**
 * Writes RUN/report.html from the files of the run alone: state, warnings, newest and earlier samples, curves, checkpoints
 * and config. Takes a second or two, and memory that does not grow with the run.
 *
 * @returns its path.
 * @throws InputError if the folder is not a run, or a file in it is damaged; RunError if the page cannot be written.
 */
export async function writeRunReport(runDir: string, options: RunReportOptions = {}): Promise<string> {
  const file = join(runDir, CONFIG);
  if (!(await isFile(file)))
    throw new InputError({
      expected: `a run directory at ${runDir}`,
      found: `no ${CONFIG} in it`,
      remedy: 'pass the folder that was given to gnr train --out',
    });
  const config = loadConfig({ file, overrides: [] });
  const figures = options.figures ?? (await readFigures(join(runDir, 'metrics.jsonl')));
  const checkpoints = await stepsOf(runDir);
  const state: RunState = {
    steps: config.training.steps,
    step: Math.max(options.step ?? 0, figures.last?.step ?? 0, checkpoints[0] ?? 0),
    isTraining: options.isTraining ?? (await isRunLocked(runDir)),
    now: options.now ?? new Date(),
  };
  const { newest, earlier, earlierCount } = await reportSamples(runDir, state.step);
  const path = join(runDir, 'report.html');
  await writeReport(path, {
    title: `Run ${basename(resolve(runDir))}`,
    summary: summaryOf(state, runDir, checkpoints.length > 0),
    facts: factsOf(state, figures, config),
    warnings: warningTexts(figures.warnings),
    grids: newest,
    series: figures.curves.series(),
    earlier,
    earlierCount,
    tables: [await checkpointTable(runDir, checkpoints)],
    config,
  });
  return path;
}

/** Rewrites the page of a run during training, which a failure to write it does not stop. */
export class RunPage {
  /** Those of the run, which add each row once; undefined until it changes its folder: the page is an earlier run's. */
  figures: RunFigures | undefined;
  private hasFailed = false;

  constructor(private readonly runDir: string) {}

  /** Writes the page. @returns the error of the first failure; undefined for later ones. */
  async write(options: Omit<RunReportOptions, 'figures'>): Promise<unknown> {
    try {
      await writeRunReport(this.runDir, { ...options, ...(this.figures && { figures: this.figures }) });
    } catch (error) {
      const isFirst = !this.hasFailed;
      this.hasFailed = true;
      if (isFirst) return error;
    }
    return undefined;
  }
}

interface RunState {
  step: number;
  steps: number;
  isTraining: boolean;
  now: Date;
}

function summaryOf({ step, steps, isTraining }: RunState, runDir: string, canResume: boolean): string {
  if (isTraining) return `In training: ${step} of ${steps} steps are done.`;
  if (step >= steps) return `Finished: all ${steps} steps are done.`;
  const remedy = canResume ? ` gnr train --out ${runDir} --resume continues from the newest checkpoint.` : '';
  return `Stopped after ${step} of ${steps} steps.${remedy}`;
}

function factsOf(
  state: RunState,
  { first, last, engine, recent, maxBytes }: RunFigures,
  config: Config,
): ReportFact[] {
  const { step, steps, isTraining, now } = state;
  const speed = secondsPerStep(recent);
  const until = stageEnd(config);
  const memory = last?.gpuBytes === undefined ? 'Memory' : 'GPU memory';
  const bytes = last?.gpuBytes ?? last?.rssBytes;
  const facts: [label: string, value: string | undefined][] = [
    ['Steps', `${step} of ${steps}`],
    ['Seconds per step', speed === undefined ? undefined : formatNumber(speed)],
    ['Time in training', last && formatDuration(last.seconds)],
    [
      until < steps ? `Time left at ${config.model.size} px` : 'Time left',
      isTraining && speed !== undefined ? formatDuration((until - step) * speed) : undefined,
    ],
    ['Computed on', engine && describeFacts(engine)],
    [memory, bytes === undefined ? undefined : formatBytes(bytes)],
    [`${memory}, peak`, maxBytes > 0 ? formatBytes(maxBytes) : undefined],
    ['Pictures', `${config.model.size} px, ${config.training.batch} of each a step`],
    ['Growing', growthText(config)],
    ['Started (UTC)', timeText(first?.time)],
    [isTraining ? 'Newest figures (UTC)' : 'Ended (UTC)', timeText(last?.time)],
    ['Page written (UTC)', timeText(now.toISOString())],
  ];
  return facts.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }]));
}

/** The sizes that the run grows to; undefined if it keeps its size. */
function growthText({ training: { growth } }: Config): string | undefined {
  if (growth.length === 0) return undefined;
  return growth.map(({ atStep, size }) => `to ${size} px after step ${atStep}`).join(', ');
}

/** Seconds per step over the newest rows, without the time before the first row, which is mostly start-up. */
function secondsPerStep(recent: readonly MetricsRow[]): number | undefined {
  const from = recent[0];
  const to = recent.at(-1);
  if (from === undefined || to === undefined || to.step <= from.step) return undefined;
  return (to.seconds - from.seconds) / (to.step - from.step);
}

/** `2026-01-02 13:45`. */
function timeText(iso: string | undefined): string | undefined {
  return iso?.slice(0, 16).replace('T', ' ');
}

/** One line per text, the most recent first. */
function warningTexts(warnings: ReadonlyMap<string, RunWarning>): string[] {
  const sorted = [...warnings.values()].sort((a, b) => b.last - a.last);
  const lines = sorted.slice(0, MAX_WARNINGS).map(({ text, count, first, last }) => {
    const when = count === 1 ? `Step ${first}` : `Steps ${first} to ${last}, ${count} times`;
    return `${when}: ${text}`;
  });
  const rest = sorted.length - lines.length;
  return rest > 0 ? [...lines, `and ${rest} earlier ones, in metrics.jsonl`] : lines;
}

async function checkpointTable(runDir: string, steps: readonly number[]): Promise<ReportTable> {
  const rows = steps.slice(0, MAX_CHECKPOINTS).map(async (step) => {
    const folder = checkpointFolder(runDir, step);
    // A run may be removing the oldest one at this moment.
    const bytes = await folderBytes(folder).catch(() => undefined);
    const name = join('checkpoints', basename(folder));
    return bytes === undefined ? [] : [[String(step), name, formatBytes(bytes)]];
  });
  return {
    title: 'Checkpoints',
    columns: ['Step', 'Folder', 'Size'],
    rows: (await Promise.all(rows)).flat(),
  };
}

async function folderBytes(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}
