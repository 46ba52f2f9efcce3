// Downloads a file over HTTP, with retries, and continues earlier attempts.
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, InterruptedError, messageOf, RunError, systemCode } from '../base/errors.js';
import { type Origin, PartialFile } from './partial-file.js';

export type DownloadEvent =
  /** `totalBytes` is undefined if the server does not say. */
  | { kind: 'progress'; doneBytes: number; totalBytes: number | undefined }
  /** An attempt failed, and another follows. */
  | { kind: 'retry'; reason: string; waitSeconds: number }
  /** The bytes of an earlier attempt cannot be continued. */
  | { kind: 'restart'; reason: string };

export interface DownloadOptions {
  /** The largest file that is accepted. */
  limitBytes: number;
  signal?: AbortSignal | undefined;
  onEvent: (event: DownloadEvent) => void;
  patience?: Partial<Patience> | undefined;
}

/** Time limits and attempts. */
export interface Patience {
  /** A connection without data for so long has failed. */
  stallSeconds: number;
  /** The wait before the first new attempt; it doubles before each further one. */
  retrySeconds: number;
  /** The number of attempts in a row that may bring nothing, or less than a thousandth of the largest file. */
  attempts: number;
  /** The longest accepted `Retry-After`. */
  maxWaitSeconds: number;
}

const PATIENCE: Patience = { stallSeconds: 30, retrySeconds: 1, attempts: 5, maxWaitSeconds: 300 };

/** A failure that another attempt may overcome. */
class TransientError extends Error {
  readonly waitSeconds: number | undefined;
  constructor(message: string, waitSeconds?: number, options?: ErrorOptions) {
    super(message, options);
    this.waitSeconds = waitSeconds;
  }
}

