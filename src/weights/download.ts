import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, InterruptedError, messageOf, RunError, systemCode } from '../base/errors.js';
import { type Origin, PartialFile } from './partial-file.js';

export type DownloadEvent =
  /** `totalBytes` is undefined where the server does not say. */
  | { kind: 'progress'; doneBytes: number; totalBytes: number | undefined }
  /** An attempt failed, and another follows. */
  | { kind: 'retry'; why: string; waitSeconds: number }
  /** What was there of an earlier attempt cannot be gone on with. */
  | { kind: 'restart'; why: string };

export interface DownloadOptions {
  /** A larger answer is not taken. */
  limitBytes: number;
  signal?: AbortSignal | undefined;
  onEvent: (event: DownloadEvent) => void;
  patience?: Partial<Patience> | undefined;
}

/** How long to wait for what. */
export interface Patience {
  /** A connection that brings nothing for so long has failed. */
  stallSeconds: number;
  /** Before the first new attempt; twice as long before each further one. */
  retrySeconds: number;
  /** Attempts in a row that bring nothing. */
  attempts: number;
  /** Longest `Retry-After` that is waited for. */
  maxWaitSeconds: number;
}

const PATIENCE: Patience = { stallSeconds: 30, retrySeconds: 1, attempts: 5, maxWaitSeconds: 300 };

/** A failure that another attempt may mend. */
class Transient extends Error {
  readonly waitSeconds: number | undefined;
  constructor(message: string, waitSeconds?: number, options?: ErrorOptions) {
    super(message, options);
    this.waitSeconds = waitSeconds;
  }
}

