// Event files, which TensorBoard reads.
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

/** TensorBoard reads files whose names contain `tfevents`, in the order of the names. */
const NAME = /^events\.out\.tfevents\.(\d{10})\.gnr$/;

export interface EventFileOptions {
  /** Steps done before. Readers drop later steps of earlier files in the folder, or everything if it is 0. */
  step?: number;
  /** The current time, seconds since 1970. */
  now?: () => number;
}

/**
 * A file that TensorBoard reads (TFRecords of Event messages). Each call appends one record and hands it to the system
 * before it resolves, so a kill can damage only the last record, which readers skip. Await each call before the next.
 */
export class EventFile {
  /** Bytes of complete records. */
  private size = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly now: () => number,
  ) {}

  /**
   * Starts a new file in `dir`, which is created if it is missing; earlier files stay as they are.
   * @throws RunError that names the file, the cause and the remedy if it cannot be written, like all writers below.
   */
  static async open(dir: string, options: EventFileOptions = {}): Promise<EventFile> {
    const { step = 0, now = () => Date.now() / 1000 } = options;
    const { path, handle } = await create(dir, now());
    const file = new EventFile(path, handle, now);
    const seconds = now();
    // The resumed step itself is in an earlier file and is not repeated.
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
      // Readers stop at an incomplete record: nothing must follow one.
      await this.handle.truncate(this.size).catch(() => undefined);
      throw toWriteError(error, this.path);
    }
  }
}

/** Creates a file whose name sorts after the existing ones, even if the clock was set back. */
async function create(dir: string, seconds: number): Promise<{ path: string; handle: FileHandle }> {
  let path = dir;
  try {
    await mkdir(dir, { recursive: true });
    // One by one: a folder can have more names than a call may have arguments.
    let time = Math.floor(seconds);
    for (const name of await readdir(dir)) time = Math.max(time, Number(NAME.exec(name)?.[1] ?? -1) + 1);
    for (; ; time++) {
      path = join(dir, `events.out.tfevents.${String(time).padStart(10, '0')}.gnr`);
      try {
        return { path, handle: await open(path, 'ax') };
      } catch (error) {
        // Another process took the name in the meantime.
        if (systemCode(error) !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw toWriteError(error, path);
  }
}
