// A file in memory for the server.
import { extname } from 'node:path';
import { sha256 } from '../base/hash.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
};

/** A file in memory, in one or more chunks. */
export class ServedFile {
  /** Its path below the root, without a slash before it: `assets/index-1a2b3c4d.js`. */
  readonly name: string;
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly sha256: string;
  readonly contentType: string;

  constructor(name: string, chunks: readonly Uint8Array[]) {
    this.name = name;
    this.chunks = chunks;
    this.bytes = chunks.reduce((total, { byteLength }) => total + byteLength, 0);
    this.sha256 = sha256(...chunks);
    this.contentType = TYPES[extname(name)] ?? 'application/octet-stream';
  }

  get etag(): string {
    return `"${this.sha256.slice(0, 32)}"`;
  }

  /** Whether the name changes with the content, so that browsers may cache the file for ever. */
  get isHashed(): boolean {
    return /^assets\/.+-[\w-]{8}\.\w+$/.test(this.name);
  }
}
