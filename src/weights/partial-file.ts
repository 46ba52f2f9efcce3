import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { toWriteError, writeFileAtomic, writeFully } from '../base/atomic-files.js';
import { systemCode } from '../base/errors.js';

/** What tells whether the rest of a file still fits to the part that is here. */
const originSchema = z.strictObject({
  url: z.string(),
  /** A strong ETag or a Last-Modified date, for If-Range; null where the server gave neither. */
  validator: z.string().nullable(),
  /** Bytes of the whole file; null where the server did not say. */
  totalBytes: z.number().nullable(),
});
export type Origin = z.infer<typeof originSchema>;

/** A file that is being downloaded, or was until something stopped it. */
export class PartialFile {
  readonly path: string;
  private readonly originPath: string;

  constructor(target: string) {
    this.path = `${target}.part`;
    this.originPath = `${target}.part.json`;
  }

  /** Bytes that are here. */
  async bytes(): Promise<number> {
    return stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** Where they come from; undefined where that is not known. */
  async origin(): Promise<Origin | undefined> {
    try {
      return originSchema.safeParse(JSON.parse(await readFile(this.originPath, 'utf8'))).data;
    } catch {
      return undefined;
    }
  }

  /** Begins anew, with nothing. @throws RunError where the disk refuses. */
  async restart(origin: Origin): Promise<void> {
    await this.remove();
    await writeFileAtomic(this.originPath, JSON.stringify(origin));
  }

  /**
   * Writes pieces behind what is here, as they come.
   *
   * @throws RunError where the disk refuses; what the pieces throw. What is written until then stays.
   */
  async append(pieces: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): Promise<void> {
    const guarded = <T>(work: Promise<T>) =>
      work.catch((error: unknown) => {
        throw toWriteError(error, this.path);
      });
    await guarded(mkdir(path.dirname(this.path), { recursive: true }));
    const handle = await guarded(open(this.path, 'a'));
    try {
      for await (const piece of pieces) {
        await guarded(writeFully(handle, piece));
        onBytes(piece.byteLength);
      }
      await guarded(handle.sync());
    } finally {
      await handle.close();
    }
  }

  /** @throws RunError where the disk refuses. */
  async remove(): Promise<void> {
    try {
      await rm(this.path, { force: true });
      await rm(this.originPath, { force: true });
    } catch (error) {
      if (systemCode(error) !== 'ENOTDIR') throw toWriteError(error, this.path);
    }
  }
}
