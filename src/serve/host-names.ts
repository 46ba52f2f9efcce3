// Decides by the names of requests which of them the server answers, so that no page elsewhere can read through it.
import { BlockList, isIP } from 'node:net';
import { hostname } from 'node:os';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** Whether an IP address means only this machine, however it is written. */
export function isLoopbackAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** A name or address as it is compared: without brackets and a dot at its end, in small letters. */
const plainName = (name: string): string =>
  name
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();

/** The name in a Host header or a URL, without its port. */
const withoutPort = (authority: string): string => plainName(authority.replace(/:\d*$/, ''));

export interface HostNamesOptions {
  /** The address that the server listens on, as the system says it. */
  address: string;
  /** The name or address that it was asked to listen on. */
  host: string;
  /** Further names to answer to. */
  allowedHosts?: readonly string[];
}

/**
 * Returns a function that decides by the name in a request, with or without its port, whether the server answers.
 * Otherwise a page elsewhere whose name points here (DNS rebinding) could read files that are not meant for it. A server
 * for this machine alone answers to its names and to the name it was given; one for other machines also to any IP address,
 * which nobody can point elsewhere, and to the machine's own name.
 */
export function hostNames({ address, host, allowedHosts = [] }: HostNamesOptions): (name: string) => boolean {
  const own = plainName(hostname());
  const isLocal = isLoopbackAddress(address);
  const names = new Set(['localhost', plainName(host), ...allowedHosts.map(withoutPort)]);
  if (!isLocal) names.add(own).add(`${own}.local`);
  return (authority) => {
    const name = withoutPort(authority);
    return names.has(name) || isLoopbackAddress(name) || (!isLocal && isIP(name) !== 0);
  };
}