/** Nothing a new attempt would change: names that do not exist, certificates, endless redirects. */
const FINAL_CODES = /^(ENOTFOUND|ERR_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;
const WITHOUT_ANSWER =
  'check the network (behind a proxy, Node 22.21 or newer goes through HTTPS_PROXY where NODE_USE_ENV_PROXY=1 is set) and run the same command again, or download the file by other means and run gnr weights import FILE';
const OTHER_SOURCE =
  'name another source with --from URL or GNR_WEIGHTS_URL, or download the file by other means and run gnr weights import FILE';

/** The failure of a request or of the reading of its answer. */
function networkError(url: string, error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = systemCode(cause) ?? '';
  const why = messageOf(cause) || code || messageOf(error);
  if (FINAL_CODES.test(code) || /redirect count/.test(why))
    return new RunError(`Cannot fetch ${url}: ${why}; ${WITHOUT_ANSWER}.`, { cause: error });
  return new Transient(why, undefined, { cause: error });
}

/** The seconds that a server asks to wait, from either form of Retry-After. */
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** What If-Range takes: a strong ETag, else a date. */
function validatorOf(headers: Headers): string | null {
  const tag = headers.get('etag');
  return tag !== null && !tag.startsWith('W/') ? tag : headers.get('last-modified');
}

function bytesOf(text: string | null | undefined): number | null {
  return text && /^\d+$/.test(text) ? Number(text) : null;
}

/** One download: its attempts share the partial file. */
class Download {
  private readonly url: string;
  private readonly part: PartialFile;
  private readonly options: DownloadOptions;
  private readonly patience: Patience;
  /** Bytes in the partial file. */
  private done = 0;

  constructor(url: string, part: PartialFile, options: DownloadOptions) {
    this.url = url;
    this.part = part;
    this.options = options;
    this.patience = { ...PATIENCE, ...options.patience };
  }

  async run(): Promise<void> {
    let failures = 0;
    for (;;) {
      const before = await this.part.bytes();
      try {
        return await this.attempt(before);
      } catch (error) {
        if (this.options.signal?.aborted) throw await this.interrupted();
        if (!(error instanceof Transient)) throw error;
        failures = this.done > before ? 1 : failures + 1;
        if (failures >= this.patience.attempts) throw this.givenUp(error);
        await this.wait(error, failures);
      }
    }
  }

  private async wait({ message, waitSeconds }: Transient, failures: number): Promise<void> {
    const { retrySeconds, maxWaitSeconds } = this.patience;
    const seconds = waitSeconds ?? retrySeconds * 2 ** (failures - 1);
    if (seconds > maxWaitSeconds)
      throw new RunError(
        `Cannot fetch ${this.url}: ${message}, and the server asks to wait ${Math.ceil(seconds)} s; run the same command again then.`,
      );
    this.options.onEvent({ kind: 'retry', why: message, waitSeconds: seconds });
    try {
      await sleep(seconds * 1000, undefined, { signal: this.options.signal });
    } catch {
      throw await this.interrupted();
    }
  }

  private givenUp(error: Transient): RunError {
    const kept =
      this.done > 0
        ? ` What is here (${this.done} bytes) is kept, and the same command goes on from there where the server can.`
        : '';
    return new RunError(
      `Cannot fetch ${this.url}: ${error.message}, ${this.patience.attempts} times in a row; ${WITHOUT_ANSWER}.${kept}`,
      { cause: error },
    );
  }

  private async interrupted(): Promise<InterruptedError> {
    const bytes = await this.part.bytes();
    return new InterruptedError(
      bytes > 0
        ? `Stopped; ${bytes} bytes of ${this.url} are kept, and the same command goes on from there.`
        : `Stopped before anything of ${this.url} came.`,
    );
  }

  /** One request, and the reading of its answer. */
  private async attempt(bytes: number): Promise<void> {
    const origin = await this.part.origin();
    if (bytes > 0 && origin?.url === this.url && origin.totalBytes === bytes) return;
    const canGoOn = bytes > 0 && origin?.url === this.url && origin.validator !== null;
    this.done = canGoOn ? bytes : 0;
    const stalled = new AbortController();
    const { signal } = this.options;
    const timer = setTimeout(() => stalled.abort(), this.patience.stallSeconds * 1000);
    try {
      const response = await fetch(this.url, {
        // Encoded bytes would have other lengths and other places.
        headers: {
          'accept-encoding': 'identity',
          ...(canGoOn && { range: `bytes=${bytes}-`, 'if-range': origin.validator! }),
        },
        signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
      });
      const totalBytes = await this.prepare(response, canGoOn ? { ...origin, bytes } : undefined);
      if (totalBytes === this.done) return;
      if (response.body === null) throw new Transient('an answer without content');
      await this.receive(response.body, totalBytes, () => timer.refresh());
    } catch (error) {
      if (stalled.signal.aborted && !signal?.aborted)
        throw new Transient(`nothing came for ${this.patience.stallSeconds} s`);
      const isOurs = error instanceof Transient || error instanceof InputError || error instanceof RunError;
      throw isOurs ? error : networkError(this.url, error);
    } finally {
      clearTimeout(timer);
      // Ends a connection whose answer was not read to its end.
      stalled.abort();
    }
  }

  /** Makes the partial file ready for the body. @returns bytes of the whole file, where they are known. */
  private async prepare(
    { status, headers }: Response,
    resumed: (Origin & { bytes: number }) | undefined,
  ): Promise<number | null> {
    if (status === 206 && resumed) {
      const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
      const total = bytesOf(range?.[2]) ?? resumed.totalBytes;
      const isSame = resumed.totalBytes === null || total === resumed.totalBytes;
      if (Number(range?.[1]) === resumed.bytes && isSame) return this.checkSize(total);
      return this.discard('the server sent another part');
    }
    if (status === 416 && resumed) {
      const total = bytesOf(/^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
      if (total === resumed.bytes) return total;
      return this.discard('the server has no more of it');
    }
    if (status !== 200) throw this.refused(status, headers);
    if (headers.get('content-type')?.startsWith('text/html'))
      throw new InputError({
        expected: `a file of weights at ${this.url}`,
        found: 'a web page',
        remedy: OTHER_SOURCE,
      });
    if (resumed) this.restarted('the file has changed, or the server cannot send a part of it');
    const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity';
    const totalBytes = isPlain ? this.checkSize(bytesOf(headers.get('content-length'))) : null;
    if (totalBytes === 0) throw this.empty();
    await this.part.restart({ url: this.url, validator: validatorOf(headers), totalBytes });
    return totalBytes;
  }

  private restarted(why: string): void {
    this.done = 0;
    this.options.onEvent({ kind: 'restart', why });
  }

  private async discard(why: string): Promise<never> {
    await this.part.remove();
    this.restarted(why);
    throw new Transient(why, 0);
  }

  private checkSize(totalBytes: number | null): number | null {
    if (totalBytes !== null && totalBytes > this.options.limitBytes)
      throw this.tooLarge(`a file of ${totalBytes} bytes`);
    return totalBytes;
  }

  private tooLarge(found: string): InputError {
    const expected = `a file of at most ${this.options.limitBytes} bytes at ${this.url}`;
    return new InputError({ expected, found, remedy: OTHER_SOURCE });
  }

  private empty(): InputError {
    return new InputError({
      expected: `a file of weights at ${this.url}`,
      found: 'an empty answer',
      remedy: OTHER_SOURCE,
    });
  }

  private refused(status: number, headers: Headers): Error {
    const isTransient = status === 408 || status === 425 || status === 429 || status >= 500;
    if (isTransient) return new Transient(`the server answers HTTP ${status}`, retryAfter(headers));
    return new InputError({
      expected: `a file of weights at ${this.url}`,
      found: `the answer HTTP ${status}`,
      remedy: OTHER_SOURCE,
    });
  }

  private async receive(
    body: AsyncIterable<Uint8Array>,
    totalBytes: number | null,
    onAlive: () => void,
  ): Promise<void> {
    const { limitBytes, onEvent } = this.options;
    const report = () =>
      onEvent({ kind: 'progress', doneBytes: this.done, totalBytes: totalBytes ?? undefined });
    report();
    const pieces = async function* () {
      for await (const piece of body) {
        onAlive();
        yield piece;
      }
    };
    await this.part.append(pieces(), (bytes) => {
      this.done += bytes;
      report();
      if (this.done > limitBytes) throw this.tooLarge('a larger one');
    });
    if (totalBytes !== null && this.done < totalBytes)
      throw new Transient(`only ${this.done} of ${totalBytes} bytes came`);
    if (this.done === 0) throw this.empty();
  }
}

/**
 * Downloads a file to `TARGET.part`, or goes on with what an earlier attempt left there.
 *
 * @returns path of the whole file, which nobody has checked.
 * @throws InputError where the server refuses or has something else; RunError where it cannot be reached or the disk
 *   refuses; InterruptedError. What had come stays for the next attempt.
 */
export async function download(url: string, target: string, options: DownloadOptions): Promise<PartialFile> {
  const part = new PartialFile(target);
  await new Download(url, part, options).run();
  return part;
}
