// Short training runs in temporary folders.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { loadEngine } from '../../src/runtime/node.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import type { TrainEvent } from '../../src/train/events.js';
import { type MetricsRow, readMetrics } from '../../src/train/log/metrics-log.js';
import { type TrainOptions, trainRun } from '../../src/train/loop.js';
import { MIN_LAYERS, tinyConfig } from './config.js';

/** Folders of one test file: a dataset for all of its tests, and for each test a new folder for a run. */
export class RunFolders {
  dataset = '';
  /** For runs that several tests of the file look at. */
  shared = '';
  folder = '';
  runDir = '';

  /** Call at the top of a test file. */
  static prepare(): RunFolders {
    const folders = new RunFolders();
    beforeAll(async () => {
      await loadEngine();
      folders.shared = await mkdtemp(join(tmpdir(), 'gnr-train-shared-'));
      folders.dataset = join(folders.shared, 'data');
      await drawSampleDataset({ dir: folders.dataset, images: 5, testImages: 2, size: 32 });
    });
    afterAll(async () => {
      // This also runs after a failed set-up, which may have made no folder.
      if (folders.shared !== '') await rm(folders.shared, { recursive: true, force: true });
    });
    beforeEach(async () => {
      folders.folder = await mkdtemp(join(tmpdir(), 'gnr-train-'));
      folders.runDir = join(folders.folder, 'run');
    });
    afterEach(() => rm(folders.folder, { recursive: true, force: true }));
    return folders;
  }

  /** The config of a short run, kernel by kernel: capturing takes longer than a few small steps. */
  config(steps: number, changes: PartialConfig = {}): Config {
    return tinyConfig({
      ...changes,
      model: { ...MIN_LAYERS, ...changes.model },
      data: { root: this.dataset, ...changes.data },
      training: { r1EverySteps: 2, ...changes.training, steps },
      log: { everySteps: 2, sampleEverySteps: 1000, sampleImages: 1, ...changes.log },
      runtime: { capture: false, ...changes.runtime },
    });
  }

  /** Trains to the end; `onEvent` sees every event as it comes. */
  async train(
    config: Config,
    options: Partial<TrainOptions> = {},
    onEvent: (event: TrainEvent) => void = () => undefined,
  ): Promise<TrainEvent[]> {
    const events: TrainEvent[] = [];
    for await (const event of trainRun({ config, runDir: this.runDir, ...options })) {
      events.push(event);
      onEvent(event);
    }
    return events;
  }

  checkpointAt(step: number, run = this.runDir): string {
    return join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`);
  }

  /** The bytes of a checkpoint's tensors. */
  weightsAt(step: number, run = this.runDir): Promise<Buffer[]> {
    const names = ['model.safetensors', 'training.safetensors'];
    return Promise.all(names.map((name) => readFile(join(this.checkpointAt(step, run), name))));
  }

  async metrics(run = this.runDir): Promise<MetricsRow[]> {
    const rows: MetricsRow[] = [];
    for await (const row of readMetrics(join(run, 'metrics.jsonl'))) rows.push(row);
    return rows;
  }
}

export const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);

export const areEqual = (ours: Buffer[], theirs: Buffer[]): boolean =>
  ours.length === theirs.length && ours.every((bytes, i) => bytes.equals(theirs[i]!));
