import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeTorchFile } from '../../src/checkpoint/torch-file/write-torch-file.js';
import type { WeightsRow } from '../../src/weights/list.js';
import { WEIGHT_NAMES } from '../../src/weights/names.js';
import { FileServer } from '../support/file-server.js';
import { compileGnr, errorMessages, gnr, startGnr, until } from '../support/gnr.js';
import { formulaWeights, makeOfficial, toPickle } from '../support/weights.js';

let folder: string;
let file: string;
let undo: (() => void) | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-weights-cli-'));
  vi.stubEnv('GNR_CACHE_DIR', join(folder, 'cache'));
  vi.stubEnv('GNR_WEIGHTS_URL', '');
  file = join(folder, 'alex.pth');
  await writeTorchFile(file, toPickle(formulaWeights('lpips-alex')));
});
afterEach(async () => {
  undo?.();
  undo = undefined;
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function states(): Promise<Record<string, string>> {
  const { code, stdout } = await gnr('weights', 'list', '--json');
  expect(code).toBe(0);
  return Object.fromEntries((JSON.parse(stdout) as WeightsRow[]).map(({ name, state }) => [name, state]));
}

describe('gnr weights list', () => {
  it('prints a table of all weights, with a remedy for each that is missing', async () => {
    const { code, stdout } = await gnr('weights', 'list');
    expect(code).toBe(0);
    for (const name of WEIGHT_NAMES) {
      expect(stdout).toMatch(new RegExp(`^${name} +missing\\b`, 'm'));
      expect(stdout).toMatch(new RegExp(`gnr weights fetch ${name}, .*gnr weights import .*\\.pth`));
    }
    expect(await states()).toEqual(Object.fromEntries(WEIGHT_NAMES.map((name) => [name, 'missing'])));
  });

  it('prints the file and its size for weights that are present', async () => {
    await gnr('weights', 'import', file, '--unverified');
    const { stdout } = await gnr('weights', 'list');
    expect(stdout).toMatch(/^lpips-alex +unverified +\d+ kB .*\/.*lpips-alex\.safetensors$/m);
    expect(stdout).not.toMatch(/gnr weights fetch lpips-alex/);
    expect(await states()).toMatchObject({ 'lpips-alex': 'unverified', alexnet: 'missing' });
  });
});

describe('gnr weights import', () => {
  it('rejects a file that is not official with exit code 2, and accepts it with --unverified', async () => {
    const refused = await gnr('weights', 'import', file);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^gnr: Expected an official file at .*alex\.pth .*--unverified/);
    const { code, stdout } = await gnr('weights', 'import', file, '--unverified');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lpips-alex \(unverified\): \/.*lpips-alex\.safetensors\n$/);
  });

  it('accepts an official file, but not under the name of other weights', async () => {
    undo = await makeOfficial('lpips-alex', file);
    const refused = await gnr('weights', 'import', file, '--as', 'lpips-vgg');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/the weights lpips-vgg in .* but found lin1\.model\.1\.weight of shape/);
    expect(await gnr('weights', 'import', file)).toMatchObject({ code: 0, stderr: '' });
    expect(await states()).toMatchObject({ 'lpips-alex': 'present' });
  });

  it.each([
    [['weights'], /weights list/],
    [['weights', 'import'], /Not enough/],
    [['weights', 'import', 'none.pth'], /none\.pth but found nothing/],
    [['weights', 'import', 'none.pth', '--as', 'vgg'], /Choices: "inception"/],
    [['weights', 'fetch'], /Not enough/],
    [['weights', 'fetch', 'vgg'], /Choices: "inception"/],
    [['weights', 'fetch', 'vgg16', '--from', 'mirror'], /an address such as/],
    [['weights', 'fetch', 'vgg16', '--fron', 'x'], /Did you mean --from/],
    [['weights', 'forget'], /forget/],
  ])('exits with 2 for %j', async (words, message) => {
    const { code, stdout, stderr } = await gnr(...words);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});

describe('gnr weights fetch', () => {
  let server: FileServer;
  beforeEach(async () => {
    server = await new FileServer(await readFile(file)).start();
  });
  afterEach(() => server.stop());

  it('fetches from a mirror with retries that it reports, and fetches nothing the next time', async () => {
    undo = await makeOfficial('lpips-alex', file);
    server.plan = [{ status: 503, headers: { 'retry-after': '0' } }];
    const fetched = await gnr('weights', 'fetch', 'lpips-alex', '--from', server.url);
    expect(fetched.code).toBe(0);
    expect(fetched.stdout).toMatch(/^lpips-alex: \/.*lpips-alex\.safetensors\n$/);
    expect(errorMessages(fetched.stderr)).toEqual([
      `gnr: lpips-alex: fetching ${server.url}/alex.pth, unencrypted: others on the way can see it, and its hash decides whether it is the official file`,
      'gnr: lpips-alex: the server answers HTTP 503; trying again',
    ]);
    vi.stubEnv('GNR_WEIGHTS_URL', server.url);
    const again = await gnr('weights', 'fetch', 'lpips-alex', 'lpips-alex');
    expect(again).toEqual({ code: 0, stdout: 'lpips-alex is there already.\n', stderr: '' });
    expect(server.requests).toHaveLength(2);
  });

  it('stops at the first file that is not official', async () => {
    const { code, stdout, stderr } = await gnr(
      'weights',
      'fetch',
      'lpips-alex',
      'lpips-vgg',
      '--from',
      server.url,
    );
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /gnr: Expected alex\.pth with git's id 1df9dfe62abb1fc89cc7f82b4e5fe886c979708e at http/,
    );
    expect(server.requests).toHaveLength(1);
    expect(await states()).toMatchObject({ 'lpips-alex': 'missing' });
  });
});

