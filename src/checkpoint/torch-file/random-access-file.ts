// A file that can be read at any position, and the errors of damaged PyTorch files.
import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError, messageOf, systemCode } from '../../base/errors.js';

/** The largest single read. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** The error for a file that PyTorch cannot have written like this. */
export function brokenTorchFile(path: string, found: string, cause?: unknown): InputError {
  return new InputError(
    {
      expected: `a whole PyTorch checkpoint at ${path}`,
      found,
      remedy: 'download or copy the file again, or save it again with torch.save',
    },
    { cause },
  );
}

/** The error for a file from a machine of the other byte order. */
export function bigEndianFile(path: string): InputError {
  return new InputError({
    expected: `little-endian numbers in ${path}`,
    found: 'a file that a big-endian machine saved',
    remedy: 'load it with torch.load on this machine and save it again',
  });
}

/** A file that can be read at any position. */
export class RandomAccessFile {
  readonly path: string;
  readonly bytes: number;
  private readonly handle: FileHandle;

  private constructor(path: string, bytes: number, handle: FileHandle) {
    this.path = path;
    this.bytes = bytes;
    this.handle = handle;
  }

  /** @throws InputError that names the path if there is no file or it cannot be opened. */
  static async open(path: string): Promise<RandomAccessFile> {
    const expected = `a PyTorch checkpoint at ${path}`;
    try {
      // stat before open: opening a named pipe would wait for its other end.
      const stats = await stat(path);
      if (!stats.isFile()) {
        const found = stats.isDirectory() ? 'a folder' : 'something that is no file';
        throw new InputError({ expected, found, remedy: 'name the .pt file itself' });
      }
      const handle = await open(path, 'r');
      return new RandomAccessFile(path, (await handle.stat()).size, handle);
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined) throw error;
      const found = code === 'ENOENT' ? 'nothing' : `one that cannot be opened (${code})`;
      throw new InputError(
        { expected, found, remedy: 'check the path and its permissions' },
        { cause: error },
      );
    }
  }

  /** Fills `out` from `position`. @throws InputError if the file ends before. */
  async fill(position: number, out: Uint8Array): Promise<void> {
    for (let done = 0; done < out.byteLength; ) {
      const length = Math.min(CHUNK_BYTES, out.byteLength - done);
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.handle.read(out, done, length, position + done));
      } catch (error) {
        throw brokenTorchFile(this.path, `one that cannot be read (${messageOf(error)})`, error);
      }
      if (bytesRead === 0) throw brokenTorchFile(this.path, 'one that ends too early');
      done += bytesRead;
    }
  }

  /** Reads `length` bytes from `position`. @throws InputError if the file has fewer. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(position >= 0 && length >= 0 && position + length <= this.bytes))
      throw brokenTorchFile(this.path, 'one that ends too early');
    const out = new Uint8Array(length);
    await this.fill(position, out);
    return out;
  }

  /** Reads `length` bytes from `position` in chunks. */
  async *chunks(position: number, length: number): AsyncGenerator<Uint8Array> {
    for (let done = 0; done < length; done += CHUNK_BYTES)
      yield await this.read(position + done, Math.min(CHUNK_BYTES, length - done));
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
