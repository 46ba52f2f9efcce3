import os from 'node:os';
import { describe, expect, test } from 'vitest';
import { launchedSize, withWorld } from '../../src/distributed/with-world.js';
import { SOLO } from '../../src/distributed/world.js';
import { errorMessages } from '../support/gnr.js';
import { jsonLines, noMpi, RankFolder } from '../support/mpi.js';

const ranks = RankFolder.prepare();

const host = os.hostname();

describe('a process that nothing has started beside others', () => {
  test('is a world of one, whose calls give what they get', async () => {
    expect(launchedSize({})).toBe(1);
    expect(launchedSize({ OMPI_COMM_WORLD_SIZE: '1' })).toBe(1);
    // A Slurm job is no MPI run by itself.
    expect(launchedSize({ SLURM_NTASKS: '4' })).toBe(1);
    expect(launchedSize({ SLURM_NTASKS: '4', PMIX_RANK: '0' })).toBe(4);
    expect(await withWorld(async (world) => world)).toBe(SOLO);
    expect(await SOLO.gatherValues({ a: 1 })).toEqual([{ a: 1 }]);
    expect(await SOLO.sum(Float64Array.of(1, 2))).toEqual(Float64Array.of(1, 2));
  });
});

describe.skipIf(noMpi !== undefined)('three ranks', () => {
  test('exchange bytes, values and averages, which have the same bytes on all of them', async () => {
    const { status, stdout, stderr } = await ranks.runScript(3, 'collectives');
    expect(status, stderr).toBe(0);
    const found = jsonLines<Record<string, unknown>>(stdout).toSorted(
      (a, b) => Number(a.rank) - Number(b.rank),
    );
    expect(found).toHaveLength(3);
    for (const [rank, line] of found.entries()) {
      expect(line).toMatchObject({
        ...{ rank, size: 3, localRank: rank, localSize: 3, hosts: [host, host, host], share: true },
        ...{ broadcast: [1, 1], value: ['one', { two: 2 }], gathered: [[0], [1, 1], [2, 2, 2]] },
        collected: rank === 0 ? [[0], [1, 1], [2, 2, 2]] : [],
        scattered: Array(rank + 1).fill(rank + 1),
        ...{ sum: [0.1 + 1.1 + 2.1, 3], terms: { a: 1, b: null }, culprit: `rank 1 on ${host}` },
        ...{ second: [1], third: [2], small: [1], averaged: found[0]!.averaged },
      });
      expect(line.library).toMatch(/^Open MPI/);
      expect(line.drift).toContain(
        `The weights of rank 2 on ${host} differ from those of the other processes after step 6`,
      );
    }
    // Added in the order of the ranks, in float32.
    const averaged = found[0]!.averaged as number[];
    expect(averaged).toEqual(
      averaged.map((_, i) => {
        const [a, b, c] = [1, 1e3, 1e6].map((scale) => Math.fround(Math.sin(i + 1) * scale));
        return Math.fround(Math.fround(Math.fround(a! + b!) + c!) * Math.fround(1 / 3));
      }),
    );
  });

  test.for([
    ['fails', 0, 'The disk is full.', 1],
    ['fails', 2, 'The disk is full.', 1],
    ['rejects', 0, 'Expected a dataset but found none; copy it.', 2],
    ['rejects', 2, 'Expected a dataset but found none; copy it.', 2],
    ['stops', 1, 'has not been heard of for', 1],
    ['stops', 0, 'has not been heard of for', 1],
    ['is lost', 1, 'seconds, and mpirun ends the run: a machine or the network is down', 1],
    ['hangs', 1, 'hangs: the other ranks have waited for it for 10 seconds', 1],
    ['computes', 0, 'hangs: the other ranks have waited for it for 10 seconds', 1],
    ['never answers', 1, 'hangs: the other ranks have waited for it for 10 seconds', 1],
  ] as const)(
    'end with one message that names rank, machine and cause if one %s (rank %i)',
    async ([how, rank, cause, code]) => {
      const { status, stdout, stderr } = await ranks.runScript(3, 'failures', [how, String(rank)]);
      expect(stdout).not.toContain('all together');
      const messages = stderr.split('\n').filter((line) => line.startsWith('gnr:'));
      expect(messages, stderr).toHaveLength(1);
      expect(messages[0]).toContain(`rank ${rank} on ${host}`);
      expect(messages[0]).toContain(cause);
      expect(status).toBe(code);
    },
  );

  test('end, and mpirun names the rank, if one is killed', async () => {
    const { status, stdout, stderr } = await ranks.runScript(3, 'failures', ['dies', '1']);
    expect(stdout).not.toContain('all together');
    expect(stderr).toMatch(/rank 1 .*signal 9/s);
    expect(status).not.toBe(0);
  });

  test('wait for one that works alone, longer than the time limit', async () => {
    const { status, stdout, stderr } = await ranks.runScript(3, 'failures', ['works', '0']);
    expect(status, stderr).toBe(0);
    expect(stdout.match(/all together/g)).toHaveLength(3);
  });
});

describe.skipIf(noMpi !== undefined)('two ranks', () => {
  test.for([0, 1])(
    'end with the cause if a step fails on one while an all-reduce there waits for an earlier one (rank %i)',
    async (rank) => {
      const { status, stderr } = await ranks.runScript(2, 'failed-step', ['1', String(rank)]);
      const messages = errorMessages(stderr);
      expect(messages, stderr).toHaveLength(1);
      expect(messages[0]).toContain(`rank ${rank} on ${host}`);
      expect(messages[0]).toContain('indices[0] = 7 is not in [0, 3)');
      expect(status).toBe(1);
    },
  );

  test('average as before after steps that failed on all of them while all-reduces waited', async () => {
    const { status, stdout, stderr } = await ranks.runScript(2, 'failed-step', ['3', '0', '1']);
    expect(status, stderr).toBe(0);
    const found = jsonLines<{ errors: string[]; first: number[]; second: number[] }>(stdout);
    expect(found).toHaveLength(2);
    for (const { errors, first, second } of found) {
      expect(errors).toHaveLength(3);
      for (const error of errors) expect(error).toContain('indices[0] = 7 is not in [0, 3)');
      expect([first, second]).toEqual([[0.5], [0.5, 0.5, 0.5]]);
    }
  });
});