/** Failures that a new attempt would repeat: unknown hosts, certificates, endless redirects. */
const FINAL_CODES = /^(ENOTFOUND|ERR_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;
const WITHOUT_ANSWER =
  'check the network (behind a proxy, set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY, with Node 22.21 or newer) and run the same command again, or download the file by other means and run gnr weights import FILE';
const OTHER_SOURCE =
  'name another source with --from URL or GNR_WEIGHTS_URL, or download the file by other means and run gnr weights import FILE';

/** The error of a request that failed, or of a response that could not be read. */
function networkError(url: string, error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = systemCode(cause) ?? '';
  const reason = messageOf(cause) || code || messageOf(error);
  if (FINAL_CODES.test(code) || /redirect count/.test(reason))
    return new RunError(`Cannot fetch ${url}: ${reason}; ${WITHOUT_ANSWER}.`, { cause: error });
  return new TransientError(reason, undefined, { cause: error });
}

/** The seconds that a server asks to wait, in either form of Retry-After. */
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** A validator for If-Range: a strong ETag, else a date. */
function validatorOf(headers: Headers): string | null {
  const tag = headers.get('etag');
  return tag !== null && !tag.startsWith('W/') ? tag : headers.get('last-modified');
}

function bytesOf(text: string | null | undefined): number | null {
  return text && /^\d+$/.test(text) ? Number(text) : null;
}

/** One download, whose attempts share the partial file. */
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
    /** Bytes of the last attempt that brought something worth another one. */
    let reached = await this.part.bytes();
    for (;;) {
      const before = await this.part.bytes();
      try {
        return await this.attempt(before);
      } catch (error) {
        if (this.options.signal?.aborted) throw await this.interrupted();
        if (!(error instanceof TransientError)) throw error;
        const isWorthwhile = this.done > reached && this.done - reached >= this.options.limitBytes / 1000;
        failures = isWorthwhile ? 1 : failures + 1;
        if (isWorthwhile) reached = this.done;
        if (failures >= this.patience.attempts) throw this.givenUp(error);
        await this.wait(error, failures);
      }
    }
  }

  private async wait({ message, waitSeconds }: TransientError, failures: number): Promise<void> {
    const { retrySeconds, maxWaitSeconds } = this.patience;
    const seconds = waitSeconds ?? retrySeconds * 2 ** (failures - 1);
    if (seconds > maxWaitSeconds)
      throw new RunError(
        `Cannot fetch ${this.url}: ${message}, and the server asks to wait ${Math.ceil(seconds)} s; run the same command again after that.`,
      );
    this.options.onEvent({ kind: 'retry', reason: message, waitSeconds: seconds });
    try {
      await sleep(seconds * 1000, undefined, { signal: this.options.signal });
    } catch {
      throw await this.interrupted();
    }
  }

  private givenUp(error: TransientError): RunError {
    const kept =
      this.done > 0
        ? ` The ${this.done} bytes so far are kept, and the same command continues from there if the server can.`
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
        ? `Stopped; ${bytes} bytes of ${this.url} are kept, and the same command continues from there.`
        : `Stopped before the download of ${this.url} began.`,
    );
  }

  /** One request, with its response. */
  private async attempt(bytes: number): Promise<void> {
    const origin = await this.part.origin();
    if (bytes > 0 && origin?.url === this.url && origin.totalBytes === bytes) return;
    const canContinue = bytes > 0 && origin?.url === this.url && origin.validator !== null;
    this.done = canContinue ? bytes : 0;
    const stalled = new AbortController();
    const { signal } = this.options;
    const timer = setTimeout(() => stalled.abort(), this.patience.stallSeconds * 1000);
    try {
      const response = await fetch(this.url, {
        // Encoded bytes would have other lengths and offsets.
        headers: {
          'accept-encoding': 'identity',
          ...(canContinue && { range: `bytes=${bytes}-`, 'if-range': origin.validator! }),
        },
        signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
      });
      const totalBytes = await this.prepare(response, canContinue ? { ...origin, bytes } : undefined);
      if (totalBytes === this.done) return;
      if (response.body === null) throw new TransientError('a response without content');
      await this.receive(response.body, totalBytes, () => timer.refresh());
    } catch (error) {
      if (stalled.signal.aborted && !signal?.aborted)
        throw new TransientError(`no data arrived for ${this.patience.stallSeconds} s`);
      const isOurs =
        error instanceof TransientError || error instanceof InputError || error instanceof RunError;
      throw isOurs ? error : networkError(this.url, error);
    } finally {
      clearTimeout(timer);
      // Ends a connection whose response was not read to its end.
      stalled.abort();
    }
  }

  /** Prepares the partial file for the body. @returns bytes of the whole file, or null if they are unknown. */
  private async prepare(
    { status, headers }: Response,
    resumed: (Origin & { bytes: number }) | undefined,
  ): Promise<number | null> {
    if (status === 206 && resumed) {
      const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
      const total = bytesOf(range?.[2]) ?? resumed.totalBytes;
      const isSame = resumed.totalBytes === null || total === resumed.totalBytes;
      if (Number(range?.[1]) === resumed.bytes && isSame) return this.checkSize(total);
      return this.discard('the server sent another range');
    }
    if (status === 416 && resumed) {
      const total = bytesOf(/^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
      if (total === resumed.bytes) return total;
      return this.discard('the server has no more bytes of it');
    }
    if (status !== 200) throw this.statusError(status, headers);
    if (headers.get('content-type')?.startsWith('text/html'))
      throw new InputError({
        expected: `a file of weights at ${this.url}`,
        found: 'a web page',
        remedy: OTHER_SOURCE,
      });
    if (resumed) this.restarted('the file has changed, or the server cannot send a range of it');
    const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity';
    const totalBytes = isPlain ? this.checkSize(bytesOf(headers.get('content-length'))) : null;
    if (totalBytes === 0) throw this.empty();
    await this.part.restart({ url: this.url, validator: validatorOf(headers), totalBytes });
    return totalBytes;
  }

  private restarted(reason: string): void {
    this.done = 0;
    this.options.onEvent({ kind: 'restart', reason });
  }

  private async discard(reason: string): Promise<never> {
    await this.part.remove();
    this.restarted(reason);
    throw new TransientError(reason, 0);
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
      found: 'an empty file',
      remedy: OTHER_SOURCE,
    });
  }

  private statusError(status: number, headers: Headers): Error {
    const isTransient = status === 408 || status === 425 || status === 429 || status >= 500;
    if (isTransient) return new TransientError(`the server answers HTTP ${status}`, retryAfter(headers));
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
    const chunks = async function* () {
      for await (const chunk of body) {
        onAlive();
        yield chunk;
      }
    };
    await this.part.append(chunks(), (bytes) => {
      this.done += bytes;
      report();
      if (this.done > limitBytes) throw this.tooLarge('a larger one');
    });
    if (totalBytes !== null && this.done < totalBytes)
      throw new TransientError(`only ${this.done} of ${totalBytes} bytes arrived`);
    if (this.done === 0) throw this.empty();
  }
}

/**
 * Downloads a file to `TARGET.part`, or continues an earlier attempt there.
 *
 * @returns the complete file, whose content is not checked.
 * @throws InputError if the server does not give the file; RunError if the server cannot be reached or the file cannot be
 *   written; InterruptedError after `signal`. Downloaded bytes stay for the next attempt.
 */
export async function download(url: string, target: string, options: DownloadOptions): Promise<PartialFile> {
  const part = new PartialFile(target);
  await new Download(url, part, options).run();
  return part;
}
