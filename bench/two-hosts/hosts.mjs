// Two hosts on one machine: network namespaces that a pair of virtual network cards joins.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';

/** The hosts and their addresses, which enter.sh knows too. */
export const HOSTS = { 'host-a': '10.77.0.1', 'host-b': '10.77.0.2' };
export const NETWORK = '10.77.0.0/24';

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
const namespaceOf = (host) => `gnr-${host}`;
const cardOf = (host) => `gnr-${host}`;

/** Makes the hosts and connects them. */
export function makeHosts() {
  const [a, b] = Object.keys(HOSTS);
  for (const host of [a, b]) ip('netns', 'add', namespaceOf(host));
  const [cardA, cardB] = [cardOf(a), cardOf(b)];
  ip(
    'link',
    'add',
    cardA,
    'netns',
    namespaceOf(a),
    'type',
    'veth',
    'peer',
    'name',
    cardB,
    'netns',
    namespaceOf(b),
  );
  for (const [host, address] of Object.entries(HOSTS)) {
    const inside = (...words) => ip('-n', namespaceOf(host), ...words);
    inside('address', 'add', `${address}/24`, 'dev', cardOf(host));
    inside('link', 'set', 'lo', 'up');
    inside('link', 'set', cardOf(host), 'up');
  }
}

/** Removes the hosts, with their network cards. */
export function removeHosts() {
  for (const host of Object.keys(HOSTS)) {
    try {
      ip('netns', 'delete', namespaceOf(host));
    } catch {
      // It was not made.
    }
  }
}

/** Cuts the connection of the hosts, or restores it. */
export function setLink(isUp) {
  const [host] = Object.keys(HOSTS);
  ip('-n', namespaceOf(host), 'link', 'set', cardOf(host), isUp ? 'up' : 'down');
}

/** Whether each host reaches the other: for some seconds after a link came up, connections fail. */
export function isConnected() {
  return Object.keys(HOSTS).every((host) => {
    const [other] = Object.values(HOSTS).filter((address) => address !== HOSTS[host]);
    // A datagram to no program makes the host look for the other one's card.
    const namespace = ['netns', 'exec', namespaceOf(host)];
    ip(...namespace, 'bash', '-c', `echo >/dev/udp/${other}/9`);
    return /REACHABLE|DELAY|STALE|PROBE/.test(String(ip('-n', namespaceOf(host), 'neigh', 'show', other)));
  });
}

/** A file system of its own, which can be filled. */
export function mountDisk(folder, size) {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
}

/** Removes it, even if a process that was just killed still holds a file. */
export function unmountDisk(folder) {
  execFileSync('umount', ['--lazy', folder]);
}

/** The processes that have `mark` in their environment, and the rank that each belongs to, if any. */
export function processesOf(mark) {
  const found = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let environment;
    try {
      environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
    } catch {
      continue;
    }
    if (!environment.includes(mark)) continue;
    const rank = environment.find((entry) => entry.startsWith('OMPI_COMM_WORLD_RANK='))?.split('=')[1];
    found.push({ pid: Number(name), rank: rank === undefined ? undefined : Number(rank) });
  }
  return found.toSorted((a, b) => a.pid - b.pid);
}
