// An HTTP server for files in memory.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { hostNames, isLoopbackAddress } from './host-names.js';
import type { ServedFile } from './served-file.js';

const HEADER_LIMIT_BYTES = 16 * 1024;
const HEADERS_MILLISECONDS = 10_000;
const REQUEST_MILLISECONDS = 30_000;
/** A client that reads nothing for so long is disconnected. */
const IDLE_MILLISECONDS = 60_000;
const CONNECTIONS = 1000;
/** Bytes that are passed to the connection at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Headers of every response: cross-origin isolation, which threads need, and no guessing of types. */
const COMMON_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': "frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

export interface ServeOptions {
  files: readonly ServedFile[];
  /** A name or address of this machine. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Names that requests may use for this machine, beside its own. */
  allowedHosts?: readonly string[];
  /** The time limit for the headers of a request. */
  headersMilliseconds?: number;
}

/** A running server. */
export interface RunningServer {
  /** The address of the page. */
  url: string;
  port: number;
  /** Whether only this machine reaches it. */
  isLoopback: boolean;
  /** Ends it and all its connections. */
  close(): Promise<void>;
}

function plain(response: ServerResponse, status: number, text: string, headers: object = {}): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** What a request asks for. */
interface Target {
  /** The name of the server, with or without its port. */
  authority: string;
  /** The path below the root. */
  name: string;
}

/** The target of a request; undefined if the address is malformed, or the Host header is not there once. */
function targetOf({ url = '', headersDistinct: { host = [] } }: IncomingMessage): Target | undefined {
  // A whole address, as proxies get it, has precedence over the header (RFC 9112, 3.2.2).
  const [, authority = host[0], path = ''] = /^(?:http:\/\/([^/?#]*))?([^?#]*)/i.exec(url)!;
  if (host.length > 1 || authority === undefined || !/^(\/|$)/.test(path) || url === '') return undefined;
  try {
    return { authority, name: decodeURIComponent(path.slice(1)) || 'index.html' };
  } catch {
    return undefined;
  }
}

function* chunksOf({ chunks }: ServedFile): Iterable<Uint8Array> {
  for (const chunk of chunks)
    for (let from = 0; from < chunk.byteLength; from += CHUNK_BYTES)
      yield chunk.subarray(from, from + CHUNK_BYTES);
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((entry) => ['*', etag].includes(entry.trim().replace(/^W\//, '')));
}

async function sendFile(request: IncomingMessage, response: ServerResponse, file: ServedFile): Promise<void> {
  const headers = {
    ...COMMON_HEADERS,
    ETag: file.etag,
    'Cache-Control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
  if (matches(request.headers['if-none-match'], file.etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': file.contentType,
    'Content-Length': file.bytes,
  });
  if (request.method === 'HEAD') response.end();
  // The client sets the pace: a slow one holds a chunk, not the file.
  else await pipeline(chunksOf(file), response);
}

function handler({ files }: ServeOptions, answersTo: (authority: string) => boolean) {
  // Only these names exist, so no path, however written, leads to other files.
  const byName = new Map(files.map((file) => [file.name, file]));
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    const target = targetOf(request);
    const file = target && byName.get(target.name);
    if (target === undefined) plain(response, 400, 'Malformed address or host.');
    else if (!answersTo(target.authority))
      plain(response, 421, 'This server does not answer to that name; gnr serve --allow-host NAME adds one.');
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      plain(response, 405, 'Only GET and HEAD.', { Allow: 'GET, HEAD' });
    else if (file === undefined) plain(response, 404, 'Nothing here.');
    // A client that disconnects early is not an error.
    else sendFile(request, response, file).catch(() => response.destroy());
  };
}

async function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: bare, port }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => {
    const code = systemCode(error);
    const causes: Record<string, string> = {
      EADDRINUSE: 'another program there',
      EACCES: 'that this user may not use it',
      EADDRNOTAVAIL: 'that this machine has no such address',
      ENOTFOUND: 'that there is no such name',
    };
    throw new InputError(
      {
        expected: `port ${port} of ${host} to be free`,
        found: causes[code ?? ''] ?? messageOf(error),
        remedy:
          code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
            ? 'choose another --host'
            : 'choose another --port',
      },
      { cause: error },
    );
  });
}

/**
 * Serves files from memory over HTTP until the server is closed.
 * @throws InputError if the port is not available.
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { headersMilliseconds = HEADERS_MILLISECONDS } = options;
  let answersTo: (authority: string) => boolean = () => false;
  const server = createServer(
    {
      maxHeaderSize: HEADER_LIMIT_BYTES,
      headersTimeout: headersMilliseconds,
      connectionsCheckingInterval: headersMilliseconds / 2,
      requestTimeout: REQUEST_MILLISECONDS,
    },
    handler(options, (authority) => answersTo(authority)),
  );
  server.timeout = IDLE_MILLISECONDS;
  server.maxConnections = CONNECTIONS;
  await listen(server, options);
  const { address, port } = server.address() as AddressInfo;
  // The address that was taken decides, since there are many ways to write it.
  answersTo = hostNames({ address, ...options });
  const name = ['0.0.0.0', '::'].includes(address) ? 'localhost' : options.host;
  const shown = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  return {
    url: `http://${shown}:${port}/`,
    port,
    isLoopback: isLoopbackAddress(address),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
