// A dataset and the compiled program of worker threads, for tests of prepared batches.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { type Dataset, openDataset } from '../../src/data/folder.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { MainThread, type Preparer } from '../../src/train/preparation/preparer.js';
import { WorkerPool } from '../../src/train/preparation/worker-pool.js';
import { tinyConfig } from './config.js';
import { compileGnr } from './gnr.js';
import { runningThreads } from './threads.js';

/** The side of the images in pixels. */
export const SIZE = 32;
export const BATCH = 3;

/** The config of batches of `BATCH` images, with changes. */
export const batchConfig = (changes: PartialConfig = {}): Config =>
  tinyConfig({ ...changes, training: { batch: BATCH, ...changes.training } });

/** What tests of preparation share in one file; after each test, no thread may be left. */
export class PreparationSetup {
  folder = '';
  /** Eight images in either domain. */
  dataset!: Dataset;
  /** The compiled program of a worker: Node cannot run the TypeScript sources. */
  program!: URL;

  /** Call at the top of a test file. */
  static prepare(): PreparationSetup {
    const setup = new PreparationSetup();
    beforeAll(async () => {
      setup.folder = await mkdtemp(join(tmpdir(), 'gnr-workers-'));
      await compileGnr(setup.folder);
      setup.program = pathToFileURL(join(setup.folder, 'src/train/preparation/worker.js'));
      const root = join(setup.folder, 'images');
      await drawSampleDataset({ dir: root, images: 8, testImages: 0, size: SIZE });
      setup.dataset = await openDataset(root, { requireTest: false });
    });
    // After a failed set-up there may be no folder.
    afterAll(async () => {
      if (setup.folder !== '') await rm(setup.folder, { recursive: true, force: true });
    });
    afterEach(() => expect(runningThreads(), 'threads left').toBe(0));
    return setup;
  }

  /** Worker threads, or the main thread for 0 of them. */
  preparer(workers: number): Preparer {
    return workers === 0 ? new MainThread() : new WorkerPool(workers, this.program);
  }
}
