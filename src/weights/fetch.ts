import path from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import { withLock } from '../base/process-lock.js';
import { weightsDirectory, weightsState } from './cache.js';
import { type DownloadEvent, download, type Patience } from './download.js';
import { identityOf, isFile } from './file-hash.js';
import { importWeights } from './import.js';
import { KNOWN_WEIGHTS, type OfficialFile } from './known.js';
import type { WeightName } from './names.js';
import type { PartialFile } from './partial-file.js';

export type FetchEvent = { name: WeightName } & (
  | DownloadEvent
  | { kind: 'start'; url: string; file: string }
  /** The official weights are here already. */
  | { kind: 'there' }
  /** Another process fetches them. */
  | { kind: 'wait'; pid: number | undefined }
  | { kind: 'import'; doneBytes: number; totalBytes: number }
  | { kind: 'done'; file: string; sha256: string }
);

export interface FetchOptions {
  /** Address that official file names are appended to, in place of the makers' own; else `GNR_WEIGHTS_URL`. */
  from?: string | undefined;
  /** Says where the cache is (`cacheDirectory`). */
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: (event: FetchEvent) => void;
  patience?: Partial<Patience> | undefined;
}

/** Official files may be so many times as large as the table says: it has some sizes to three digits alone. */
const SIZE_TOLERANCE = 1.2;

/** The address of a file on a mirror. @throws InputError where the mirror's is none. */
function mirrored(base: string, file: string): string {
  const complain = (found: string) =>
    new InputError({
      expected: 'an address such as https://mirror.example/weights in --from or GNR_WEIGHTS_URL',
      found,
      remedy: 'name the folder that the official files are in',
    });
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw complain(JSON.stringify(base));
  }
  if (url.username || url.password) throw complain('one with a user name or a password');
  if (!/^https?:$/.test(url.protocol)) throw complain(`one that begins with ${url.protocol}`);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${file}`;
  return url.href;
}

function addressOf(file: OfficialFile, { from, env = process.env }: FetchOptions): string {
  const base = from ?? (env.GNR_WEIGHTS_URL || undefined);
  return base === undefined ? file.url! : mirrored(base, file.name);
}

/** Downloads until a file is official; one that was put together from two attempts gets a second chance as a whole. */
async function downloadOfficial(
  file: OfficialFile,
  url: string,
  target: string,
  limitBytes: number,
  options: FetchOptions & { onEvent: (event: DownloadEvent) => void },
): Promise<PartialFile> {
  const { signal, onEvent, patience } = options;
  for (;;) {
    let began: number | undefined;
    const part = await download(url, target, {
      limitBytes,
      signal,
      patience,
      onEvent: (event) => {
        if (event.kind === 'progress') began ??= event.doneBytes;
        onEvent(event);
      },
    });
    const identity = await identityOf(part.path, { signal });
    if (isFile(file, identity)) return part;
    await part.remove();
    // Where nothing had to come, or not all: the rest may be right.
    if (began !== 0) {
      onEvent({ kind: 'restart', why: 'the parts do not make up the official file' });
      continue;
    }
    const digits = 'gitBlob' in file.identity ? file.identity.gitBlob : file.identity.sha256Prefix;
    throw new InputError({
      expected: `${file.name} with ${'gitBlob' in file.identity ? "git's id" : 'a SHA-256 that begins with'} ${digits} at ${url}`,
      found: `${identity.bytes} bytes with ${'gitBlob' in file.identity ? identity.gitBlob : identity.sha256}`,
      remedy:
        'it was not taken; name another source with --from URL, or, if you trust that file, download it yourself and run gnr weights import FILE --unverified',
    });
  }
}

/**
 * Provides weights: downloads the official file, checks its hash, and converts it into the cache. Does nothing where the
 * official weights are there. One process at a time fetches the same file.
 *
 * @throws InputError where the server has no such file or another one; RunError where it cannot be reached or the disk
 *   refuses; InterruptedError. A download that was stopped goes on with the next call.
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
  try {
    await withLock(`${target}.lock`, work, { signal, onWait });
  } catch (error) {
    throw toWriteError(error, target);
  }
}
