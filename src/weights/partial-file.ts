// A partly downloaded file and the record of its origin.
import { open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { makeFolders, toWriteError, writeFileAtomic, writeFully } from '../base/atomic-files.js';
import { systemCode } from '../base/errors.js';

/** The origin of a partial file, to check whether the rest still fits it. */
const originSchema = z.strictObject({
  url: z.string(),
  /** A strong ETag or a Last-Modified date, for If-Range; null if the server gave neither. */
  validator: z.string().nullable(),
  /** Bytes of the whole file; null if the server did not say. */
  totalBytes: z.number().nullable(),
});
export type Origin = z.infer<typeof originSchema>;

/** A partly downloaded file. */
export class PartialFile {
  readonly path: string;
  private readonly originPath: string;

  constructor(target: string) {
    this.path = `${target}.part`;
    this.originPath = `${target}.part.json`;
  }

  /** The bytes downloaded so far. */
  async bytes(): Promise<number> {
    return stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** Their origin; undefined if unknown. */
  async origin(): Promise<Origin | undefined> {
    try {
      return originSchema.safeParse(JSON.parse(await readFile(this.originPath, 'utf8'))).data;
    } catch {
      return undefined;
    }
  }

  /** Starts again without bytes. @throws RunError if the file cannot be written. */
  async restart(origin: Origin): Promise<void> {
    await this.remove();
    await writeFileAtomic(this.originPath, JSON.stringify(origin));
  }

  /**
   * Appends chunks as they arrive.
   *
   * @throws RunError if the file cannot be written; whatever the chunks throw. Bytes written until then stay.
   */
  async append(chunks: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): Promise<void> {
    const guarded = <T>(work: Promise<T>) =>
      work.catch((error: unknown) => {
        throw toWriteError(error, this.path);
      });
    await guarded(makeFolders(path.dirname(this.path)));
    const handle = await guarded(open(this.path, 'a'));
    try {
      for await (const chunk of chunks) {
        await guarded(writeFully(handle, chunk));
        onBytes(chunk.byteLength);
      }
      await guarded(handle.sync());
    } finally {
      await handle.close();
    }
  }

  /** @throws RunError if a file cannot be removed. */
  async remove(): Promise<void> {
    try {
      await rm(this.path, { force: true });
      await rm(this.originPath, { force: true });
    } catch (error) {
      if (systemCode(error) !== 'ENOTDIR') throw toWriteError(error, this.path);
    }
  }
}
