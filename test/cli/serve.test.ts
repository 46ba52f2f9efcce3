import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import os, { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesAt } from '../../src/browser/model-files.js';
import { loadWebModel } from '../../src/browser/web-bundle.js';
import { openPage, SAMPLE_MODEL } from '../../src/serve/serve.js';
import { ServedFile } from '../../src/serve/served-file.js';
import { type RunningServer, startServer } from '../../src/serve/server.js';
import { readModel } from '../../src/translate/model.js';
import { compileGnr, gnr, startGnr, until } from '../support/gnr.js';

const SECRET = 'nobody may read this';
let folder: string;
let pageDir: string;
let server: RunningServer;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

/** A request whose path is sent as it is written. */
function ask(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  at = server,
): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request(
      { host: '127.0.0.1', port: at.port, path, method, headers, agent: false },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body }));
        response.on('error', fail);
      },
    );
    sent.on('error', fail);
    sent.end();
  });
}

/** What the server answers to bytes that no client would send; empty where it just hangs up. */
function sendRaw(text: string, port = server.port, host = '127.0.0.1'): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, host.replace(/^\[(.*)\]$/, '$1'), () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => done(answer));
    socket.on('close', () => done(answer));
    socket.setTimeout(2000, () => socket.destroy());
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-serve-'));
  pageDir = join(folder, 'web');
  await mkdir(join(pageDir, 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), SECRET);
  await writeFile(join(pageDir, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(pageDir, 'assets', 'index-1a2b3c4d.js'), 'export {};');
  await writeFile(join(pageDir, 'assets', 'tfjs-1a2b3c4d.wasm'), 'wasm');
  await symlink(join(folder, 'secret.txt'), join(pageDir, 'link.txt'));
  ({ server } = await openPage({ pageDir, checkpoint: SAMPLE_MODEL, host: '127.0.0.1', port: 0 }));
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('gnr serve', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/index.html?model=x', 'text/html; charset=utf-8', 'no-cache'],
    ['/assets/index-1a2b3c4d.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/tfjs-1a2b3c4d.wasm', 'application/wasm', 'public, max-age=31536000, immutable'],
    ['/model/bundle.json', 'application/json; charset=utf-8', 'no-cache'],
    ['/model/weights-0.bin', 'application/octet-stream', 'no-cache'],
  ])('sends %s as %s with cache-control %s', async (path, type, caching) => {
    const { status, headers } = await ask(path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': type,
      'cache-control': caching,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'x-content-type-options': 'nosniff',
    });
  });

  it('answers 304 to a client that has the file already', async () => {
    const { headers } = await ask('/');
    const etag = headers.etag!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await ask('/', { 'if-none-match': known });
      expect([again.status, again.body]).toEqual([304, '']);
    }
    expect((await ask('/', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('answers HEAD with the length of the file and no body', async () => {
    const { status, headers, body } = await ask('/', {}, 'HEAD');
    expect([status, headers['content-length'], body]).toEqual([200, '34', '']);
  });

  it('sends the model bit for bit, as the page reads it', async () => {
    const progress: number[] = [];
    const loaded = await loadWebModel(filesAt(`${server.url}model/`), {
      onProgress: (done, total) => progress.push(done / total!),
    });
    const { architecture, values } = await readModel(SAMPLE_MODEL);
    expect(loaded.architecture).toEqual(architecture);
    expect(Object.keys(loaded.values)).toEqual(['G_A2B', 'G_B2A']);
    for (const [network, tree] of Object.entries(loaded.values))
      for (const [path, data] of Object.entries(tree))
        expect(Buffer.compare(Buffer.from(data.buffer), bytesOf(values[network]![path]!)), path).toBe(0);
    expect(progress.at(-1)).toBe(1);
  });
});

describe('gnr serve with hostile requests', () => {
  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%252e%252e%252fsecret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/assets/../../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '//secret.txt',
    '/./index.html',
    '/link.txt',
    '/secret.txt%00.html',
    '/index.html%00',
    '/model/',
    '/__proto__',
    '/constructor',
    '/%',
    '/%zz',
  ])('does not send %s', async (path) => {
    const { status, body } = await ask(path);
    expect([400, 404]).toContain(status);
    expect(body).not.toContain(SECRET);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('rejects the method %s', async (method) => {
    const { status, headers } = await ask('/', {}, method);
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080', '10.0.0.1', '[::2]:80'])(
    'rejects the host name %s',
    async (host) => {
      expect((await ask('/', { host })).status).toBe(421);
    },
  );

  it.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:80'])(
    'accepts the host name %s',
    async (host) => {
      expect((await ask('/', { host })).status).toBe(200);
    },
  );

  it.each(['127.1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', 'localhost', '127.0.0.2'])(
    'reads no model to a page elsewhere, whichever way its address is written: %s',
    async (host) => {
      const at = await startServer({
        files: [new ServedFile('index.html', [Buffer.from('x')])],
        host,
        port: 0,
      });
      expect(at.isLoopback).toBe(true);
      const { hostname } = new URL(at.url);
      const statusOf = async (name: string) =>
        (
          await sendRaw(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`, at.port, hostname)
        ).slice(9, 12);
      expect(await statusOf('evil.example')).toBe('421');
      expect(await statusOf(`${host}:80`)).toBe('200');
      expect(await statusOf('localhost')).toBe('200');
      await at.close();
    },
  );

  it('answers, on all addresses, to addresses, its own name and those that were allowed', async () => {
    const files = [new ServedFile('index.html', [Buffer.from('x')])];
    const open = await startServer({ files, host: '0.0.0.0', port: 0, allowedHosts: ['My.Machine'] });
    const statusOf = async (host: string) => (await ask('/', { host }, 'GET', open)).status;
    for (const name of [
      'my.machine',
      'my.machine:8080',
      'localhost',
      '10.0.0.1:80',
      '[fe80::1]',
      os.hostname(),
    ])
      expect([name, await statusOf(name)]).toEqual([name, 200]);
    for (const name of ['evil.example', 'my.machine.evil.example', '10.0.0.1.evil.example'])
      expect([name, await statusOf(name)]).toEqual([name, 421]);
    expect([open.isLoopback, new URL(open.url).hostname]).toEqual([false, 'localhost']);
    await open.close();
  });

  it('answers to the name in a whole address, and to no request with two names', async () => {
    const headers = 'Connection: close\r\n\r\n';
    const whole = (address: string, host: string) =>
      sendRaw(`GET ${address} HTTP/1.1\r\nHost: ${host}\r\n${headers}`);
    expect(await whole('http://localhost/index.html?a', 'evil.example')).toMatch(/^HTTP\/1.1 200 /);
    expect(await whole('HTTP://localhost', 'localhost')).toMatch(/^HTTP\/1.1 200 /);
    expect(await whole('http://evil.example/', 'localhost')).toMatch(/^HTTP\/1.1 421 /);
    expect(await whole('http://localhost@evil.example/', 'localhost')).toMatch(/^HTTP\/1.1 421 /);
    const two = await sendRaw(`GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${headers}`);
    expect(two).toMatch(/^HTTP\/1.1 400 /);
  });

  it('rejects malformed requests and endless headers, and continues to answer others', async () => {
    const answers = await Promise.all([
      sendRaw('\u0000\u0001\u0002\r\n\r\n'),
      sendRaw('GET\r\n\r\n'),
      sendRaw('GET / HTTP/1.1\r\n\r\n'),
      sendRaw('GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      sendRaw('GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      sendRaw('CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      sendRaw(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`),
      sendRaw('GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n'),
    ]);
    for (const answer of answers) expect(answer).not.toContain('200 OK');
    expect(answers[6]).toContain('431');
    expect((await ask('/')).status).toBe(200);
  });
});

it('gnr serve closes the connection of a client that never finishes its request', async () => {
  const files = [new ServedFile('index.html', [Buffer.from('x')])];
  const strict = await startServer({ files, host: '127.0.0.1', port: 0, headersMilliseconds: 100 });
  const socket = connect(strict.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: local'));
  const answer = await new Promise<string>((done) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => done(text));
  });
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  await strict.close();
});

