// What both demos share: options, events, and the stages of drawing a dataset, training on it and stopping in between.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { InterruptedError } from '../base/errors.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import type { Config } from '../config/schema.js';
import { drawSampleDataset, type SampleDatasetOptions } from '../sample/draw.js';
import { FACTORS_FILE } from '../sample/factors-file.js';
import type { TrainEvent } from '../train/events.js';
import { type TrainOptions, trainRun } from '../train/loop.js';
import type { DemoFigures } from './measures.js';

/** Test photos that are translated and measured. */
export const TEST_IMAGES = 48;
/** Random styles of each measured photo. */
export const STYLES_PER_PHOTO = 4;

/** An event of either demo. */
export type StageEvent =
  | { type: 'drawing' | 'translating' | 'measuring'; done: number; total: number }
  | { type: 'training'; event: TrainEvent }
  | { type: 'done'; grid: string; report: string; figures: DemoFigures };

/** The options of both demos. */
export interface StageOptions {
  /** The folder for all output. */
  outDir: string;
  /** The config of training; the demo sets `data.root`. */
  config: Config;
  /** Number of images in each training folder of the sample dataset. */
  images: number;
  /** Name of the device on the page. */
  device: string;
  /** Date on the page. */
  date: string;
  signal: AbortSignal;
}

/** The options with a config that trains on this dataset. */
export function withDataset<Options extends StageOptions>(options: Options, root: string): Options {
  const { config } = options;
  return { ...options, config: { ...config, data: { ...config.data, root } } };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Lets signals arrive between computations that take seconds. @throws InterruptedError after `signal`. */
export async function pause(signal: AbortSignal): Promise<void> {
  await setImmediate();
  if (signal.aborted) throw new InterruptedError('stopped; the same command continues from there');
}

/** Draws a dataset unless an earlier demo has; yields progress. @throws InterruptedError after the signal. */
export async function* drawDataset(options: SampleDatasetOptions): AsyncGenerator<StageEvent> {
  if (await exists(join(options.dir, FACTORS_FILE))) return;
  // Progress is polled, because a callback cannot yield.
  let progress = { done: 0, total: 0 };
  let isOver = false;
  const work = drawSampleDataset({
    ...options,
    onProgress: (done, total) => {
      progress = { done, total };
    },
  }).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([work, new Promise((resolve) => setTimeout(resolve, 200))]);
    yield { type: 'drawing', ...progress };
  }
  await work;
}

/** Trains to the end of the config, from the newest checkpoint if an earlier demo left one. @throws InterruptedError after the signal. */
export async function* train({
  init,
  ...options
}: Pick<TrainOptions, 'config' | 'runDir' | 'init' | 'signal'>): AsyncGenerator<StageEvent> {
  const earlier = await latestCheckpoint(options.runDir);
  if (earlier !== undefined && earlier.step >= options.config.training.steps) return;
  const start = earlier !== undefined ? { resume: true } : init !== undefined ? { init } : {};
  for await (const event of trainRun({ ...options, ...start })) {
    yield { type: 'training', event };
    if (event.type === 'end' && event.interrupted)
      throw new InterruptedError('stopped; the same command continues from the checkpoint');
  }
}
