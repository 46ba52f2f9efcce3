// Downloads pretrained weights and converts them into the cache.
import path from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { makeCacheDirectory } from '../base/cache-directory.js';
import { InputError } from '../base/errors.js';
import { withLock } from '../base/process-lock.js';
import { weightsDirectory, weightsState } from './cache.js';
import { type DownloadEvent, download, type Patience } from './download.js';
import { identityOf, isOfficialFile } from './file-hash.js';
import { importWeights } from './import.js';
import { KNOWN_WEIGHTS, type OfficialFile } from './known.js';
import type { WeightName } from './names.js';
import type { PartialFile } from './partial-file.js';

export type FetchEvent = { name: WeightName } & (
  | DownloadEvent
  | { kind: 'start'; url: string; file: string }
  /** The official weights are in the cache already. */
  | { kind: 'there' }
  /** Another process is fetching them. */
  | { kind: 'wait'; pid: number | undefined }
  | { kind: 'import'; doneBytes: number; totalBytes: number }
  | { kind: 'done'; file: string; sha256: string }
);

export interface FetchOptions {
  /** The address of a mirror, to which official file names are appended. Default: `GNR_WEIGHTS_URL`, else the official address. */
  from?: string | undefined;
  /** Determines the cache folder (`cacheDirectory`). */
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: (event: FetchEvent) => void;
  patience?: Partial<Patience> | undefined;
}

/** Official files may be larger than the table says by this factor: some sizes there have three digits. */
const SIZE_TOLERANCE = 1.2;

/** The address of a file on a mirror. @throws InputError if `base` is not an address. */
function mirrored(base: string, file: string): string {
  const inputError = (found: string) =>
    new InputError({
      expected: 'an address such as https://mirror.example/weights in --from or GNR_WEIGHTS_URL',
      found,
      remedy: 'name the folder that the official files are in',
    });
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw inputError(JSON.stringify(base));
  }
  if (url.username || url.password) throw inputError('one with a user name or a password');
  if (!/^https?:$/.test(url.protocol)) throw inputError(`one that begins with ${url.protocol}`);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${file}`;
  return url.href;
}

function addressOf(file: OfficialFile, { from, env = process.env }: FetchOptions): string {
  const base = from ?? (env.GNR_WEIGHTS_URL || undefined);
  return base === undefined ? file.url! : mirrored(base, file.name);
}

/** Downloads the official file; one that two attempts put together is downloaded once more as a whole if its hash is wrong. */
async function downloadOfficial(
  file: OfficialFile,
  url: string,
  target: string,
  limitBytes: number,
  options: FetchOptions & { onEvent: (event: DownloadEvent) => void },
): Promise<PartialFile> {
  const { signal, onEvent, patience } = options;
  for (;;) {
    let firstByte: number | undefined;
    const part = await download(url, target, {
      limitBytes,
      signal,
      patience,
      onEvent: (event) => {
        if (event.kind === 'progress') firstByte ??= event.doneBytes;
        onEvent(event);
      },
    });
    const identity = await identityOf(part.path, { signal });
    if (isOfficialFile(file, identity)) return part;
    await part.remove();
    // The file was at least partly there before: a complete download may be right.
    if (firstByte !== 0) {
      onEvent({ kind: 'restart', reason: 'the parts do not make up the official file' });
      continue;
    }
    const digits = 'gitBlob' in file.identity ? file.identity.gitBlob : file.identity.sha256Prefix;
    throw new InputError({
      expected: `${file.name} with ${'gitBlob' in file.identity ? "git's id" : 'a SHA-256 that begins with'} ${digits} at ${url}`,
      found: `${identity.bytes} bytes with ${'gitBlob' in file.identity ? identity.gitBlob : identity.sha256}`,
      remedy:
        'name another source with --from URL, or, if you trust that file, download it yourself and run gnr weights import FILE --unverified',
    });
  }
}

/**
 * Provides weights: downloads the official file, checks its hash, and converts it into the cache. Does nothing if the
 * official weights are there. One process at a time fetches the same file.
 *
 * @throws InputError if the server does not have the file or has another one; RunError if the server cannot be reached or
 *   a file cannot be written; InterruptedError after `signal`. The next call continues an interrupted download.
 */
export async function fetchWeights(name: WeightName, options: FetchOptions = {}): Promise<void> {
  const { env, signal, onEvent = () => undefined } = options;
  const { files, downloadBytes } = KNOWN_WEIGHTS[name];
  const [file] = files as [OfficialFile, ...OfficialFile[]];
  const url = addressOf(file, options);
  const target = path.join(weightsDirectory(env), 'downloads', file.name);
  const work = async (): Promise<void> => {
    if ((await weightsState(name, env)).state === 'present') return onEvent({ name, kind: 'there' });
    onEvent({ name, kind: 'start', url, file: file.name });
    const part = await downloadOfficial(file, url, target, Math.ceil(downloadBytes * SIZE_TOLERANCE), {
      ...options,
      onEvent: (event) => onEvent({ name, ...event }),
    });
    const [imported] = await importWeights(part.path, {
      as: name,
      env,
      signal,
      sourceName: file.name,
      onProgress: (doneBytes, totalBytes) => onEvent({ name, kind: 'import', doneBytes, totalBytes }),
    });
    await part.remove();
    onEvent({ name, kind: 'done', file: imported!.file, sha256: imported!.sha256 });
  };
  const onWait = (pid: number | undefined) => onEvent({ name, kind: 'wait', pid });
  await makeCacheDirectory(env);
  try {
    await withLock(`${target}.lock`, work, { signal, onWait });
  } catch (error) {
    throw toWriteError(error, target);
  }
}
