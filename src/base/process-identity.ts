// Says who a process is, so that processes of other containers and machines can tell, and whether it still runs.
import { readFile, readlink } from 'node:fs/promises';
import os from 'node:os';
import { systemCode } from './errors.js';

/** A process among all machines. Facts that this system does not tell are empty. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** The machine's boot: containers of one machine share it, even if their host names differ. */
  boot: string;
  /** The namespace that counts `pid`: the same number in another container is another process. */
  namespace: string;
  /** Start time in the kernel's ticks, which distinguishes the process from a later one with the same number. */
  started: string;
}

/** `unknown`: the process is of another machine or container, or hidden from this user. */
export type ProcessState = 'running' | 'ended' | 'unknown';

const orEmpty = (text: Promise<string>): Promise<string> =>
  text.then(
    (read) => read.trim(),
    () => '',
  );

/** The state letter and the start time in /proc/PID/stat; undefined if the file cannot be read. */
async function readStat(pid: number | 'self'): Promise<{ letter: string; started: string } | undefined> {
  const text = await orEmpty(readFile(`/proc/${pid}/stat`, 'utf8'));
  if (text === '') return undefined;
  // The second field, the program's name, may contain spaces and brackets: count from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { letter: fields[0] ?? '', started: fields[19] ?? '' };
}

async function readOwnIdentity(): Promise<ProcessIdentity> {
  const [boot, namespace, self, stat] = await Promise.all([
    orEmpty(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    orEmpty(readlink('/proc/self/ns/pid')),
    orEmpty(readlink('/proc/self')),
    readStat('self'),
  ]);
  // /proc may be that of an outer namespace, in which our numbers mean other processes.
  const isOurs = self === String(process.pid);
  const facts = isOurs ? { namespace, started: stat?.started ?? '' } : { namespace: '', started: '' };
  return { pid: process.pid, host: os.hostname(), boot, ...facts };
}

let own: Promise<ProcessIdentity> | undefined;

/** The identity of this process. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= readOwnIdentity();
  return own;
}

/** Whether the numbers of a process mean the same here: it is of this boot and counted by this namespace. */
export async function isVisible({ boot, namespace }: ProcessIdentity): Promise<boolean> {
  const here = await ownIdentity();
  return boot !== '' && namespace !== '' && boot === here.boot && namespace === here.namespace;
}

/** Whether a process still runs. Only processes of this machine and this container can be asked about. */
export async function stateOf(identity: ProcessIdentity): Promise<ProcessState> {
  return (await isVisible(identity)) ? stateHere(identity) : 'unknown';
}

/** Whether a process of this machine and container still runs. */
export async function stateHere({
  pid,
  started,
}: Pick<ProcessIdentity, 'pid' | 'started'>): Promise<ProcessState> {
  const stat = await readStat(pid);
  // Z and X: it has ended, though its parent has not asked for its exit code.
  if (stat !== undefined) return stat.started === started && !/[ZXx]/.test(stat.letter) ? 'running' : 'ended';
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch (error) {
    // The system may hide processes of other users (hidepid).
    return systemCode(error) === 'EPERM' ? 'unknown' : 'ended';
  }
}