describe('gnr weights fetch as a process', () => {
  let program: string;
  beforeAll(async () => {
    program = await mkdtemp(join(tmpdir(), 'gnr-weights-program-'));
    await compileGnr(program);
  });
  afterAll(() => rm(program, { recursive: true, force: true }));

  it('keeps the received bytes after Ctrl-C, and continues from there the next time', async () => {
    const server = await new FileServer(await readFile(file)).start();
    try {
      server.plan = [{ stallAt: 2000 }];
      const part = join(folder, 'cache', 'weights', 'downloads', 'alex.pth.part');
      const words = ['weights', 'fetch', 'lpips-alex', '--from', server.url];
      const run = await startGnr(program, words);
      await until(run, async () => (await readFile(part).catch(() => '')).length === 2000);
      run.child.kill('SIGINT');
      const { status, stderr } = await run.done;
      expect([status, errorMessages(stderr).at(-1)]).toEqual([
        130,
        `gnr: Stopped; 2000 bytes of ${server.url}/alex.pth are kept, and the same command continues from there.`,
      ]);
      undo = await makeOfficial('lpips-alex', file);
      expect((await gnr(...words)).code).toBe(0);
      expect(server.requests.at(-1)).toMatchObject({ range: 'bytes=2000-' });
      expect(await readdir(join(folder, 'cache', 'weights', 'downloads'))).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it('continues from the received bytes after it was killed', async () => {
    const server = await new FileServer(await readFile(file)).start();
    try {
      server.plan = [{ stallAt: 2000 }];
      const words = ['weights', 'fetch', 'lpips-alex', '--from', server.url];
      const run = await startGnr(program, words);
      const part = join(folder, 'cache', 'weights', 'downloads', 'alex.pth.part');
      await until(run, async () => (await readFile(part).catch(() => '')).length === 2000);
      run.child.kill('SIGKILL');
      await run.done;
      undo = await makeOfficial('lpips-alex', file);
      expect((await gnr(...words)).code).toBe(0);
      expect(await states()).toMatchObject({ 'lpips-alex': 'present' });
      expect(server.requests.at(-1)).toMatchObject({ range: 'bytes=2000-' });
    } finally {
      await server.stop();
    }
  });
});

it('gnr train with losses.lpips.weights=cache names the missing weights and the command that fetches them', async () => {
  const data = join(folder, 'data');
  await gnr('dataset', 'sample', data, '--images', '2', '--test-images', '1', '--size', '32');
  const sets = [`data.root=${data}`, 'model.size=32', 'losses.lpips.weights=cache', 'training.batch=2'];
  const words = [
    'train',
    '--config',
    'configs/demo.json',
    '--out',
    join(folder, 'run'),
    '--set',
    'losses.lpips.weight=1',
  ];
  const { code, stderr } = await gnr(...words, ...sets.flatMap((set) => ['--set', set]));
  expect(code).toBe(2);
  expect(stderr).toMatch(/the weights vgg16 at .* but found none; run gnr weights fetch vgg16/);
});
