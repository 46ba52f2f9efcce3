import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, InterruptedError, RunError } from '../../src/base/errors.js';
import { type DownloadEvent, type DownloadOptions, download } from '../../src/weights/download.js';
import { withFailingCalls } from '../support/faults.js';
import { FileServer } from '../support/file-server.js';

/** Bytes that nothing repeats in. */
const CONTENT = Buffer.concat(
  Array.from({ length: 8192 }, (_, i) => createHash('sha256').update(String(i)).digest()),
);
const HALF = CONTENT.length / 2;

let folder: string;
let target: string;
let server: FileServer;
let events: DownloadEvent[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-download-'));
  target = join(folder, 'downloads', 'file.pth');
  server = await new FileServer(CONTENT).start();
  events = [];
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function onEvent(event: DownloadEvent): void {
  events.push(event);
  if (event.kind === 'progress') server.seen(event.doneBytes);
}

const get = (options: Partial<DownloadOptions> = {}, url = `${server.url}/file.pth`) =>
  download(url, target, {
    limitBytes: 2 * CONTENT.length,
    onEvent,
    patience: { stallSeconds: 20, retrySeconds: 0.01, attempts: 3 },
    ...options,
  });
const ofKind = <K extends DownloadEvent['kind']>(kind: K) =>
  events.filter((event): event is Extract<DownloadEvent, { kind: K }> => event.kind === kind);
const ranges = () => server.requests.map(({ range }) => range);

async function expectWhole(): Promise<void> {
  expect((await readFile(`${target}.part`)).equals(CONTENT)).toBe(true);
}

/** The error that a download ends in. */
async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable('was accepted'),
    (error: unknown) => error as Error,
  );
}

