// A local HTTP server that can misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  /** 200 or 206 by default, depending on the request. */
  status?: number;
  headers?: Record<string, string>;
  /** Whether to ignore Range. */
  ignoresRange?: boolean;
  /** Send only this many bytes, then close the connection once they have arrived (`seen`), or never (`stallAt`). */
  breakAt?: number;
  stallAt?: number;
  /** Whether to omit the size. */
  isChunked?: boolean;
  /** Replaces the server's content. */
  content?: Uint8Array;
}

/** A server of one file on this machine. It misbehaves once for each entry of `plan`, then no more. */
export class FileServer {
  content: Uint8Array;
  etag: string | undefined = '"1"';
  lastModified: string | undefined;
  plan: Answer[] = [];
  /** Method, path and Range of each request. */
  readonly requests: { path: string; range: string | undefined; ifRange: string | undefined }[] = [];
  url = '';
  /** A response to close once this many bytes of the file have arrived: bytes on their way could be lost otherwise. */
  private breaking: { bytes: number; response: ServerResponse } | undefined;
  private readonly server = createServer((request, response) => this.answer(request, response));

  constructor(content: Uint8Array) {
    this.content = content;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Call it with the number of bytes that have arrived. */
  seen(bytes: number): void {
    if (this.breaking === undefined || bytes < this.breaking.bytes) return;
    this.breaking.response.destroy();
    this.breaking = undefined;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { range, 'if-range': ifRange } = request.headers as Record<string, string | undefined>;
    this.requests.push({ path: request.url!, range, ifRange });
    const {
      status,
      headers = {},
      ignoresRange = false,
      breakAt,
      stallAt,
      isChunked,
      content = this.content,
    } = this.plan.shift() ?? {};
    const first = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const isCurrent = ifRange === undefined || ifRange === this.etag || ifRange === this.lastModified;
    const isPart = range !== undefined && isCurrent && !ignoresRange && status === undefined;
    const validators = {
      ...(this.etag && { etag: this.etag }),
      ...(this.lastModified && { 'last-modified': this.lastModified }),
    };
    if (isPart && first >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const body = isPart ? content.subarray(first) : content;
    const partHeaders = isPart && {
      'content-range': `bytes ${first}-${content.length - 1}/${content.length}`,
    };
    const length = !isChunked && { 'content-length': String(body.length) };
    response.writeHead(status ?? (isPart ? 206 : 200), {
      ...length,
      ...validators,
      ...partHeaders,
      ...headers,
    });
    const sent = breakAt ?? stallAt;
    if (sent === undefined) response.end(body);
    else response.write(body.subarray(0, sent));
    if (breakAt !== undefined)
      this.breaking = { bytes: body.byteOffset - content.byteOffset + breakAt, response };
  }
}
