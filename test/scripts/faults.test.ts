import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileGnr } from '../support/gnr.js';

interface Result {
  name: string;
  skipped?: string;
  calls?: number;
  stopped?: number;
  killed?: number;
  wrong?: { point: string; problems: string[] }[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-faults-test-'));
  await compileGnr(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs some cases of the script on the working tree. */
async function faults(points: number, ...names: string[]): Promise<Result[]> {
  const json = join(folder, 'results.json');
  const only = names.flatMap((name) => ['--only', name]);
  const options = [
    ...['--program', join(folder, 'src'), '--given', join(folder, 'given')],
    ...['--points', String(points), '--kills', '1'],
  ];
  // It ends with 1 if something is wrong, which the results say.
  await promisify(execFile)(process.execPath, [
    'scripts/faults/run.mjs',
    ...options,
    '--json',
    json,
    ...only,
  ]).catch(() => undefined);
  return JSON.parse(await readFile(json, 'utf8')) as Result[];
}

const wrongIn = (results: readonly Result[]) =>
  results.flatMap(({ name, wrong = [] }) =>
    wrong.map(({ point, problems }) => `${name}, ${point}: ${problems.join('; ')}`),
  );

describe('a command that is stopped, or whose call fails, at a change of a file', () => {
  it('leaves the old or the new result whole and all files of the user, and the next run goes on', async () => {
    const names = [
      'export safetensors',
      'export pt',
      'import',
      'weights import',
      'dataset sample',
      'setup',
      'train',
    ];
    const results = await faults(2, ...names);
    expect(wrongIn(results)).toEqual([]);
    expect(results.map(({ name }) => name).sort()).toEqual(names.sort());
    for (const { stopped, killed } of results) expect([stopped, killed]).toEqual([2, 1]);
  });

  it('is found by the script if it leaves what a killed one had begun', async () => {
    const file = join(folder, 'src', 'weights', 'import.js');
    const source = await readFile(file, 'utf8');
    const broken = source.replace('await removeLeftoversOf(path)', 'void path');
    expect(broken).not.toBe(source);
    await writeFile(file, broken);
    try {
      expect(wrongIn(await faults(8, 'weights import')).join('\n')).toMatch(/after the next run .* is left/);
    } finally {
      await writeFile(file, source);
    }
  });
});

describe('commands on bad disks and beside others', () => {
  it('keep what was there on a full and on a read-only disk, and do not train in a run that is locked', async () => {
    const locked = ['a second run while the first has been stopped for longer than a heartbeat'];
    const results = await faults(1, 'commands on a full disk', 'commands on a read-only disk', ...locked);
    expect(wrongIn(results)).toEqual([]);
    expect(results).toHaveLength(3);
  });
});
