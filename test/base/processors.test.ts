import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableProcessors, cpuQuota } from '../../src/base/processors.js';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(os.tmpdir(), 'gnr-processors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A system's files, made in a folder. */
async function system(files: Record<string, string>): Promise<string> {
  const root = join(folder, String(count++));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
}

const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
const v1 = (top: string): string =>
  `29 22 0:25 / /proc rw - proc proc rw\n33 30 0:30 ${top} /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:11 - cgroup cgroup rw,cpu,cpuacct\n`;

describe('availableProcessors', () => {
  it.each([
    ['a quota of 2 processors', '200000 100000', 2],
    ['a quota of one and a half, rounded up', '150000 100000', 2],
    ['a quota below one processor', '10000 100000', 1],
    ['another period', '50000 10000', 5],
    ['no quota', 'max 100000', 64],
    ['a quota above the affinity', '9900000 100000', 64],
    ['an empty file', '', 64],
  ])('follows cpu.max of version 2 with %s', async (_, max, expected) => {
    const root = await system({
      'proc/self/mountinfo': V2,
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/cpu.max': `${max}\n`,
    });
    expect(availableProcessors({ root, affinity: 64 })).toBe(expected);
  });
  it.each([
    ['the outermost', '300000 100000', 'max 100000', 'max 100000', 3],
    ['the one between', 'max 100000', '400000 100000', '800000 100000', 4],
    ['the innermost', '800000 100000', 'max 100000', '200000 100000', 2],
  ])('takes the smallest quota of nested groups: %s', async (_, outer, middle, inner, expected) => {
    const root = await system({
      'proc/self/mountinfo': V2,
      'proc/self/cgroup': '0::/kubepods.slice/pod1.slice/box.scope\n',
      'sys/fs/cgroup/kubepods.slice/cpu.max': outer,
      'sys/fs/cgroup/kubepods.slice/pod1.slice/cpu.max': middle,
      'sys/fs/cgroup/kubepods.slice/pod1.slice/box.scope/cpu.max': inner,
    });
    expect(availableProcessors({ root, affinity: 64 })).toBe(expected);
  });
  it.each([
    ['a container whose mount begins at its group', '/docker/abc', '/docker/abc', ''],
    ['a namespace for groups', '/', '/', ''],
    ['a mount that begins beside the group', '/docker/abc', '/docker/other', ''],
    ['a group below the mount', '/', '/user/box', '/user/box'],
    ['a group outside the namespace', '/', '/../../system', ''],
  ])('follows the quota of version 1 in %s', async (_, top, group, at) => {
    const root = await system({
      'proc/self/mountinfo': v1(top),
      'proc/self/cgroup': `12:memory:/elsewhere\n4:cpu,cpuacct:${group}\n1:name=systemd:/\n`,
      [`sys/fs/cgroup/cpu,cpuacct${at}/cpu.cfs_quota_us`]: '350000\n',
      [`sys/fs/cgroup/cpu,cpuacct${at}/cpu.cfs_period_us`]: '100000\n',
    });
    expect(cpuQuota({ root })).toBe(3.5);
    expect(availableProcessors({ root, affinity: 8 })).toBe(4);
  });
  it('knows that -1 is no quota in version 1', async () => {
    const root = await system({
      'proc/self/mountinfo': v1('/'),
      'proc/self/cgroup': '4:cpu,cpuacct:/\n0::/\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    });
    expect(cpuQuota({ root })).toBeUndefined();
  });
  it('is the affinity on a system without control groups, and this process has one processor at least', async () => {
    expect(availableProcessors({ root: await system({}), affinity: 6 })).toBe(6);
    const here = availableProcessors();
    expect(here).toBeGreaterThanOrEqual(1);
    expect(here).toBeLessThanOrEqual(os.availableParallelism());
  });
});
