import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { tryLock } from '../../src/base/process-lock.js';
import { writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { weightsState } from '../../src/weights/cache.js';
import { type FetchEvent, type FetchOptions, fetchWeights } from '../../src/weights/fetch.js';
import { importWeights } from '../../src/weights/import.js';
import { loadWeights } from '../../src/weights/load.js';
import { FileServer } from '../support/file-server.js';
import { rejectionMessage } from '../support/rejection.js';
import { formulaWeights, makeOfficial } from '../support/weights.js';

const NAME = 'lpips-alex';
let folder: string;
let env: NodeJS.ProcessEnv;
let server: FileServer;
let events: FetchEvent[];
let undo: () => void;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-fetch-'));
  env = { GNR_CACHE_DIR: join(folder, 'cache') };
  const official = join(folder, 'official.safetensors');
  await writeSafetensors(official, formulaWeights(NAME));
  undo = await makeOfficial(NAME, official);
  server = await new FileServer(await readFile(official)).start();
  events = [];
});
afterEach(async () => {
  undo();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function onEvent(event: FetchEvent): void {
  events.push(event);
  if (event.kind === 'progress') server.seen(event.doneBytes);
}

const get = (options: FetchOptions = {}) =>
  fetchWeights(NAME, {
    env,
    from: server.url,
    onEvent,
    patience: { stallSeconds: 20, retrySeconds: 0.01, attempts: 2 },
    ...options,
  });
const kinds = () => events.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1]);
const downloads = () => readdir(join(folder, 'cache', 'weights', 'downloads'));

describe('fetchWeights', () => {
  it('downloads, checks and converts the official file, once', async () => {
    await get();
    expect(kinds()).toEqual(['start', 'progress', 'import', 'done']);
    expect(events[0]).toEqual({ name: NAME, kind: 'start', url: `${server.url}/alex.pth`, file: 'alex.pth' });
    const { tensors, verified } = await loadWeights(NAME, env);
    expect(tensors).toEqual(formulaWeights(NAME));
    expect(verified).toBe(true);
    expect(await weightsState(NAME, env)).toMatchObject({ record: { source: { file: 'alex.pth' } } });
    expect(await downloads()).toEqual([]);
    await get();
    expect(kinds().at(-1)).toBe('there');
    expect(server.requests).toHaveLength(1);
  });

  it('replaces unverified and damaged weights', async () => {
    const file = join(folder, 'mine.safetensors');
    await writeSafetensors(file, formulaWeights(NAME), { mine: 'yes' });
    await importWeights(file, { env, unverified: true });
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'unverified' });
    await get();
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'present' });
    await writeFile(join(folder, 'cache', 'weights', `${NAME}.safetensors`), 'x');
    await get();
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'present' });
    expect(server.requests).toHaveLength(2);
  });

  it('rejects another file, and says what to do', async () => {
    server.content = server.content.map((byte, i) => (i === 2000 ? byte ^ 1 : byte));
    const message = await rejectionMessage(get());
    expect(message).toMatch(
      /alex\.pth with git's id [0-9a-f]{40} at http:.* but found \d+ bytes with [0-9a-f]{40}; name another source with --from/,
    );
    expect(await weightsState(NAME, env)).toEqual({ state: 'missing' });
    expect(await downloads()).toEqual([]);
  });

  it('downloads a whole file again whose parts do not fit together', async () => {
    const whole = server.content;
    server.content = whole.map((byte) => byte ^ 1);
    server.plan = [{ breakAt: 3000 }];
    await expect(get({ patience: { attempts: 1 } })).rejects.toThrow(/only|terminated|closed/);
    // The same ETag as before.
    server.content = whole;
    await get();
    expect(kinds()).toContain('restart');
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'present' });
    expect(server.requests.map(({ range }) => range !== undefined)).toEqual([false, true, false]);
  });

  it('continues with the same command after an interruption', async () => {
    const controller = new AbortController();
    server.plan = [{ stallAt: 2000 }];
    const onEvent = (event: FetchEvent): void => {
      if (event.kind === 'progress' && event.doneBytes === 2000) controller.abort();
    };
    await expect(get({ signal: controller.signal, onEvent })).rejects.toThrow(InterruptedError);
    expect((await downloads()).sort()).toEqual(['alex.pth.part', 'alex.pth.part.json']);
    await get();
    expect(server.requests[1]).toMatchObject({ range: 'bytes=2000-' });
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'present' });
  });

  it('downloads once for several simultaneous calls', async () => {
    await Promise.all([get(), get(), get()]);
    expect(server.requests).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === 'there')).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === 'wait')).toHaveLength(2);
    expect(await weightsState(NAME, env)).toMatchObject({ state: 'present' });
  });

  it('can be interrupted while it waits for another process', async () => {
    const { lock } = await tryLock(join(folder, 'cache', 'weights', 'downloads', 'alex.pth.lock'));
    const controller = new AbortController();
    const onEvent = ({ kind }: FetchEvent) => kind === 'wait' && controller.abort();
    await expect(get({ signal: controller.signal, onEvent })).rejects.toThrow(InterruptedError);
    await lock!.release();
  });
});

describe('the mirror', () => {
  it('can be named by GNR_WEIGHTS_URL, with a path and a query', async () => {
    await fetchWeights(NAME, { env: { ...env, GNR_WEIGHTS_URL: `${server.url}/a/b/?token=1` } });
    expect(server.requests.map(({ path }) => path)).toEqual(['/a/b/alex.pth?token=1']);
  });

  it.each([
    ['mirror', /found "mirror"/],
    ['file:///weights', /begins with file:/],
    ['http://me:secret@mirror.example', /a user name or a password/],
  ])('%s is refused', async (from, message) => {
    const told = await rejectionMessage(get({ from }));
    expect(told).toMatch(message);
    expect(told).not.toContain('secret');
    expect(server.requests).toEqual([]);
  });
});