describe('download', () => {
  it('downloads a whole file, and reports progress', async () => {
    const part = await get();
    expect(part.path).toBe(`${target}.part`);
    await expectWhole();
    const told = ofKind('progress');
    expect(told[0]).toEqual({ kind: 'progress', doneBytes: 0, totalBytes: CONTENT.length });
    expect(told.at(-1)).toEqual({ kind: 'progress', doneBytes: CONTENT.length, totalBytes: CONTENT.length });
    expect(server.requests).toEqual([{ path: '/file.pth', range: undefined, ifRange: undefined }]);
    // And asks for nothing where all is there.
    await get();
    expect(server.requests).toHaveLength(1);
    await part.remove();
    expect(await readdir(join(folder, 'downloads'))).toEqual([]);
  });

  it('follows redirects', async () => {
    server.plan = [{ status: 302, headers: { location: '/elsewhere/file.pth' } }];
    await get();
    await expectWhole();
    expect(server.requests.map(({ path }) => path)).toEqual(['/file.pth', '/elsewhere/file.pth']);
  });

  it('downloads a file of unknown size', async () => {
    server.plan = [{ isChunked: true }];
    await get();
    await expectWhole();
    expect(ofKind('progress').map(({ totalBytes }) => totalBytes)).not.toContain(CONTENT.length);
    // Nor is it known afterwards whether all is there: the server tells.
    await get();
    await expectWhole();
    expect(ranges()).toEqual([undefined, `bytes=${CONTENT.length}-`]);
  });

  it.each([
    ['ETag', () => undefined, '"1"'],
    [
      'Last-Modified',
      () => {
        server.etag = 'W/"weak"';
        server.lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT';
      },
      'Wed, 21 Oct 2015 07:28:00 GMT',
    ],
  ])('continues after a broken connection, by %s', async (_, prepare, validator) => {
    prepare();
    server.plan = [{ breakAt: HALF }];
    await get();
    await expectWhole();
    expect(server.requests[1]).toMatchObject({
      range: `bytes=${HALF}-`,
      ifRange: validator,
    });
    expect(ofKind('retry')).toHaveLength(1);
    expect(ofKind('restart')).toEqual([]);
  });

  it('starts again if the server gives no validator', async () => {
    server.etag = undefined;
    server.plan = [{ breakAt: HALF }];
    await get();
    await expectWhole();
    expect(ranges()).toEqual([undefined, undefined]);
  });

  it('starts again if the server ignores the range', async () => {
    server.plan = [{ breakAt: HALF }, { ignoresRange: true }];
    await get();
    await expectWhole();
    expect(ofKind('restart')).toEqual([
      { kind: 'restart', reason: expect.stringContaining('cannot send a range') },
    ]);
  });

  it('starts again if the file has changed', async () => {
    server.plan = [{ breakAt: HALF, content: CONTENT.map((byte) => byte ^ 1) }];
    const first = await failure(get({ patience: { attempts: 1 } }));
    expect(first.message).toMatch(/are kept, and the same command continues/);
    server.etag = '"2"';
    await get();
    await expectWhole();
    expect(ofKind('restart')).toHaveLength(1);
  });

  it('starts again if the server sends another range, or has no more bytes', async () => {
    server.plan = [
      { breakAt: HALF },
      {
        status: 206,
        headers: { 'content-range': `bytes 0-9/${CONTENT.length}`, 'content-length': '10' },
        content: CONTENT.subarray(0, 10),
      },
    ];
    await get();
    await expectWhole();
    expect(ofKind('restart')).toHaveLength(1);
    // Longer than the file is now.
    await writeFile(`${target}.part`, Buffer.concat([CONTENT, CONTENT]));
    await get();
    await expectWhole();
    expect(ofKind('restart')).toHaveLength(2);
  });

  it('starts again if the address has changed', async () => {
    server.plan = [{ breakAt: HALF }];
    await failure(get({ patience: { attempts: 1 } }));
    await get({}, `${server.url}/mirror/file.pth`);
    await expectWhole();
    expect(ranges()).toEqual([undefined, undefined]);
  });

  it('waits longer before each new attempt, or as long as the server asks', async () => {
    const later = new Date(Date.now() + 3_600_000).toUTCString();
    server.plan = [
      { status: 503 },
      { status: 500 },
      { status: 429, headers: { 'retry-after': '0' } },
      { breakAt: HALF },
    ];
    await get({ patience: { retrySeconds: 0.01, attempts: 5 } });
    await expectWhole();
    expect(ofKind('retry').map(({ waitSeconds }) => waitSeconds)).toEqual([0.01, 0.02, 0, 0.01]);
    expect(ofKind('retry')[0]!.reason).toBe('the server answers HTTP 503');
    // An hour is too long.
    server.plan = [{ status: 429, headers: { 'retry-after': later } }];
    const error = await failure(get({}, `${server.url}/other.pth`));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(
      /HTTP 429, and the server asks to wait 3[56]\d\d s; run the same command again after that/,
    );
  });

  it('gives up on a server that sends a byte at each attempt', async () => {
    server.plan = Array.from({ length: 20 }, (_, i) => ({ breakAt: i + 1 }));
    const error = await failure(get());
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain('3 times in a row');
    expect(server.requests).toHaveLength(3);
  });

  it('gives up after several attempts without data', async () => {
    server.plan = Array.from({ length: 9 }, () => ({ status: 502 }));
    const error = await failure(get());
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(
      /HTTP 502, 3 times in a row; check the network \(behind a proxy.*NODE_USE_ENV_PROXY=1/,
    );
    expect(server.requests).toHaveLength(3);
    await server.stop();
    expect((await failure(get())).message).toMatch(/Cannot fetch http.*ECONNREFUSED.*3 times/);
    await server.start();
  });

  it.each([[0], [HALF]])('does not wait for a connection that stalls after %d bytes', async (stallAt) => {
    server.plan = [{ stallAt }];
    await get({ patience: { stallSeconds: 0.5, retrySeconds: 0.01, attempts: 9 } });
    await expectWhole();
    expect(ofKind('retry')[0]).toEqual({
      kind: 'retry',
      reason: 'no data arrived for 0.5 s',
      waitSeconds: 0.01,
    });
  });

  it.each([401, 403, 404, 410])('does not ask again after HTTP %d', async (status) => {
    server.plan = [{ status }];
    const error = await failure(get());
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      new RegExp(`found the answer HTTP ${status}; name another source with --from`),
    );
    expect(server.requests).toHaveLength(1);
  });

  it('rejects a web page and a file that is too large', async () => {
    server.plan = [{ headers: { 'content-type': 'text/html; charset=utf-8' } }];
    expect((await failure(get())).message).toMatch(/found a web page/);
    const limitBytes = HALF;
    expect((await failure(get({ limitBytes }))).message).toMatch(
      /at most 131072 bytes.*a file of 262144 bytes/,
    );
    server.plan = [{ headers: { 'content-encoding': 'unknown' } }];
    expect((await failure(get({ limitBytes }))).message).toMatch(/at most 131072 bytes.*a larger one/);
    expect(server.requests).toHaveLength(3);
  });

  it.each([
    ['told', false],
    ['not told', true],
  ])('rejects an empty file, its size %s', async (_, isChunked) => {
    server.plan = [{ isChunked, content: Buffer.alloc(0) }];
    const error = await failure(get());
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/a file of weights at http.*but found an empty file; name another source/);
    expect(server.requests).toHaveLength(1);
    // And nothing of it stands in the way of another attempt.
    await get();
    await expectWhole();
  });

  it('does not follow redirects endlessly', async () => {
    server.plan = Array.from({ length: 40 }, () => ({ status: 302, headers: { location: '/file.pth' } }));
    expect((await failure(get())).message).toMatch(/redirect count exceeded/);
    expect(ofKind('retry')).toEqual([]);
  });

  it('keeps the bytes that arrived when it is interrupted, and continues from there', async () => {
    const controller = new AbortController();
    server.plan = [{ stallAt: HALF }];
    const error = await failure(
      get({
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind === 'progress' && event.doneBytes === HALF) controller.abort();
        },
      }),
    );
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error.message).toBe(
      `Stopped; ${HALF} bytes of ${server.url}/file.pth are kept, and the same command continues from there.`,
    );
    expect((await stat(`${target}.part`)).size).toBe(HALF);
    await get();
    await expectWhole();
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
  });

  it('can be interrupted while it waits for another attempt, and before it begins', async () => {
    const controller = new AbortController();
    server.plan = [{ status: 503, headers: { 'retry-after': '100' } }];
    const error = await failure(
      get({ signal: controller.signal, onEvent: ({ kind }) => kind === 'retry' && controller.abort() }),
    );
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error.message).toMatch(/Stopped before the download of .* began/);
    await expect(get({ signal: controller.signal })).rejects.toThrow(InterruptedError);
  });

  it('reports a full disk, and continues when there is space again', async () => {
    server.plan = [{ breakAt: HALF }];
    await failure(get({ patience: { attempts: 1 } }));
    const failedCalls = await withFailingCalls('ENOSPC', 'write', /file\.pth\.part$/, async () => {
      const error = await failure(get());
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toMatch(
        /Cannot write .*file\.pth\.part: no space is left on the disk \(ENOSPC\); free some space/,
      );
    });
    expect(failedCalls).toBe(1);
    expect((await stat(`${target}.part`)).size).toBe(HALF);
    await get();
    await expectWhole();
    expect(ranges().slice(1)).toEqual([`bytes=${HALF}-`, `bytes=${HALF}-`]);
  });

  it('reports a place that cannot be written to', async () => {
    await mkdir(`${target}.part`, { recursive: true });
    const error = await failure(get());
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/Cannot write .*file\.pth\.part/);
  });
});