it('gnr serve answers 200 concurrent requests while other clients disconnect', async () => {
  const gone = Array.from({ length: 20 }, () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /model/weights-0.bin HTTP/1.1\r\nHost: localhost\r\n\r\n', () =>
      setTimeout(() => socket.destroy(), 5),
    );
    return new Promise((done) => socket.on('close', done));
  });
  const paths = ['/', '/model/bundle.json', '/assets/index-1a2b3c4d.js', '/nothing'];
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(paths[i % 4]!)));
  await Promise.all(gone);
  expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i % 4 === 3 ? 404 : 200)));
});

describe('gnr serve at its start', () => {
  const where = () => ({ checkpoint: SAMPLE_MODEL, host: '127.0.0.1', pageDir, port: 0 });

  it('names a port that is taken, and --port', async () => {
    await expect(openPage({ ...where(), port: server.port })).rejects.toThrow(
      new RegExp(`port ${server.port} of 127\\.0\\.0\\.1 .* --port`),
    );
  });

  it('names the command that builds the page if it is not built', async () => {
    const attempt = openPage({ ...where(), pageDir: join(folder, 'none') });
    await expect(attempt).rejects.toThrow(/the built page .* npm run build:web/);
  });

  it('names --host if the host does not exist', async () => {
    await expect(openPage({ ...where(), host: 'no-such-host.invalid' })).rejects.toThrow(/--host/);
  });

  it.each(['-1', '65536', '1.5', 'x'])('rejects --port=%s', async (port) => {
    expect(await gnr('serve', `--port=${port}`)).toMatchObject({ code: 2 });
  });
});

it('gnr serve runs until Ctrl-C and then exits with 0', async () => {
  const program = join(folder, 'program');
  await mkdir(join(program, 'dist'), { recursive: true });
  await compileGnr(program);
  await symlink(pageDir, join(program, 'dist', 'web'), 'dir');
  const model = resolve('models/sample');
  const running = await startGnr(program, ['serve', '--checkpoint', model, '--port', '0']);
  let printed = '';
  running.child.stdout!.on('data', (chunk) => {
    printed += chunk;
  });
  await until(running, () => printed.includes('\n'));
  const [, port] = /^http:\/\/127\.0\.0\.1:(\d+)\/ serves the model of /.exec(printed)!;
  const at = { port: Number(port) } as RunningServer;
  expect((await ask('/', {}, 'GET', at)).status).toBe(200);
  running.child.kill('SIGINT');
  expect(await running.done).toMatchObject({ status: 0 });
});
