import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toWriteError, writeFully } from '../../../base/atomic-files.js';
import { systemCode } from '../../../base/errors.js';
import {
  type EventImage,
  histogramsEvent,
  imageEvent,
  scalarsEvent,
  startEvent,
  versionEvent,
} from './event.js';
import type { Histogram } from './histogram.js';
import { frameRecord } from './record.js';

/** TensorBoard reads files with `tfevents` in their names, in the order of the names. */
const NAME = /^events\.out\.tfevents\.(\d{10})\.gnr$/;

export interface EventFileOptions {
  /** Steps done before; what earlier files of the folder hold of later steps gives way. 0: all of it does. */
  step?: number;
  /** The time, seconds since 1970. */
  now?: () => number;
}

/**
 * A file that TensorBoard reads (TFRecords of Event messages). Each call adds one record to its end and hands it to the
 * system before it resolves: what a kill tears is at most the last record, which readers pass over. Await each call
 * before the next one.
 */
export class EventFile {
  /** Bytes of whole records. */
  private size = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly now: () => number,
  ) {}

  /**
   * Starts a new file in `dir`, which is made where it is missing; earlier files are left as they are.
   * @throws RunError that names the file, the cause and the remedy where the system refuses, as all writers below do.
   */
  static async open(dir: string, options: EventFileOptions = {}): Promise<EventFile> {
    const { step = 0, now = () => Date.now() / 1000 } = options;
    const { path, handle } = await create(dir, now());
    const file = new EventFile(path, handle, now);
    const seconds = now();
    // The resumed step itself stands in an earlier file and is not taken again.
    const firstStep = step === 0 ? 0 : step + 1;
    try {
      await file.append(versionEvent(seconds), startEvent({ seconds, step: firstStep }));
    } catch (error) {
      await handle.close();
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
    return file;
  }

  /** Adds numbers by tag; the part of a tag before its first slash is the chart's group. */
  async scalars(step: number, values: Readonly<Record<string, number>>): Promise<void> {
    await this.append(scalarsEvent(this.at(step), values));
  }

  /** Adds a PNG with its size in px. */
  async image(
    step: number,
    tag: string,
    png: Uint8Array,
    size: Readonly<Pick<EventImage, 'width' | 'height'>>,
  ): Promise<void> {
    await this.append(imageEvent(this.at(step), tag, { png, ...size }));
  }

  /** Adds a histogram. */
  async histogram(step: number, tag: string, histogram: Histogram): Promise<void> {
    await this.append(histogramsEvent(this.at(step), { [tag]: histogram }));
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private at(step: number) {
    return { seconds: this.now(), step };
  }

  private async append(...events: Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(events.map(frameRecord));
    try {
      await writeFully(this.handle, bytes);
      this.size += bytes.byteLength;
    } catch (error) {
      // Readers stop at a torn record: nothing must come after one.
      await this.handle.truncate(this.size).catch(() => undefined);
      throw toWriteError(error, this.path);
    }
  }
}

/** Creates a file whose name comes after those that are there, also where the clock was set back. */
async function create(dir: string, seconds: number): Promise<{ path: string; handle: FileHandle }> {
  let path = dir;
  try {
    await mkdir(dir, { recursive: true });
    const times = (await readdir(dir)).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
    let time = Math.max(Math.floor(seconds), ...times.map((earlier) => earlier + 1));
    for (; ; time++) {
      path = join(dir, `events.out.tfevents.${String(time).padStart(10, '0')}.gnr`);
      try {
        return { path, handle: await open(path, 'ax') };
      } catch (error) {
        // Another process took the name since.
        if (systemCode(error) !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw toWriteError(error, path);
  }
}
