// Names of temporary entries beside a file or folder, which tell what they stand for and which process made them.
import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname, join, sep } from 'node:path';
import { isVisible, ownIdentity, type ProcessState, stateHere } from './process-identity.js';

/** `tmp` is being written; `old` was set aside while its successor takes the name. */
type Kind = 'tmp' | 'old';

/** The process that made an entry, as its name tells. */
interface Owner {
  /** Stands for boot and namespace. */
  place: string;
  pid: number;
  started: string;
}

export interface TemporaryName {
  kind: Kind;
  /** The name of the file or folder that it stands for; shortened if `storedName` shortens it. */
  name: string;
  owner: Owner;
}

/** `.gnr-KIND-NAME~PLACE-PID-STARTED-RANDOM`; no other program makes such names. */
const PATTERN = /^\.gnr-(tmp|old)-(.+)~([0-9a-f]{8})-([0-9a-z]{1,6})-([0-9a-z]{1,13})-[0-9a-f]{6}$/s;

/** File systems allow 255 bytes, of which the rest of the pattern takes up to 46. */
const MAX_NAME_BYTES = 200;

/** Temporary paths that this process uses now. */
const active = new Set<string>();

/** The name as temporary names hold it: a long one is cut, and marked by its hash. */
export function storedName(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  let kept = '';
  for (const character of name) {
    if (Buffer.byteLength(kept + character) > MAX_NAME_BYTES - 9) break;
    kept += character;
  }
  return `${kept}~${hash}`;
}

async function readOwnOwner(): Promise<Owner> {
  const own = await ownIdentity();
  // Where the system does not tell them apart, each process is a place of its own.
  const place = (await isVisible(own))
    ? createHash('sha256').update(`${own.boot} ${own.namespace}`).digest('hex').slice(0, 8)
    : randomBytes(4).toString('hex');
  return { place, pid: own.pid, started: own.started || '0' };
}

let own: Promise<Owner> | undefined;

function ownOwner(): Promise<Owner> {
  own ??= readOwnOwner();
  return own;
}

/** Parses the name of a temporary entry; undefined for any other name. */
export function parseTemporary(entry: string): TemporaryName | undefined {
  const match = PATTERN.exec(entry);
  if (match === null) return undefined;
  const [, kind, name, place, pid, started] = match as unknown as [
    string,
    Kind,
    string,
    string,
    string,
    string,
  ];
  // Base 36 keeps the names short.
  const owner = { place, pid: Number.parseInt(pid, 36), started: String(Number.parseInt(started, 36)) };
  // A function that writes atomically may write what is temporary itself.
  return { kind, name: parseTemporary(name)?.name ?? name, owner };
}

/** Whether the process that made a temporary entry still uses it. */
export async function stateOfTemporary(path: string, { owner }: TemporaryName): Promise<ProcessState> {
  const here = await ownOwner();
  if (owner.place !== here.place) return 'unknown';
  // An entry of this very process that it does not use is one that it could not remove.
  if (owner.pid === here.pid && owner.started === here.started) return active.has(path) ? 'running' : 'ended';
  return stateHere(owner);
}

/**
 * Runs `use` with the path of a new temporary entry beside `target`, which `use` creates. Other processes leave the entry
 * alone until `use` has ended.
 */
export async function withTemporary<T>(
  target: string,
  kind: Kind,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const { place, pid, started } = await ownOwner();
  const owner = [place, pid.toString(36), Number(started).toString(36), randomBytes(3).toString('hex')];
  const path = join(dirname(target), `.gnr-${kind}-${storedName(basename(target))}~${owner.join('-')}`);
  active.add(path);
  try {
    return await use(path);
  } finally {
    active.delete(path);
  }
}

/** A path with final names in place of temporary ones, which have gone by the time somebody reads the path. */
export function withoutTemporary(path: string): string {
  const names = path.split(sep).map((entry) => {
    const parsed = parseTemporary(entry);
    return parsed?.kind === 'tmp' ? parsed.name : entry;
  });
  return names.join(sep);
}
