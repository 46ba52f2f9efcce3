// Counts the processors that this process may use: those of its affinity, within the CPU quota of its container.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What the count depends on; by default, this process. */
export interface ProcessorSources {
  /** The folder that has `proc` and `sys` in it. */
  root?: string;
  /** Processors that the affinity allows (sched_setaffinity, taskset, cpusets). */
  affinity?: number;
}

/** A mounted hierarchy of control groups: where it is, and the group at its top. */
interface Mount {
  point: string;
  top: string;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Spaces and backslashes in mount points are written in octal. */
const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The mount of version 2, or that of version 1 with the controller `cpu`, from /proc/self/mountinfo (proc(5)). */
function findMount(mountinfo: string, version: 1 | 2): Mount | undefined {
  for (const line of mountinfo.split('\n')) {
    const [fields = '', rest = ''] = line.split(' - ');
    const [type, , options = ''] = rest.split(' ');
    const isIt = version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes('cpu');
    const [, , , top, point] = fields.split(' ');
    if (isIt && top !== undefined && point !== undefined)
      return { top: unescapePath(top), point: unescapePath(point) };
  }
  return undefined;
}

/** The group of this process in a hierarchy, from /proc/self/cgroup (cgroups(7)). */
function findGroup(cgroup: string, version: 1 | 2): string | undefined {
  for (const line of cgroup.split('\n')) {
    const [, id, controllers, group] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isIt = version === 2 ? id === '0' && controllers === '' : controllers?.split(',').includes('cpu');
    if (isIt && group !== undefined) return group;
  }
  return undefined;
}

/** The folders of a group and of those around it, up to the top of the mount: a quota of any of them holds. */
function foldersOf({ point, top }: Mount, group: string): string[] {
  const inside = path.posix.relative(top, path.posix.normalize(group));
  // Without a namespace for groups, the mount may begin below, or beside, the group that the kernel names.
  const parts = inside === '' || inside.startsWith('..') ? [] : inside.split('/');
  return Array.from({ length: parts.length + 1 }, (_, length) => path.join(point, ...parts.slice(0, length)));
}

/** A quota as a number of processors; undefined for none. */
function quotaOf(quota: string | undefined, period: string | undefined): number | undefined {
  const processors = Number(quota) / Number(period);
  return Number(quota) > 0 && Number.isFinite(processors) ? processors : undefined;
}

/** The quota of one folder: `cpu.max` of version 2, `cpu.cfs_quota_us` and `cpu.cfs_period_us` of version 1. */
function quotaIn(folder: string, version: 1 | 2): number | undefined {
  if (version === 2) {
    const [quota, period] = read(path.join(folder, 'cpu.max')).trim().split(/\s+/);
    return quotaOf(quota, period);
  }
  const [quota, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) =>
    read(path.join(folder, name)).trim(),
  );
  return quotaOf(quota, period);
}

/**
 * The CPU quota of this process's control groups (a container's `--cpus`), as a number of processors such as 1.5.
 *
 * @returns undefined if there is none, or the system has no control groups.
 */
export function cpuQuota({ root = '/' }: ProcessorSources = {}): number | undefined {
  const [mountinfo, cgroup] = [
    read(path.join(root, 'proc/self/mountinfo')),
    read(path.join(root, 'proc/self/cgroup')),
  ];
  let least: number | undefined;
  for (const version of [2, 1] as const) {
    const [mount, group] = [findMount(mountinfo, version), findGroup(cgroup, version)];
    if (mount === undefined || group === undefined) continue;
    for (const folder of foldersOf(mount, group)) {
      const quota = quotaIn(path.join(root, folder), version);
      if (quota !== undefined) least = Math.min(least ?? quota, quota);
    }
  }
  return least;
}

/**
 * The number of threads that can compute at once, at least 1: as many as the affinity allows, and no more than the
 * container's quota, rounded up. More threads than that only wait for each other.
 */
export function availableProcessors(sources: ProcessorSources = {}): number {
  const { affinity = os.availableParallelism() } = sources;
  const quota = cpuQuota(sources);
  return Math.max(1, quota === undefined ? affinity : Math.min(affinity, Math.ceil(quota)));
}

/**
 * The number of threads for libraries that count processors themselves and know no quotas.
 *
 * @returns undefined if their own count is right: there is no quota below the affinity.
 */
export function limitedProcessors(sources: ProcessorSources = {}): number | undefined {
  const { affinity = os.availableParallelism() } = sources;
  const processors = availableProcessors(sources);
  return processors < affinity ? processors : undefined;
}
